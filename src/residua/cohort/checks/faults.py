"""A fault without its place, and the problem that it is once the place is known."""

from __future__ import annotations

from typing import NamedTuple

from residua.cohort.table.patients import Patient
from residua.problems.problem import Problem, Severity


class Fault(NamedTuple):
    """What is wrong with one file, without its place."""

    check: str
    what: str
    remedy: str
    severity: Severity = "error"


def problem_of(patient: Patient, column: str | None, file: str | None, fault: Fault) -> Problem:
    """The problem that ``fault`` is in a patient's column."""
    return Problem(
        fault.what, fault.remedy, patient.row, patient.patient, column, file, fault.severity, check=fault.check
    )


class UnusableError(Exception):
    """A file that cannot be looked at any further, for this fault."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.what)
        self.fault = fault
