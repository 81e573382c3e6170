"""Check what the cohort table says of a patient's survival: both columns, both cells, and no end before the scan."""

from __future__ import annotations

from collections.abc import Mapping

from residua.cohort.table.lines import Line
from residua.cohort.table.rows import CohortRow, typed
from residua.problems.problem import Problem
from residua.problems.severity import problem_of
from residua.settings.columns import SURVIVAL


def survival_columns(header: Line) -> list[Problem]:
    """Return an error if a table has one of the two columns without the other."""
    there = [column for column in SURVIVAL if column in header.cells]
    if len(there) != 1:
        return []
    (missing,) = set(SURVIVAL) - set(there)
    what = f"the table has {there[0]} but no {missing}"
    remedy = f"add {missing}, or delete {there[0]}"
    return [problem_of("survival-column-missing", what, remedy, subject=missing, row=header.row)]


def survival_problems(cells: Mapping[str, str]) -> list[Problem]:
    """Return what is wrong with the survival of one row; cells that cannot be read are a problem of their own.

    ``survival_days`` are whole days as a rule, so that a day less than the hours of the scan is no contradiction.
    """
    given = [column for column in SURVIVAL if column in cells]
    if len(given) == 1:
        (missing,) = set(SURVIVAL) - set(given)
        remedy = f"give {missing}, or leave both cells empty"
        return [problem_of("survival-incomplete", f"{given[0]} without {missing}", remedy, subject=missing)]
    days, hours = (
        typed(CohortRow, column, cells[column]) if column in cells else None
        for column in ("survival_days", "hours_since_surgery")
    )
    if days is None or hours is None or float(hours) < 24 * (float(days) + 1):
        return []
    end = "death" if typed(CohortRow, "death", cells["death"]) == "1" else "the end of the follow-up"
    what = f"{end} {float(days):g} days after surgery is before the scan {float(hours):g} h after it"
    return [problem_of("survival-before-scan", what, "correct one of them", subject="survival_days")]
