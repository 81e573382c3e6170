"""A problem of one file gets its place: the row, patient, column and file."""

from __future__ import annotations

from dataclasses import replace

from residua.cohort.table.patient import Patient
from residua.problems.problem import Problem


def located(problem: Problem, patient: Patient, column: str | None, file: str | None) -> Problem:
    """Return ``problem`` as that of a patient's column; ``file`` is None where the path must not be shown."""
    return replace(problem, patient=patient.patient, subject=column, row=patient.row, file=file)


class UnusableFileError(Exception):
    """A file that cannot be checked any further because of these problems."""

    def __init__(self, *problems: Problem) -> None:
        """Keep the problems."""
        super().__init__(*(problem.what for problem in problems))
        self.problems = problems
