"""Score bundles on an external cohort, all of it and each hospital, beside what each bundle states of itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import pandas as pd

from residua.settings.classification import Classification
from residua.settings.statistics import Statistics
from residua.statistics.cases import positive
from residua.statistics.frames import tidy
from residua.statistics.interval import Interval
from residua.statistics.scores import MEASURES, difference, scores_of

EXTERNAL, CHANGE = "external", "change from "
STATED = ("holdout", "out_of_fold")
"""The parts of which a bundle states scores."""
OTHER_LEVEL = "no interval: those of the bundle have another level"

COLUMNS = (
    *("arch", "inputs", "part", "hospital", "measure", "estimate", "low", "high", "n", "undefined", "note"),
    *("patients", "positive"),
)


def score_bundles(
    cases: pd.DataFrame, stated: Sequence[Mapping[str, Any]], classification: Classification, statistics: Statistics
) -> pd.DataFrame:
    """Return one row per bundle, part, hospital (None: all) and measure; all numbers in percent and points.

    ``stated`` holds for each bundle ``arch``, ``inputs``, ``alpha`` of its intervals, and the ``scores`` of its record.
    The parts are the external cohort, the bundle's hold-out and its out-of-fold patients, and the change of the
    external cohort from each of the two. Intervals of a bundle stand there where they have the level of ``statistics``;
    a change has one where both have.
    """
    rows: list[dict[str, Any]] = []
    for (arch, inputs), of_model in cases.groupby(["arch", "inputs"], sort=False):
        own = next(each for each in stated if (each["arch"], each["inputs"]) == (arch, inputs))
        for row in _of_model(of_model, own, classification, statistics):
            rows.append({"arch": arch, "inputs": inputs, **row})
    return tidy(rows, COLUMNS).astype({"patients": "Int64", "positive": "Int64"})


def _of_model(
    cases: pd.DataFrame, stated: Mapping[str, Any], classification: Classification, statistics: Statistics
) -> Iterator[dict[str, Any]]:
    found = _percent(scores_of(cases, classification, statistics))
    yield from _rows(EXTERNAL, None, found, _counts(cases, classification))
    for part in STATED:
        known = _stated(stated["scores"], part)
        changes = {measure: difference(found[measure], known[measure]) for measure in MEASURES}
        if stated["alpha"] != statistics.alpha:
            known, changes = ({name: _without_interval(each) for name, each in of.items()} for of in (known, changes))
        yield from _rows(part, None, known, {"patients": None, "positive": None})
        yield from _rows(f"{CHANGE}{part}", None, changes, {"patients": None, "positive": None})
    for hospital, rows in cases.groupby("hospital", sort=True):
        own = _percent(scores_of(rows, classification, statistics))
        yield from _rows(EXTERNAL, str(hospital), own, _counts(rows, classification))


def _rows(
    part: str, hospital: str | None, found: Mapping[str, Interval], counts: Mapping[str, int | None]
) -> Iterator[dict[str, Any]]:
    for measure, interval in found.items():
        yield {"part": part, "hospital": hospital, "measure": measure, **asdict(interval), **counts}


def _counts(cases: pd.DataFrame, classification: Classification) -> dict[str, int | None]:
    return {"patients": len(cases), "positive": len(positive(cases, classification))}


def _without_interval(known: Interval) -> Interval:
    if known.low is None:
        return known
    return replace(known, low=None, high=None, note=OTHER_LEVEL)


def _stated(scores: Sequence[Mapping[str, Any]], part: str) -> dict[str, Interval]:
    of_part = {each["measure"]: each for each in scores if each["part"] == part and each["hospital"] is None}
    return _percent({measure: _interval(of_part.get(measure)) for measure in MEASURES})


def _interval(score: Mapping[str, Any] | None) -> Interval:
    if score is None:
        return Interval(None, None, None, 0, 0, "the bundle does not state it")
    return Interval(score["estimate"], score["low"], score["high"], score["patients"], 0, score["note"])


def _percent(found: Mapping[str, Interval]) -> dict[str, Interval]:
    """Return the measures with Dice in percent, as the rates are."""
    dice = found["dice"]
    estimate, low, high = (None if n is None else 100 * n for n in (dice.estimate, dice.low, dice.high))
    return {**found, "dice": replace(dice, estimate=estimate, low=low, high=high)}
