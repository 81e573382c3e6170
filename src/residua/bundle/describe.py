"""Describe the models of one network and input configuration to those who will use them (stage ``describe_model``).

Everything by which a new patient is judged comes from training and validation patients: limits, and the calibration.
The hold-out gives scores and counts, and reaches nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from residua.bundle.limits import limits_of
from residua.bundle.record import Calibration, Population, Score
from residua.metrics.classification import has_residual_tumor
from residua.settings.classification import Classification
from residua.settings.sharing import ModelSharing
from residua.settings.statistics import Statistics
from residua.statistics.calibration import Bootstrap, fit_curve, reliability, undecidable_ml
from residua.statistics.cases import folds_of, persons_of, positive
from residua.statistics.interval import Interval
from residua.statistics.scores import dice_of_positive, scores_of

PARTS = {"out_of_fold": "validation", "holdout": "test"}
"""The parts of a study, and the split of the measurements that holds each."""


@dataclass(frozen=True)
class ModelResults:
    """What the study holds of one network and input configuration.

    ``cases`` are its measurements (``results/metrics``), ``intervals`` those of the classification of all models
    (``results/statistics``), and ``quality`` are the measures of all patients.
    """

    cases: pd.DataFrame
    intervals: pd.DataFrame
    quality: pd.DataFrame


def describe_model(
    results: ModelResults, study: Mapping[str, Any], images: list[str], identity: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the fields of a ``BundleRecord`` that a study can give without its trained files, as builtins.

    ``study`` holds the settings of the model, ``images`` the image columns among its channels and the reference.
    ``identity`` says which model it is, and is returned with the rest.
    """
    classification = Classification.model_validate(study["classification"])
    statistics = Statistics.model_validate(study["statistics"])
    sharing = ModelSharing.model_validate(study["sharing"])
    by_part = {part: results.cases[results.cases["split"] == split] for part, split in PARTS.items()}
    seen = by_part["out_of_fold"]
    calibration = calibrate(seen, classification, statistics, sharing.certainty)
    limits = limits_of(results.quality, set(seen["patient"]), images)
    return {
        **identity,
        "study": dict(study),
        "population": [
            group.model_dump() for part, cases in by_part.items() for group in _population(part, cases, classification)
        ],
        "scores": [
            score.model_dump()
            for part, cases in by_part.items()
            for score in [
                *_overall(part, cases, results.intervals, classification, statistics),
                *_by_hospital(part, cases, classification, statistics),
            ]
        ],
        "limits": [limit.model_dump() for limit in limits],
        "calibration": None if isinstance(calibration, str) else calibration.model_dump(mode="json"),
        "calibration_note": calibration if isinstance(calibration, str) else "",
        "licence": sharing.licence,
        "contact": sharing.contact,
    }


def calibrate(
    seen: pd.DataFrame, classification: Classification, statistics: Statistics, certainty: float
) -> Calibration | str:
    """Calibrate the volumes that were predicted out of fold; return the reason in words when it cannot be done."""
    cut = classification.residual_tumor_ml
    volume = seen["predicted_ml"].to_numpy(np.float64)
    has_tumour = has_residual_tumor(seen["reference_ml"], cut)
    curve = fit_curve(volume, has_tumour, cut)
    if isinstance(curve, str):
        return curve
    bootstrap = Bootstrap(statistics.alpha, statistics.bootstrap_resamples, statistics.seed, persons_of(seen))
    found = reliability(volume, has_tumour, folds_of(seen), cut, bootstrap)
    if isinstance(found, str):
        return found
    return Calibration.model_validate(
        {
            **asdict(curve),
            **asdict(found),
            "brier": {name: getattr(found.brier, name) for name in ("value", "low", "high")},
            "expected_calibration_error": {"value": found.expected_calibration_error, "low": None, "high": None},
            "certainty": certainty,
            "undecidable_ml": undecidable_ml(curve, certainty),
        }
    )


def _population(part: str, cases: pd.DataFrame, classification: Classification) -> list[Population]:
    found = []
    for hospital, rows in cases.groupby("hospital", sort=True):
        tumour = len(positive(rows, classification))
        found.append(Population(part=part, hospital=str(hospital), patients=len(rows), residual_tumour=tumour))
    return found


def _overall(
    part: str,
    cases: pd.DataFrame,
    intervals: pd.DataFrame,
    classification: Classification,
    statistics: Statistics,
) -> list[Score]:
    found = [_score(part, None, "dice", dice_of_positive(cases, classification, statistics))]
    for row in intervals[intervals["split"] == PARTS[part]].to_dict("records"):
        numbers = {name: None if pd.isna(row[name]) else float(row[name]) for name in ("estimate", "low", "high")}
        read = Interval(**numbers, n=int(row["n"]), undefined=int(row["undefined"]), note=str(row["note"]))
        found.append(_score(part, None, str(row["rate"]), read))
    return found


def _by_hospital(part: str, cases: pd.DataFrame, classification: Classification, statistics: Statistics) -> list[Score]:
    scores = []
    for hospital, rows in cases.groupby("hospital", sort=True):
        found = scores_of(rows, classification, statistics)
        scores += [_score(part, str(hospital), measure, interval) for measure, interval in found.items()]
    return scores


def _score(part: str, hospital: str | None, measure: str, found: Interval) -> Score:
    numbers = {"estimate": found.estimate, "low": found.low, "high": found.high}
    return Score(part=part, hospital=hospital, measure=measure, **numbers, patients=found.n, note=found.note)
