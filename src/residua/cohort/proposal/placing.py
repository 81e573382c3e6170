"""Choose what is held out and what makes up the folds: similar parts that hold both kinds of patients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from math import ceil
from typing import Any

from residua.cohort.split.balance import balanced
from residua.cohort.split.sharing import HospitalCounts, deviations
from residua.cohort.table.patient import Patient
from residua.errors import ResiduaError

_MOST_FOLDS = 5
"""As many as in the article."""
_FEWEST_FOLDS = 2
_FEWEST_HOSPITALS = _FEWEST_FOLDS + 1
"""For the folds and the hold-out."""
_HELD_OUT = 0.2
"""Of the scans, where persons are drawn."""
Folds = dict[Any, Any]
"""The hospitals by fold, or how persons are drawn, as the configuration writes it."""


def proposed_places(patients: Iterable[Patient], positive: Mapping[str, bool]) -> tuple[Any, Folds]:
    """Return the hospitals of the hold-out and of each fold, or how persons are drawn where hospitals are too few.

    Hospitals whose patients all have the role holdout are held out; without any such patient, the part nearest to an
    equal share is. Persons are drawn, too, where only some of a hospital's patients have the role, or too few hospitals
    are left for the folds. Raises ``ResiduaError`` where there are too few persons.
    """
    members = list(patients)
    counts = _counts(members, positive)
    if len(counts) < _FEWEST_HOSPITALS:
        return _persons(members, positive)
    held_out = {patient.hospital for patient in members if patient.role == "holdout"}
    if held_out:
        in_folds = {patient.hospital for patient in members if patient.role != "holdout"}
        # A random test split marks some patients of each hospital: the others are there to be learnt from.
        if held_out & in_folds or len(in_folds) < _FEWEST_FOLDS:
            return _persons(members, positive)
        rest = {hospital: counts[hospital] for hospital in sorted(in_folds)}
        return sorted(held_out), _numbered(_parts(rest, _FEWEST_FOLDS, _MOST_FOLDS).values())
    parts = _parts(counts, _FEWEST_FOLDS + 1, _MOST_FOLDS + 1)
    differs = deviations(counts, parts)
    # Of equals the last, which never holds the largest hospital.
    out = min(reversed(parts), key=lambda part: (not _has_both(parts[part], counts), differs[part]))
    return sorted(parts[out]), _numbered(hospitals for part, hospitals in parts.items() if part != out)


def _counts(patients: Sequence[Patient], positive: Mapping[str, bool]) -> dict[str, HospitalCounts]:
    sizes = Counter(patient.hospital for patient in patients)
    tumors = Counter(patient.hospital for patient in patients if positive.get(patient.patient))
    return {hospital: HospitalCounts(size, tumors[hospital]) for hospital, size in sorted(sizes.items())}


def _parts(counts: Mapping[str, HospitalCounts], fewest: int, most: int) -> dict[int, tuple[str, ...]]:
    """Return the largest number of balanced parts that all hold both kinds of patients; else the fewest."""
    tried = {number: balanced(counts, number) for number in range(min(most, len(counts)), fewest - 1, -1)}
    return next(
        (parts for parts in tried.values() if all(_has_both(hospitals, counts) for hospitals in parts.values())),
        tried[fewest],
    )


def _persons(patients: Sequence[Patient], positive: Mapping[str, bool]) -> tuple[Any, Folds]:
    """Return as many folds of persons as can all hold both kinds; those whose role is holdout are held out."""
    marked = {patient.who for patient in patients if patient.role == "holdout"}
    persons = {patient.who for patient in patients} - marked
    drawn = 0 if marked else 1
    if len(persons) < _FEWEST_FOLDS + drawn:
        there = f"too few persons for folds ({len(persons)}{' without the role holdout' if marked else ''})"
        raise ResiduaError(f"{there}: a study needs two folds and a hold-out at least; add patients")
    having = Counter(any(positive.get(p.patient) for p in patients if p.who == person) for person in persons)
    count = min(_MOST_FOLDS, max(_FEWEST_FOLDS, min(having[True], having[False]) - drawn), len(persons) - drawn)
    folds = {"unit": "person", "count": count}
    if marked:
        return {"column": "role", "values": ["holdout"]}, folds
    # One person at least: of four, a fifth would be none.
    return {"share": max(_HELD_OUT, ceil(100 / len(persons)) / 100)}, folds


def _has_both(hospitals: Collection[str], counts: Mapping[str, HospitalCounts]) -> bool:
    patients, positives = (sum(counts[hospital][kind] for hospital in hospitals) for kind in (0, 1))
    return 0 < positives < patients


def _numbered(parts: Iterable[Sequence[str]]) -> Folds:
    return {fold: list(hospitals) for fold, hospitals in enumerate(parts)}
