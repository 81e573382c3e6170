"""The checks of one batch of patients, as the workflow makes them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from residua.cohort.checks.results import keep_problems
from residua.cohort.checks.voxels import CHECK_FAILED, check_voxels
from residua.cohort.table.files import Kind
from residua.cohort.table.patient import Patient
from residua.problems.lists import raise_problems
from residua.problems.problem import Problem
from residua.publishing.publish import write_json
from residua.settings.participation import OnInvalid

WHAT_THEN: dict[OnInvalid, str] = {
    "stop": "no network trains on their hospital until they are corrected or excluded (or set on_invalid to exclude)",
    "exclude": "start again: the study continues without them",
}
"""Consequence for patients with unusable data."""


def check_batch(
    patients: Iterable[Mapping[str, Any]],
    kinds: Mapping[str, Kind],
    drawn_on: Mapping[str, str],
    excluded: Collection[str],
    on_invalid: OnInvalid,
    kept: str,
    cache: str,
    out: str,
) -> None:
    """Write the result of ``check_voxels`` for a batch to ``out``; ``patients`` are records of ``Patient``.

    The errors are written to ``kept`` first, so that the next start knows them. Those of patients who are ``excluded``
    already are not reported again; any other raises ``ResiduaError`` with one line per error.
    """
    members = [Patient(**record) for record in patients]
    result = check_voxels(members, kinds, drawn_on, cache)
    problems = [Problem.from_json(record) for record in result["problems"]]
    # If the check itself failed, perhaps for lack of memory, the patient is not to blame.
    keep_problems(kept, members, [problem for problem in problems if problem.check != CHECK_FAILED])
    new = [problem for problem in problems if problem.patient not in excluded]
    raise_problems(new, f"These patients' images cannot be used; {WHAT_THEN[on_invalid]}")
    write_json(out, result)
