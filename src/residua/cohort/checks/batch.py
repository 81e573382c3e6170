"""The checks of one batch of patients, as the workflow makes them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from residua.cohort.checks.results import record_findings
from residua.cohort.checks.voxels import CHECK_FAILED, check_voxels
from residua.cohort.table.files import Kind
from residua.cohort.table.patients import Patient
from residua.problems.problem import Problem, raise_problems
from residua.publishing.publish import write_json
from residua.settings.participation import OnInvalid

WHAT_THEN: dict[OnInvalid, str] = {
    "stop": "nothing is trained on their hospital before they are mended or excluded (or set on_invalid to exclude)",
    "exclude": "start again: the study goes on without them",
}
"""What the study does about patients whose data cannot be used."""


def check_batch(
    patients: Iterable[Mapping[str, Any]],
    kinds: Mapping[str, Kind],
    drawn_on: Mapping[str, str],
    excluded: Collection[str],
    on_invalid: OnInvalid,
    findings: str,
    cache: str,
    out: str,
) -> None:
    """Write what ``check_voxels`` finds in a batch to ``out``; ``patients`` are records of ``Patient``.

    Their errors are written to ``findings`` first, so that the next start knows them. Those of patients who are
    ``excluded`` for them already are no news; any other raises ``ResiduaError``, one line an error.
    """
    members = [Patient(**record) for record in patients]
    found = check_voxels(members, kinds, drawn_on, cache)
    problems = [Problem(**record) for record in found["problems"]]
    # A look that failed, for want of memory perhaps, says nothing about the patient.
    record_findings(findings, members, [problem for problem in problems if problem.check != CHECK_FAILED])
    news = [problem for problem in problems if problem.patient not in excluded]
    raise_problems(news, f"These patients' images cannot be used; {WHAT_THEN[on_invalid]}")
    write_json(out, found)
