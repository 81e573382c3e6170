"""Compare hospitals and marks of the hold-out that a configuration names with the table: nobody may have them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from residua.cohort.split.spelling import did_you_mean
from residua.cohort.table.patient import Patient
from residua.problems.problem import Problem
from residua.problems.severity import problem_of
from residua.settings.participation import DrawnFolds, HoldoutColumn
from residua.settings.study import Study

_USUAL = HoldoutColumn.model_fields["values"].default
"""Marks of which a table has one or the other."""


def without_patients(study: Study, patients: Sequence[Patient]) -> list[Problem]:
    """Return an error for each name in the configuration that no patient of the table has: it would have no effect.

    ``patients`` are all of the table, excluded ones too. Folds of hospitals and their hold-out compare theirs
    themselves (``residua.cohort.split.folds``).
    """
    hospitals = Counter(patient.hospital for patient in patients)
    named = {"protocol.window_hours_by_hospital": tuple(study.protocol.window_hours_by_hospital)}
    if isinstance(study.folds, DrawnFolds):
        named["holdout"] = study.held_out_hospitals
    problems = [
        problem_of(
            "hospital-without-patients",
            f"{key} of the config names hospital {hospital}, which has no patient in the table",
            did_you_mean(hospital, {}, hospitals) + "correct its name, or remove it from the config",
            subject="hospital",
        )
        for key, names in named.items()
        for hospital in names
        if hospital not in hospitals
    ]
    return [*problems, *_marks(study, patients)]


def _marks(study: Study, patients: Sequence[Patient]) -> Iterator[Problem]:
    holdout = study.holdout
    if not isinstance(holdout, HoldoutColumn):
        return
    found = Counter(patient.marked.casefold() for patient in patients if patient.marked)
    for value in holdout.values:
        # Without any mark the hold-out is empty, which is told by itself.
        if not found or value.casefold() in (*found, *_USUAL):
            continue
        what = f"holdout.values of the config names {value}, which stands in no cell of the column {holdout.column}"
        remedy = did_you_mean(value, {}, found) + "correct it, or remove it from the config"
        yield problem_of("mark-without-patients", what, remedy, subject=holdout.column)
