"""What the checks warn of in the files of new patients: said at once, and kept for each patient's record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from residua.cohort.checks.headers import check_headers
from residua.cohort.checks.stripped import stripped_problem
from residua.cohort.checks.voxels import CHECK_FAILED
from residua.cohort.table.patient import Patient
from residua.problems.problem import Problem
from residua.publishing.publish import read_json
from residua.settings.study import Study

_SAID = 20
"""How many warnings of a call are said; all are in the list of its patients."""


def warnings_among(
    problems: Iterable[Problem], stripped: Mapping[str, bool], study: Study, patients: Sequence[Patient]
) -> list[Problem]:
    """Return what a person should look at among the ``problems`` of the files, patient by patient.

    ``stripped`` says by patient whether the reference scan looks stripped, as ``check_voxels`` finds. A check that
    itself failed is no error of the patient, and is told, too.
    """
    found: dict[str | None, list[Problem]] = {patient.patient: [] for patient in patients}
    for problem in dict.fromkeys(problems):
        if problem.is_warning or problem.check == CHECK_FAILED:
            # The row would be that of the table which the call writes.
            found.setdefault(problem.patient, []).append(replace(problem, row=None))
    for name, looks_stripped in stripped.items():
        if doubt := stripped_problem(looks_stripped, study.brain_mask.method):
            found.setdefault(name, []).append(replace(doubt, patient=name, subject=study.sequences.reference))
    return [problem for own in found.values() for problem in own]


def warnings_by_patient(study: Study, patients: Sequence[Patient], checks: Iterable[str]) -> dict[str, list[Any]]:
    """Return the warnings of each patient as builtins; ``checks`` are files with the results of ``check_voxels``."""
    results = [read_json(file) for file in checks]
    stripped = {patient: found for result in results for patient, found in result["stripped"].items()}
    of_voxels = [Problem.from_json(record) for result in results for record in result["problems"]]
    problems = [*check_headers(study, patients), *of_voxels]
    found: dict[str, list[Any]] = {patient.patient: [] for patient in patients}
    for problem in warnings_among(problems, stripped, study, patients):
        found.setdefault(problem.patient or "", []).append(problem.to_json())
    return found


def notes_of(warnings: Sequence[Problem], listed: str) -> list[str]:
    """Return what is said of the warnings of a call; ``listed`` names the file that will hold all of them."""
    notes = [f"warning: {problem}" for problem in warnings[:_SAID]]
    more = len(warnings) - _SAID
    return notes + ([f"{more} more warnings of the scans: {listed} will hold them"] if more > 0 else [])
