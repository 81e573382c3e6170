"""Bring survival and what surgery left together: a row per patient, by the reference and by every network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from residua.metrics.classification import has_residual_tumor
from residua.resection.extent import extent_of_resection
from residua.settings.classification import Classification
from residua.statistics.best_inputs import best_inputs

REFERENCE = "manual segmentation"
"""In place of a network; with a blank, which no name of a network or combination has."""
EXTENT_POINTS = 10.0
"""The unit of the extent of resection, in percentage points."""


@dataclass(frozen=True)
class Prognostic:
    """A number by which survival is judged, and the experiment whose best inputs give it."""

    name: str
    experiment: str


PREDICTORS = (
    Prognostic("log_volume", "segmentation"),
    Prognostic("gross_total", "classification"),
    Prognostic("extent", "segmentation"),
)
"""ln(1 + ml) of residual tumour; gross total resection, 1 or 0; extent of resection in steps of ``EXTENT_POINTS``."""


@dataclass(frozen=True)
class Followed:
    """The patients by whom a predictor is judged, one row per person, and how many scans were left out and why.

    Each scan for which the predictor is defined is in one of ``rows``, ``not_judged`` (a network lacks it), ``unknown``
    (its survival) and ``further_scans`` (of a person who counts already).

    ``values`` holds the predictor by source, ``REFERENCE`` or network, in the order of ``rows``: all sources judge the
    same patients. ``inputs`` holds the input configuration of each network.
    """

    rows: pd.DataFrame
    values: Mapping[str, pd.Series]
    inputs: Mapping[str, str]
    not_judged: int
    unknown: int
    further_scans: int


def followed(
    cases: pd.DataFrame,
    survival: Mapping[str, tuple[float, bool]],
    before_ml: Mapping[str, float],
    predictor: Prognostic,
    choice: Mapping[str, str],
    classification: Classification,
) -> Followed:
    """Select the patients whom every network judges, whose survival is known and for whom the predictor is defined.

    ``survival`` holds the days and whether the patient died. Of a person with several scans the one that was followed
    longest counts, the first of equal ones.

    >>> case = {"arch": "nnunet", "inputs": "B", "split": "test", "fold": None, "hospital": "AMS", "dice": 0.5}
    >>> cases = pd.DataFrame({**case, "patient": ["P1", "P2"], "reference_ml": [0.0, 2.0], "predicted_ml": [1.0, 2.0]})
    >>> settings = Classification(residual_tumor_ml=0.175, min_overlap_dice=0)
    >>> found = followed(cases, {"P1": (80, True)}, {}, PREDICTORS[1], {"nnunet": "B"}, settings)
    >>> {source: values.tolist() for source, values in found.values.items()}, found.unknown
    ({'manual segmentation': [1.0], 'nnunet': [0.0]}, 1)
    """
    inputs = best_inputs(cases, choice, predictor.experiment, classification)
    chosen = {
        arch: cases[(cases["arch"] == arch) & (cases["inputs"] == name)].drop_duplicates("patient").set_index("patient")
        for arch, name in inputs.items()
    }
    first = next(iter(chosen.values()))
    shared = [patient for patient in first.index if all(patient in each.index for each in chosen.values())]
    defined = {each for each in cases["patient"] if predictor.name != "extent" or before_ml.get(each, 0) > 0}
    judged = first.loc[[patient for patient in shared if patient in defined]]
    known = judged[judged.index.isin(list(survival))].copy()
    known["days"] = [float(survival[patient][0]) for patient in known.index]
    known["death"] = [bool(survival[patient][1]) for patient in known.index]
    rows = _one_of_each_person(known)
    volumes = {REFERENCE: rows["reference_ml"]}
    volumes |= {arch: each.loc[rows.index, "predicted_ml"] for arch, each in chosen.items()}
    before = pd.Series(before_ml, dtype=float).reindex(rows.index)
    values = {source: _value(predictor.name, ml, before, classification) for source, ml in volumes.items()}
    left_out = (len(defined) - len(judged), len(judged) - len(known), len(known) - len(rows))
    return Followed(rows, values, inputs, *left_out)


def _one_of_each_person(rows: pd.DataFrame) -> pd.DataFrame:
    if "person" not in rows:
        return rows
    kept = rows.sort_values("days", ascending=False, kind="stable").drop_duplicates("person")
    return rows[rows.index.isin(kept.index)]


def _value(name: str, ml: pd.Series, before_ml: pd.Series, classification: Classification) -> pd.Series:
    if name == "log_volume":
        return pd.Series(np.log1p(ml.to_numpy(dtype=np.float64)), ml.index)
    if name == "gross_total":
        return pd.Series(1.0 - has_residual_tumor(ml, classification.residual_tumor_ml), ml.index)
    return pd.Series(extent_of_resection(before_ml, ml) / EXTENT_POINTS, ml.index)
