"""Checks for the same voxels under two sequences of a patient, and for one scan under two patients or hospitals."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from residua.cohort.checks.facts import Facts
from residua.cohort.checks.likeness import SURE, pairs_alike
from residua.problems.problem import Problem
from residua.problems.severity import problem_of

_ONE_EACH = "give every sequence its own file; one was copied or converted in the place of the other"
_ONE_PATIENT = "keep the patient whose scan it is, and set the others' role to exclude or correct their files"
_LOOK = (
    "compare them in a viewer; of one scan keep one patient and set the others' role to exclude, and give one person, "
    "scanned twice, one name in the column person"
)


@dataclass(frozen=True)
class _Shared:
    """What patients have in common: the columns of each, and the share of the image's detail that agrees."""

    columns: Mapping[str, Sequence[str]]
    agreeing: float = 1.0


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
    records: Iterable[Mapping[str, Any]],
    hospitals: Mapping[str, str],
    parts: Mapping[str, str] | None = None,
    persons: Mapping[str, str] = MappingProxyType({}),
    before_surgery: Collection[str] = (),
) -> dict[Problem, tuple[str, ...]]:
    """Return a problem for each group of patients with an image in common, and the group, in the order of the patients.

    The same voxels are an error. Where images are alike (``likeness``) this is an error between two hospitals, whom a
    fold may put on two sides, if the images are so alike that they are one scan, and otherwise a warning.
    ``records`` are those of ``check_voxels``, of any number of batches; ``hospitals`` and ``parts`` say by patient the
    hospital and the part of the split ("fold 0", "the hold-out"). ``persons`` names the person of patients who have
    several scans: that these are alike is no warning, and they may have one scan in a column of ``before_surgery``. The
    problem is that of the group's first patient.
    """
    known: list[tuple[str, ...]] = []
    problems: dict[Problem, tuple[str, ...]] = {}
    for check, shared in _shared(list(records), hospitals, persons, before_surgery).items():
        new = [each for each in shared if not any(set(each.columns) <= set(group) for group in known)]
        groups = _groups(new)
        problems |= {_problem(check, group, new, hospitals, parts or {}): group for group in groups}
        known += groups
    return problems


def _shared(
    records: Sequence[Mapping[str, Any]],
    hospitals: Mapping[str, str],
    persons: Mapping[str, str],
    before_surgery: Collection[str],
) -> dict[str, list[_Shared]]:
    """Return by check, the surest first, what patients have in common.

    The split is not asked whether patients are on two sides: without the patients that an error excludes it is another.
    """
    fingerprints = {
        (patient, column): text
        for record in records
        for patient, own in record["fingerprints"].items()
        for column, text in own.items()
    }
    found: dict[str, list[_Shared]] = {
        "patients-identical": _by_digest(records, persons, before_surgery),
        "scan-of-two-hospitals": [],
        "patients-alike": [],
    }
    for (one, first), (other, second), agreeing in pairs_alike(fingerprints):
        is_error = agreeing >= SURE and hospitals.get(one) != hospitals.get(other)
        if not is_error and persons.get(one, one) == persons.get(other, other):
            continue
        check = "scan-of-two-hospitals" if is_error else "patients-alike"
        found[check].append(_Shared({one: [first], other: [second]}, agreeing))
    return found


def _by_digest(
    records: Iterable[Mapping[str, Any]], persons: Mapping[str, str], before_surgery: Collection[str]
) -> list[_Shared]:
    """Return, for each image that several patients have, its columns by patient."""
    found: dict[str, dict[str, list[str]]] = {}
    for record in records:
        for patient, digests in record["digests"].items():
            for column, digest in digests.items():
                found.setdefault(digest, {}).setdefault(patient, []).append(column)
    shared = [_once(columns, persons, before_surgery) for columns in found.values()]
    return [_Shared(columns) for columns in shared if len(columns) > 1]


def _once(
    columns: Mapping[str, list[str]], persons: Mapping[str, str], before_surgery: Collection[str]
) -> dict[str, list[str]]:
    """Leave out further scans of a person that name the same scan before surgery."""
    first: dict[str, list[str]] = {}
    kept = {}
    for patient, names in columns.items():
        earlier = first.setdefault(persons.get(patient, patient), names)
        if earlier is names or earlier != names or not set(names) <= set(before_surgery):
            kept[patient] = names
    return kept


def _groups(shared: Iterable[_Shared]) -> list[tuple[str, ...]]:
    """Return the groups of patients that common images connect, directly or through other patients."""
    group_of: dict[str, dict[str, None]] = {}
    for each in shared:
        merged: dict[str, None] = {}
        for patient in each.columns:
            merged |= group_of.get(patient, {patient: None})
        group_of |= dict.fromkeys(merged, merged)
    return list(dict.fromkeys(tuple(group) for group in group_of.values()))


def _problem(
    check: str,
    group: tuple[str, ...],
    shared: Iterable[_Shared],
    hospitals: Mapping[str, str],
    parts: Mapping[str, str],
) -> Problem:
    own = [each for each in shared if set(each.columns) <= set(group)]
    columns = {p: sorted({name for each in own for name in each.columns.get(p, ())}) for p in group}
    named = ", ".join(f"{patient} ({', '.join(names)})" for patient, names in columns.items())
    across = [
        f"in different {what} ({', '.join(places)})"
        for what, of in (("hospitals", hospitals), ("parts of the split", parts))
        if len(places := sorted({of[patient] for patient in group if patient in of})) > 1
    ]
    agreeing = f"{max(each.agreeing for each in own):.0%} of the detail agrees"
    common, remedy = {
        "patients-identical": ("the same voxels", _ONE_PATIENT),
        "scan-of-two-hospitals": (f"one scan, exported anew ({agreeing}),", _ONE_PATIENT),
        "patients-alike": (f"perhaps one scan, exported anew, or one person, scanned twice ({agreeing}),", _LOOK),
    }[check]
    what = f"{common} under {len(group)} patients: {named}" + (f", {' and '.join(across)}" if across else "")
    return problem_of(check, what, remedy, patient=group[0])
