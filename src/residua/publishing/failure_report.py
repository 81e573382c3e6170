"""All failed registrations and brain masks of a study, reported together before anything is trained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from residua.errors import ResiduaError
from residua.problems.lists import in_lines
from residua.problems.problem import Problem
from residua.publishing.failures import problem_in
from residua.publishing.publish import verified

_TOO_MANY = "too_many"


def problems_among(registrations: Iterable[str], masks: Iterable[str]) -> dict[str, Any]:
    """Return builtins for JSON: the number of records of registrations and masks (manifests), and their problems."""
    records: list[str | Path] = list(registrations)
    for manifest in masks:
        records += verified(manifest, only=lambda name: name.endswith(".json")).values()
    problems = [problem.to_json() for record in records if (problem := problem_in(record))]
    return {"records": len(records), "problems": problems}


def judged(
    collected: Mapping[str, Any], patients: int, most_excluded: float, parts: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """Return the result of ``problems_among`` with the verdict whether its patients may be left out.

    They may be at most the share ``most_excluded`` of ``patients``, and somebody must remain in each of ``parts``.
    """
    failed = _patients(collected)
    emptied = [name for name, members in parts.items() if members and failed.issuperset(members)]
    reason = None
    if len(failed) / max(patients, 1) > most_excluded:
        share = f"{100 * most_excluded:g} %, which may be left out (most_excluded)"
        reason = f"{len(failed)} of {patients} patients failed, more than {share}"
    elif emptied:
        reason = f"{len(failed)} of {patients} patients failed, so that nobody is left of {', of '.join(emptied)}"
    return {**collected, _TOO_MANY: reason}


def require_none(collected: Mapping[str, Any], brief: bool = False) -> None:
    """Raise ``ResiduaError`` for the problems of ``problems_among``: with all of them, or ``brief`` without.

    Not for those of patients who may be left out, as ``judged`` found.
    """
    problems = [Problem.from_json(record) for record in collected["problems"]]
    title = collected.get(_TOO_MANY, f"{len(problems)} of {collected['records']} registrations and brain masks failed")
    if not problems or title is None:
        return
    if brief:
        raise ResiduaError(f"{title}: trainings wait until that is corrected; check_preprocessing lists the patients")
    title += ". Trainings wait until the scans are corrected or the patients excluded. All other steps continue"
    raise ResiduaError(in_lines(problems, f"{title}, and results/quality shows the failures."))


def left_out_in_words(collected: Mapping[str, Any]) -> str | None:
    """Name the patients who are left out, with all problems; None where nobody is, or where the study waits."""
    problems = [Problem.from_json(record) for record in collected["problems"]]
    if not problems or collected.get(_TOO_MANY, "") is not None:
        return None
    title = (
        f"{len(_patients(collected))} patient(s) are left out of the study (on_fault: exclude), because a registration "
        "or brain mask failed. They come back once their scans are corrected; results/quality shows the failures."
    )
    return in_lines(problems, title)


def _patients(collected: Mapping[str, Any]) -> set[str]:
    return {record["patient"] for record in collected["problems"]}
