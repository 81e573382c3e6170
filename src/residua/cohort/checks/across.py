"""The same voxels under two patients, wherever in the cohort they are, and the proof that no fold is touched by it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from residua.cohort.checks.batch import WHAT_THEN
from residua.cohort.checks.duplicates import duplicate_groups, find_duplicates
from residua.cohort.checks.results import record_findings
from residua.cohort.split.leakage import prove
from residua.cohort.split.split import Split
from residua.cohort.table.patients import Patient
from residua.problems.problem import Problem, raise_problems
from residua.publishing.publish import read_json, write_json
from residua.settings.participation import OnInvalid

Digests = Mapping[str, Mapping[str, str]]
"""Digests of voxels by patient and image column."""


def check_across(
    checks: Iterable[str],
    folds: str,
    patients: Iterable[Mapping[str, Any]],
    excluded: Collection[str],
    on_invalid: OnInvalid,
    findings: str,
    out: str,
) -> None:
    """Compare the voxels of all batches and write the proof, fold by fold, to ``out``.

    ``checks`` are the records of the batches, ``folds`` that of the split and ``patients`` records of all candidates.
    Patients with an image in common are written to ``findings``, each of them; unless all but one of them are
    ``excluded``, this raises ``ResiduaError``, a line for each group.
    """
    digests = {patient: found for check in checks for patient, found in read_json(check)["digests"].items()}
    split = Split.from_json(read_json(folds))
    members = [Patient(**record) for record in patients]
    record_findings(findings, members, *_of_everybody(digests, members))
    left = {patient: found for patient, found in digests.items() if patient not in excluded}
    found = find_duplicates([{"digests": left}], split.hospitals, split.parts())
    raise_problems(found, f"The same scan is there twice; {WHAT_THEN[on_invalid]}")
    images = {column for found in digests.values() for column in found}
    write_json(out, {"proof": prove(split, left, images)})


def _of_everybody(digests: Digests, members: Sequence[Patient]) -> tuple[list[Problem], list[tuple[str, ...]]]:
    """A problem for each patient of every group, and the groups."""
    hospitals = {patient.patient: patient.hospital for patient in members}
    records = [{"digests": digests}]
    groups = duplicate_groups(records)
    told = zip(find_duplicates(records, hospitals), groups, strict=True)
    return [replace(problem, patient=patient) for problem, group in told for patient in group], groups
