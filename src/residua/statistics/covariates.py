"""Put the patients of a study into the subgroups of its covariates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from residua.metrics.classification import VOLUME_TOLERANCE, has_residual_tumor
from residua.settings.base import GRADES
from residua.settings.classification import Classification
from residua.settings.columns import COVARIATES, GRADED
from residua.settings.statistics import Statistics
from residua.statistics.groups import UNKNOWN, bands, grouped


@dataclass(frozen=True)
class Subgroups:
    """The group of each patient by covariate, the groups of each in order, and why a covariate has none."""

    of: Mapping[str, Mapping[str, str]]
    order: Mapping[str, tuple[str, ...]]
    lacking: Mapping[str, str]


def subgroups_of(
    cases: pd.DataFrame,
    known: Mapping[str, Mapping[str, str]],
    classification: Classification,
    statistics: Statistics,
) -> Subgroups:
    """Return the subgroups of the covariates that ``statistics`` names, of the patients of ``cases``.

    ``known`` holds what else is known of each patient: columns of the cohort table, and ``slice_thickness`` in mm.
    Patients without residual tumour are a group of their own by residual volume.

    >>> from residua.settings.statistics import BestInputs
    >>> best = BestInputs(segmentation={}, classification={}, raters={})
    >>> numbers = {"alpha": 0.05, "bootstrap_resamples": 100, "interval_sd_multiplier": 1.96, "seed": 0}
    >>> how = Statistics(**numbers, best_inputs=best, subgroups=("hospital", "sex"))
    >>> cases = pd.DataFrame({"patient": ["P1", "P2"], "hospital": ["STO", "GOT"], "reference_ml": [0.0, 2.0]})
    >>> found = subgroups_of(cases, {}, Classification(residual_tumor_ml=0.175, min_overlap_dice=0), how)
    >>> found.of, found.lacking
    ({'hospital': {'P1': 'STO', 'P2': 'GOT'}}, {'sex': 'not in the cohort table'})
    """
    patients = cases.drop_duplicates("patient").set_index("patient")
    of: dict[str, dict[str, str]] = {}
    order: dict[str, tuple[str, ...]] = {}
    lacking: dict[str, str] = {}
    bounded = {str(covariate): bounds for covariate, bounds in statistics.subgroup_bounds.items()}
    for covariate in statistics.subgroups:
        values = _values(covariate, patients, known)
        if not any(values.values()):
            lacking[covariate] = "not in the cohort table"
            continue
        bounds = bounded.get(covariate, ())
        of[covariate] = _groups(covariate, values, patients, bounds, classification)
        order[covariate] = _ordered(covariate, of[covariate], bounds)
    return Subgroups(of, order, lacking)


def _values(covariate: str, patients: pd.DataFrame, known: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    if covariate == "hospital":
        return {str(patient): str(hospital) for patient, hospital in patients["hospital"].items()}
    if covariate == "residual_volume":
        # As for the cut of residual tumour: a sum of voxels may lie just above the bound that it is.
        volumes = patients["reference_ml"] * (1 - VOLUME_TOLERANCE)
        return {str(patient): repr(float(volume)) for patient, volume in volumes.items()}
    column = COVARIATES.get(covariate, covariate)
    return {str(patient): str(known.get(str(patient), {}).get(column, "")) for patient in patients.index}


def _groups(
    covariate: str,
    values: Mapping[str, str],
    patients: pd.DataFrame,
    bounds: tuple[float, ...],
    classification: Classification,
) -> dict[str, str]:
    if covariate != "residual_volume":
        return grouped(values, bounds)
    cut = classification.residual_tumor_ml
    tumour = dict(zip(values, has_residual_tumor(patients["reference_ml"], cut), strict=True))
    found = grouped({patient: value for patient, value in values.items() if tumour[patient]}, bounds)
    return {patient: found.get(patient, f"below {cut:g}") for patient in values}


def _ordered(covariate: str, groups: Mapping[str, str], bounds: tuple[float, ...]) -> tuple[str, ...]:
    """Return the groups that occur: the best grade first, numbers rising, names by the alphabet, the unknown last."""
    there = set(groups.values())
    first = [*reversed(GRADES)] if covariate in GRADED else bands(bounds) if bounds else []
    below = sorted(group for group in there if group.startswith("below "))
    rest = sorted(there - set(first) - set(below) - {UNKNOWN}, key=lambda group: (group.startswith("above "), group))
    return tuple(group for group in (*below, *first, *rest, UNKNOWN) if group in there)
