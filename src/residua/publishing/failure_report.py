"""All failed registrations and brain masks of a study, reported together before anything is trained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from residua.errors import ResiduaError
from residua.problems.lists import in_lines
from residua.problems.problem import Problem
from residua.publishing.failures import problem_in
from residua.publishing.publish import verified


def problems_among(registrations: Iterable[str], masks: Iterable[str]) -> dict[str, Any]:
    """Return builtins for JSON: the number of records of registrations and masks (manifests), and their problems."""
    records: list[str | Path] = list(registrations)
    for manifest in masks:
        records += verified(manifest, only=lambda name: name.endswith(".json")).values()
    problems = [problem.to_json() for record in records if (problem := problem_in(record))]
    return {"records": len(records), "problems": problems}


def require_none(collected: Mapping[str, Any], brief: bool = False) -> None:
    """Raise ``ResiduaError`` for the problems of ``problems_among``: with all of them, or ``brief`` without."""
    problems = [Problem.from_json(record) for record in collected["problems"]]
    if not problems:
        return
    title = f"{len(problems)} of {collected['records']} registrations and brain masks failed"
    if brief:
        raise ResiduaError(f"{title}: trainings wait until that is corrected; check_preprocessing lists the patients")
    title += ". Trainings wait until the scans are corrected or the patients excluded. All other steps continue"
    raise ResiduaError(in_lines(problems, f"{title}, and results/quality shows the failures."))
