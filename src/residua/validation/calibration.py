"""Judge on an external cohort the probability of residual tumour that a bundle tells from a predicted volume."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from residua.metrics.classification import has_residual_tumor
from residua.settings.classification import Classification
from residua.settings.statistics import Statistics
from residua.statistics.calibration import (
    ONE_PATIENT,
    ONE_PERSON,
    Bootstrap,
    Curve,
    Reliability,
    agreement,
    in_the_large,
)
from residua.statistics.cases import persons_of
from residua.statistics.frames import tidy
from residua.validation.scores import OTHER_LEVEL

COLUMNS = ("arch", "inputs", "measure", "estimate", "low", "high", "n", "stated", "stated_low", "stated_high", "note")
BIN_COLUMNS = ("arch", "inputs", "predicted", "observed", "n")


def judge_calibrations(
    cases: pd.DataFrame, stated: Sequence[Mapping[str, Any]], classification: Classification, statistics: Statistics
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the frame of scores, a row per bundle and measure, and that of the bins of similar probability.

    ``stated`` holds for each bundle ``arch``, ``inputs``, ``alpha`` of its intervals, ``calibration`` (as in its
    record; None: not calibrated) and ``calibration_note``. ``stated`` in the frame is what the bundle found on its own
    out-of-fold patients; its interval stands there where it has the level of ``statistics``.
    """
    scores: list[dict[str, Any]] = []
    bins: list[dict[str, Any]] = []
    for (arch, inputs), of_model in cases.groupby(["arch", "inputs"], sort=False):
        names = {"arch": arch, "inputs": inputs}
        own = next(each for each in stated if (each["arch"], each["inputs"]) == (arch, inputs))
        known = own["calibration"]
        if known is None:
            note = f"the bundle is not calibrated: {own['calibration_note'] or 'it does not say why'}"
            scores.append({**names, "measure": "brier", "n": len(of_model), "note": note})
            continue
        how = (statistics.alpha, statistics.bootstrap_resamples, statistics.seed)
        bootstrap = Bootstrap(*how, persons_of(of_model))
        curve = Curve(known["scale_ml"], known["intercept"], known["slope"])
        probability = curve.probability(of_model["predicted_ml"])
        has_tumour = has_residual_tumor(of_model["reference_ml"], classification.residual_tumor_ml)
        found = agreement(probability, has_tumour, bootstrap)
        large = in_the_large(probability, has_tumour, bootstrap)
        scores += [{**names, **row} for row in _scores(found, known, own["alpha"] == statistics.alpha)]
        numbers = {"estimate": large.value, "low": large.low, "high": large.high, "note": large.note}
        scores.append({**names, "measure": "in_the_large", **numbers, "n": found.patients})
        bins += [{**names, "predicted": b.predicted, "observed": b.observed, "n": b.patients} for b in found.bins]
    numbers_of = dict.fromkeys(("low", "high", "stated", "stated_low", "stated_high"), np.float64)
    return (
        tidy(scores, COLUMNS).astype(numbers_of),
        tidy(bins, BIN_COLUMNS).astype(dict.fromkeys(("predicted", "observed"), np.float64)),
    )


def _scores(found: Reliability, known: Mapping[str, Any], same_level: bool) -> Iterator[dict[str, Any]]:
    patients = {"n": found.patients, "note": found.brier.note if found.brier.note in (ONE_PATIENT, ONE_PERSON) else ""}
    brier = known["brier"]
    own = {"stated": brier["value"], "stated_low": brier["low"], "stated_high": brier["high"]}
    notes = [found.brier.note]
    if not same_level and brier["low"] is not None:
        own |= {"stated_low": None, "stated_high": None}
        notes.append(f"own, out of fold: {OTHER_LEVEL}")
    numbers = {"estimate": found.brier.value, "low": found.brier.low, "high": found.brier.high}
    yield {"measure": "brier", **numbers, **own, "n": found.patients, "note": "; ".join(filter(None, notes))}
    prevalence = {"estimate": found.brier_of_prevalence, "stated": known["brier_of_prevalence"]}
    yield {"measure": "brier_of_prevalence", **prevalence, **patients}
    error = {"estimate": found.expected_calibration_error, "stated": known["expected_calibration_error"]["value"]}
    yield {"measure": "expected_calibration_error", **error, **patients}
