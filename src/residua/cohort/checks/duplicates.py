"""Checks for the same voxels under two sequences of a patient, two patients or two hospitals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from residua.cohort.checks.facts import Facts
from residua.problems.problem import Problem
from residua.problems.severity import problem_of

_ONE_EACH = "give every sequence its own file; one was copied or converted in the place of the other"
_ONE_PATIENT = "keep the patient whose scan it is, and set the others' role to exclude or correct their files"


def same_voxels(images: Mapping[str, Facts]) -> list[tuple[str, Problem]]:
    """Return, by column, an error for each image of a patient whose voxels are those of an earlier column."""
    first: dict[str, str] = {}
    problems = []
    for column, facts in images.items():
        earlier = first.setdefault(facts.digest, column)
        if earlier != column and facts.minimum < facts.maximum:
            problems.append((column, problem_of("sequences-identical", f"the same voxels as {earlier}", _ONE_EACH)))
    return problems


def find_duplicates(
    records: Iterable[Mapping[str, Any]], hospitals: Mapping[str, str], parts: Mapping[str, str] | None = None
) -> list[Problem]:
    """Return one error for each group of patients with an image in common, in the order of the patients.

    ``records`` are those of ``check_voxels``, of any number of batches; ``hospitals`` and ``parts`` say by patient the
    hospital and the part of the split ("fold 0", "the hold-out"). The problem is that of the group's first patient.
    """
    shared = _by_digest(records)
    return [_problem(group, shared, hospitals, parts or {}) for group in _groups(shared)]


def duplicate_groups(records: Iterable[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return the groups of patients that ``find_duplicates`` reports."""
    return _groups(_by_digest(records))


def _by_digest(records: Iterable[Mapping[str, Any]]) -> list[dict[str, list[str]]]:
    """Return, for each image that several patients have, its columns by patient."""
    found: dict[str, dict[str, list[str]]] = {}
    for record in records:
        for patient, digests in record["digests"].items():
            for column, digest in digests.items():
                found.setdefault(digest, {}).setdefault(patient, []).append(column)
    return [columns for columns in found.values() if len(columns) > 1]


def _groups(shared: Iterable[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return the groups of patients that common images connect, directly or through other patients."""
    group_of: dict[str, dict[str, None]] = {}
    for columns in shared:
        merged: dict[str, None] = {}
        for patient in columns:
            merged |= group_of.get(patient, {patient: None})
        group_of |= dict.fromkeys(merged, merged)
    return list(dict.fromkeys(tuple(group) for group in group_of.values()))


def _problem(
    group: tuple[str, ...],
    shared: Iterable[Mapping[str, list[str]]],
    hospitals: Mapping[str, str],
    parts: Mapping[str, str],
) -> Problem:
    columns: dict[str, list[str]] = {patient: [] for patient in group}
    for found in shared:
        for patient, names in found.items():
            if patient in columns:
                columns[patient] += names
    named = ", ".join(f"{patient} ({', '.join(sorted(names))})" for patient, names in columns.items())
    across = [
        f"in different {what} ({', '.join(places)})"
        for what, of in (("hospitals", hospitals), ("parts of the split", parts))
        if len(places := sorted({of[patient] for patient in group if patient in of})) > 1
    ]
    what = f"the same voxels under {len(group)} patients: {named}" + (f", {' and '.join(across)}" if across else "")
    return problem_of("patients-identical", what, _ONE_PATIENT, patient=group[0])
