"""Score raters and models against the reference standard and against the consensus of the raters.

Agreement is the Jaccard score. Only patients with residual tumour under the reference in use are compared, so that the
patients of the two references may differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from residua.cohort.checks.rater_voxels import check_rater_voxels
from residua.cohort.table.expertise import EXPERTISES
from residua.cohort.table.rater_table import Rating
from residua.images import volumes
from residua.images.volumes import Image
from residua.metrics.classification import has_residual_tumor
from residua.metrics.overlap import jaccard_of
from residua.problems.lists import raise_problems
from residua.publishing.images import by_patient
from residua.raters.consensus import Mask, consensus, further_references
from residua.settings.classification import Classification
from residua.statistics.best_inputs import best_inputs
from residua.statistics.cases import read_cases

FURTHER_COLUMNS = (
    *("patient", "reference", "left_out", "scorer", "kind", "inputs", "reference_ml", "positive", "jaccard"),
)
_TYPES = {"inputs": "object", "reference_ml": "float64", "positive": "bool", "jaccard": "float64"}


@dataclass(frozen=True)
class _Model:
    """A network with its best input configuration, and its masks of the test set by patient."""

    arch: str
    inputs: str
    masks: Mapping[str, Path]


@dataclass(frozen=True)
class _Drawn:
    """A mask (x, y, z) to score, and its author: a rater, a model (with its inputs) or the other reference."""

    scorer: str
    kind: str
    mask: Mask
    inputs: str | None = None


def rate_all(
    ratings: Sequence[Rating],
    references: Mapping[str, str],
    segmentations: Mapping[tuple[str, str], str],
    metrics: Sequence[str],
    choice: Mapping[str, str],
    classification: Classification,
    further: Sequence[str] = (),
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return one row per patient, reference and scorer: every rater, every model and the other reference.

    Columns: patient, reference ("reference_standard" or "consensus"), scorer (rater, arch, or the other reference),
    kind ("novice", "expert", "model" or "reference"), inputs (of models), reference_ml, positive (whether that is
    residual tumour) and jaccard (NaN when both masks are empty). The second frame holds the same for the ``further``
    references of ``residua.raters.consensus``, and left_out, the rater who has no part in the reference: that rater and
    every model are its scorers. ``references`` holds the reference standard by patient
    and ``segmentations`` the test set's manifest by arch and inputs. ``choice`` names the input configuration of every
    arch, or lets its measurements among ``metrics`` choose. One patient is in memory at a time. Raises one
    ``ResiduaError`` for all files that are not masks, and one for a mask on another grid.
    """
    raise_problems(check_rater_voxels(ratings), "These raters' masks cannot be used")
    best = _best(metrics, choice, classification)
    models = [_Model(arch, inputs, by_patient([segmentations[arch, inputs]])) for arch, inputs in best.items()]
    rows: list[dict[str, Any]] = []
    beside: list[dict[str, Any]] = []
    for patient in dict.fromkeys(rating.patient for rating in ratings):
        of_patient = [rating for rating in ratings if rating.patient == patient]
        standard = volumes.load_mask(references[patient])
        drawn = [*_drawn_by_raters(of_patient, standard), *_drawn_by_models(patient, models, standard)]
        rows += _scores(patient, standard, drawn, classification.residual_tumor_ml)
        beside += _further(patient, standard, drawn, further, classification.residual_tumor_ml)
    return pd.DataFrame(rows).astype(_TYPES), pd.DataFrame(beside, columns=list(FURTHER_COLUMNS)).astype(_TYPES)


def _best(metrics: Sequence[str], choice: Mapping[str, str], classification: Classification) -> dict[str, str]:
    """Return the input configuration by arch, in the order of ``choice``; a named one need not have been measured."""
    best = best_inputs(read_cases(metrics), choice, "raters", classification) if metrics else {}
    return {arch: best.get(arch, inputs) for arch, inputs in choice.items()}


def _drawn_by_raters(ratings: Iterable[Rating], standard: Image) -> list[_Drawn]:
    return [
        _Drawn(r.rater, r.expertise, _on_grid(r.mask, standard, f"patient {r.patient}: the mask of {r.rater}"))
        for r in ratings
    ]


def _drawn_by_models(patient: str, models: Iterable[_Model], standard: Image) -> list[_Drawn]:
    return [
        _Drawn(
            m.arch, "model", _on_grid(m.masks[patient], standard, f"patient {patient}: the mask of {m.arch}"), m.inputs
        )
        for m in models
        # Predictions made elsewhere may lack patients.
        if patient in m.masks
    ]


def _on_grid(path: str | Path, standard: Image, what: str) -> Mask:
    mask = volumes.load_mask(path)
    volumes.require_same_grid(mask, standard, what)
    return np.asarray(mask.data)


def _scores(patient: str, standard: Image, drawn: Sequence[_Drawn], residual_tumor_ml: float) -> list[dict[str, Any]]:
    agreed = consensus([each.mask for each in drawn if each.kind in EXPERTISES])
    references = {"reference_standard": np.asarray(standard.data), "consensus": agreed}
    rows = []
    for reference, mask in references.items():
        others = [_Drawn(name, "reference", other) for name, other in references.items() if name != reference]
        names = {"patient": patient, "reference": reference}
        rows += _scored(names, mask, [*drawn, *others], standard.grid.voxel_ml, residual_tumor_ml)
    return rows


def _further(
    patient: str, standard: Image, drawn: Sequence[_Drawn], further: Sequence[str], residual_tumor_ml: float
) -> list[dict[str, Any]]:
    masks = {each.scorer: each.mask for each in drawn if each.kind in EXPERTISES}
    rows = []
    for reference, left_out, mask in further_references(masks, further):
        scorers = [each for each in drawn if not left_out or each.kind == "model" or each.scorer == left_out]
        names = {"patient": patient, "reference": reference, "left_out": left_out}
        rows += _scored(names, mask, scorers, standard.grid.voxel_ml, residual_tumor_ml)
    return rows


def _scored(
    names: Mapping[str, str], mask: Mask, scorers: Sequence[_Drawn], voxel_ml: float, residual_tumor_ml: float
) -> list[dict[str, Any]]:
    reference_ml = int(np.count_nonzero(mask)) * voxel_ml
    about = {"reference_ml": reference_ml, "positive": bool(has_residual_tumor(reference_ml, residual_tumor_ml))}
    return [
        {
            **{**names, "scorer": each.scorer, "kind": each.kind, "inputs": each.inputs, **about},
            "jaccard": _jaccard(mask, each.mask),
        }
        for each in scorers
    ]


def _jaccard(one: Mask, other: Mask) -> float:
    shared = int(np.count_nonzero(one & other))
    return jaccard_of(shared, int(np.count_nonzero(one)), int(np.count_nonzero(other)))
