"""Rank the failures of a study, and choose the patients to show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from residua.settings.classification import Classification
from residua.statistics.cases import outcomes_of


@dataclass(frozen=True)
class Kind:
    """A kind of failure: its name, which rows can have it, by what they are ranked, and how it is said."""

    name: str
    title: str
    of: Callable[[pd.DataFrame], pd.Series]
    by: str
    highest_first: bool
    words: str


KINDS = (
    Kind("missed", "Missed residual tumour", lambda rows: rows["outcome"] == "FN", "reference_ml", True,
         "{model} finds {predicted_ml:.2f} ml of {reference_ml:.2f} ml and calls the patient resected"),
    Kind("false_alarm", "False alarm", lambda rows: rows["outcome"] == "FP", "predicted_ml", True,
         "{model} finds {predicted_ml:.2f} ml where the reference has {reference_ml:.2f} ml"),
    Kind("low_dice", "Low Dice", lambda rows: rows["outcome"] == "TP", "dice", False,
         "{model} finds the tumour with a Dice of {percent:.1f} %"),
    Kind("volume_error", "Large volume error", lambda rows: rows["absolute_volume_error_ml"] > 0,
         "absolute_volume_error_ml", True, "{model} errs by {signed} ml"),
)  # fmt: skip
"""In the order in which patients are chosen in turn."""


@dataclass(frozen=True)
class RankedFailure:
    """One kind of failure of one network in one patient, and the rank among all of the kind."""

    kind: Kind
    rank: int
    of: int
    what: str


@dataclass(frozen=True)
class Case:
    """A patient to show: for which kind they were chosen, and every failure that is among the worst of its kind."""

    patient: str
    hospital: str
    chosen_for: Kind
    failures: tuple[RankedFailure, ...]


def with_outcomes(cases: pd.DataFrame, inputs: Mapping[str, str], classification: Classification) -> pd.DataFrame:
    """Return the rows of each network with its input configuration, with the outcome of the patient."""
    own = cases[cases["inputs"] == cases["arch"].map(dict(inputs))].reset_index(drop=True)
    return own.assign(outcome=outcomes_of(own, classification))


def ranked(rows: pd.DataFrame, kind: Kind) -> pd.DataFrame:
    """Return the rows that fail in this kind, the worst first; equal ones in the order of ``rows``."""
    own = rows[kind.of(rows)]
    return own.sort_values(kind.by, ascending=not kind.highest_first, kind="stable").reset_index(drop=True)


def choose(rows: pd.DataFrame, number: int, models: Mapping[str, str]) -> list[Case]:
    """Choose up to ``number`` patients: the worst of each kind in turn, each patient once.

    ``models`` names the network of each ``arch``. The cases come kind by kind, the worst first.
    """
    lists = {kind.name: ranked(rows, kind) for kind in KINDS}
    chosen = _in_turn({name: list(dict.fromkeys(frame["patient"])) for name, frame in lists.items()}, number)
    hospitals = dict(zip(rows["patient"], rows["hospital"], strict=True))
    return [
        Case(patient, str(hospitals[patient]), kind, tuple(_failures(lists, patient, number * len(models), models)))
        for kind in KINDS
        for patient, name in chosen.items()
        if name == kind.name
    ]


def _in_turn(queues: dict[str, list[str]], number: int) -> dict[str, str]:
    """Return the patients, each with the kind that took them."""
    taken: dict[str, str] = {}
    while len(taken) < number and any(queues.values()):
        for name, queue in queues.items():
            while queue and queue[0] in taken:
                queue.pop(0)
            if queue and len(taken) < number:
                taken[queue.pop(0)] = name
    return taken


def _failures(
    lists: Mapping[str, pd.DataFrame], patient: str, last: int, models: Mapping[str, str]
) -> list[RankedFailure]:
    """Return the failures of a patient up to the rank ``last`` of each kind."""
    found = []
    for kind in KINDS:
        rows = lists[kind.name].to_dict("records")
        for rank, row in enumerate(rows[:last], start=1):
            if row["patient"] == patient:
                found.append(RankedFailure(kind, rank, len(rows), _said(kind, row, models)))
    return found


def _said(kind: Kind, row: Mapping[Any, Any], models: Mapping[str, str]) -> str:
    signed = f"{row['volume_error_ml']:+.2f}".replace("-", "−")
    numbers = {name: row[name] for name in ("predicted_ml", "reference_ml")}
    return kind.words.format(model=models[row["arch"]], percent=100 * row["dice"], signed=signed, **numbers)
