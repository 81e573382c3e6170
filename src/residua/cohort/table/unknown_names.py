"""Refuse NA and its like as the name of a hospital or person: everybody who is not known would be one."""

from __future__ import annotations

from collections.abc import Sequence

from residua.cohort.table.patient import Patient
from residua.problems.problem import Problem
from residua.problems.severity import problem_of

UNKNOWN_NAMES = ("na", "nan", "nat", "none", "null", "unknown")
"""Names, in lower case, by which programs and persons say that a value is not known."""
_REMEDIES = {
    "hospital": "write the hospital, or set role to exclude; a hospital that is called so needs another name",
    "person": "leave the cells empty where a patient has one row; a person who is called so needs another name",
}
_SHOWN = 10


def unknown_names(patients: Sequence[Patient]) -> list[Problem]:
    """Return an error for each of the columns hospital and person that says of patients that it is not known.

    It names all rows, as a cell of R or pandas stands in many. Excluded patients are nobody's side of a fold: imports
    write ``unknown`` as their hospital.
    """
    taking_part = [patient for patient in patients if not patient.excluded]
    named = {
        "hospital": [(patient.hospital, patient.row) for patient in taking_part],
        "person": [(patient.person, patient.row) for patient in taking_part],
    }
    return [problem for column, cells in named.items() for problem in _problem(column, cells)]


def _problem(column: str, cells: Sequence[tuple[str, int | None]]) -> list[Problem]:
    unknown = [(name, row) for name, row in cells if name.casefold() in UNKNOWN_NAMES]
    if not unknown:
        return []
    names = ", ".join(dict.fromkeys(name for name, _ in unknown))
    rows = ", ".join(str(row) for _, row in unknown[:_SHOWN])
    rows += f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
    what = f"{names} in {len(unknown)} row(s) ({rows}) says that the {column} is not known, and would be one {column}"
    return [problem_of("name-unknown", what, _REMEDIES[column], subject=column)]
