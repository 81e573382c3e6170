"""The check for the same voxels under two patients of the cohort, and the proof that no fold has them on two sides."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from residua.cohort.checks.batch import WHAT_THEN
from residua.cohort.checks.duplicates import duplicate_groups, find_duplicates
from residua.cohort.checks.results import keep_problems
from residua.cohort.split.leakage import prove
from residua.cohort.split.split import Split
from residua.cohort.table.patient import Patient
from residua.problems.lists import raise_problems
from residua.problems.problem import Problem
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
    kept: str,
    out: str,
) -> None:
    """Compare the voxels of all batches and write the proof, fold by fold, to ``out``.

    ``checks`` are the records of the batches, ``folds`` that of the split and ``patients`` records of all candidates.
    Patients with an image in common are written to ``kept``, each of them; unless all but one of them are
    ``excluded``, this raises ``ResiduaError``, a line for each group.
    """
    digests = {patient: own for check in checks for patient, own in read_json(check)["digests"].items()}
    split = Split.from_json(read_json(folds))
    members = [Patient(**record) for record in patients]
    keep_problems(kept, members, *_of_all(digests, members))
    included = {patient: own for patient, own in digests.items() if patient not in excluded}
    problems = find_duplicates([{"digests": included}], split.hospitals, split.parts())
    raise_problems(problems, f"Two patients have the same scan; {WHAT_THEN[on_invalid]}")
    images = {column for own in digests.values() for column in own}
    write_json(out, {"proof": prove(split, included, images)})


def _of_all(digests: Digests, members: Sequence[Patient]) -> tuple[list[Problem], list[tuple[str, ...]]]:
    """Return a problem for each patient of every group, and the groups."""
    hospitals = {patient.patient: patient.hospital for patient in members}
    records = [{"digests": digests}]
    groups = duplicate_groups(records)
    pairs = zip(find_duplicates(records, hospitals), groups, strict=True)
    return [replace(problem, patient=patient) for problem, group in pairs for patient in group], groups
