"""The check for one scan under two patients of the cohort, and the proof that no fold has them on two sides."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from residua.cohort.checks.batch import WHAT_THEN
from residua.cohort.checks.duplicates import find_duplicates
from residua.cohort.checks.results import keep_problems
from residua.cohort.split.leakage import prove
from residua.cohort.split.split import Split
from residua.cohort.table.patient import Patient
from residua.problems.lists import raise_problems
from residua.problems.problem import Problem
from residua.publishing.publish import read_json, write_json
from residua.settings.participation import OnInvalid


def check_across(
    checks: Iterable[str],
    folds: str,
    patients: Iterable[Mapping[str, Any]],
    excluded: Collection[str],
    on_invalid: OnInvalid,
    kept: str,
    out: str,
    before_surgery: Collection[str] = (),
) -> None:
    """Compare the voxels of all batches and write the proof, fold by fold, to ``out``.

    ``checks`` are the records of the batches, ``folds`` that of the split and ``patients`` records of all candidates.
    Scans of one person may have one image of the columns ``before_surgery``.
    Patients with an image in common are written to ``kept``, each of them; unless all but one of them are
    ``excluded``, this raises ``ResiduaError``, a line for each group. Warnings are written beside the proof.
    """
    records = [read_json(check) for check in checks]
    digests = {patient: own for record in records for patient, own in record["digests"].items()}
    split = Split.from_json(read_json(folds))
    members = [Patient(**record) for record in patients]
    hospitals = {patient.patient: patient.hospital for patient in members}
    persons = {patient.patient: patient.who for patient in members}
    of_all = _of_all(records, hospitals, persons, before_surgery)
    keep_problems(kept, members, of_all, of_all)
    included = {patient: own for patient, own in digests.items() if patient not in excluded}
    left = [_without(excluded, record) for record in records]
    problems = find_duplicates(left, hospitals, split.parts(), persons, before_surgery)
    raise_problems(problems, f"Two patients have the same scan; {WHAT_THEN[on_invalid]}")
    images = {column for own in digests.values() for column in own}
    write_json(out, {"proof": prove(split, included, images), "problems": [p.to_json() for p in problems]})


def _without(excluded: Collection[str], record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        what: {patient: own for patient, own in record[what].items() if patient not in excluded}
        for what in ("digests", "fingerprints")
    }


def _of_all(
    records: Sequence[Mapping[str, Any]],
    hospitals: Mapping[str, str],
    persons: Mapping[str, str],
    before_surgery: Collection[str],
) -> dict[Problem, tuple[str, ...]]:
    """Return a problem for each patient of every group, and the group."""
    found = find_duplicates(records, hospitals, persons=persons, before_surgery=before_surgery)
    return {replace(problem, patient=patient): group for problem, group in found.items() for patient in group}
