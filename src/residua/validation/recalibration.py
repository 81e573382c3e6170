"""Measure what a threshold brings that was chosen on a part of the external cohort: on the rest alone, paired."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from residua.publishing.publish import read_json
from residua.settings.classification import Classification
from residua.settings.statistics import Statistics
from residua.statistics.bca import bca_interval, paired_interval
from residua.statistics.cases import RATES, outcomes_of, persons_of, positive, read_cases
from residua.statistics.frames import tidy
from residua.statistics.interval import Interval
from residua.statistics.mean_interval import mean_interval
from residua.validation.choosers import who_chose

COLUMNS = (
    *("arch", "inputs", "threshold_1", "threshold_2", "drawn", "caution", "measure", "which"),
    *("estimate", "low", "high", "n", "undefined", "note"),
)
WHICH = ("bundle", "recalibrated", "difference")


def score_thresholds(
    models: Sequence[Mapping[str, Any]], classification: Classification, statistics: Statistics
) -> pd.DataFrame:
    """Return a row per bundle, measure, and threshold or difference; all numbers in percent and points.

    Each of ``models`` has ``arch`` and ``inputs``, and names files: ``thresholds`` of the bundle and of the choice,
    ``candidates`` of the choice (``drawn`` in the frame: its patients), and ``metrics`` of the bundle's (all patients)
    and of the choice's masks (the rest).
    """
    rows: list[dict[str, Any]] = []
    for model in models:
        first, second = map(read_json, model["thresholds"])
        names = {"threshold_1": first["threshold"], "threshold_2": second["threshold"], "caution": second["caution"]}
        names |= {"arch": model["arch"], "inputs": model["inputs"], "drawn": len(who_chose([model["candidates"]]))}
        before, after = (read_cases([file]).set_index("patient", drop=False) for file in model["metrics"])
        for row in _compared(before.loc[after.index], after, classification, statistics):
            rows.append({**names, **row})
    kinds = {"threshold_1": "float64", "threshold_2": "float64", "drawn": "Int64"}
    return tidy(rows, COLUMNS).astype(kinds)


def _compared(
    before: pd.DataFrame, after: pd.DataFrame, classification: Classification, statistics: Statistics
) -> Iterator[dict[str, Any]]:
    """Yield the rows of patients who were measured at both thresholds, in the same order."""
    how = (statistics.alpha, statistics.bootstrap_resamples, statistics.seed)
    with_tumour = [positive(cases, classification) for cases in (before, after)]
    dice, whose = [100 * cases["dice"].to_numpy() for cases in with_tumour], persons_of(with_tumour[0])
    yield from _rows("dice", [mean_interval(values, *how, whose) for values in (*dice, dice[1] - dice[0])])
    outcome, whose = [outcomes_of(cases, classification) for cases in (before, after)], persons_of(before)
    for rate in RATES:
        own = [bca_interval(each, rate, *how, whose) for each in outcome]
        yield from _rows(rate, [*own, paired_interval(outcome[0], outcome[1], rate, *how, whose)])


def _rows(measure: str, found: Sequence[Interval]) -> Iterator[dict[str, Any]]:
    for which, interval in zip(WHICH, found, strict=True):
        yield {"measure": measure, "which": which, **asdict(interval)}
