"""Choose what is held out and what makes up the folds: similar parts that hold both kinds of patients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
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

    Hospitals of patients whose role is holdout are held out; without any, the part nearest to an equal share is.
    Raises ``ResiduaError`` where there are too few persons.
    """
    members = list(patients)
    counts = _counts(members, positive)
    if len(counts) < _FEWEST_HOSPITALS:
        return _persons(members, positive)
    held_out = sorted({patient.hospital for patient in members if patient.role == "holdout"})
    if held_out:
        rest = {hospital: count for hospital, count in counts.items() if hospital not in held_out}
        return held_out, _numbered(_parts(rest, _FEWEST_FOLDS, _MOST_FOLDS).values())
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
    persons = {patient.who for patient in patients}
    if len(persons) < _FEWEST_HOSPITALS:
        there = f"too few persons for folds ({len(persons)})"
        raise ResiduaError(f"{there}: a study needs two folds and a hold-out at least; add patients")
    having = Counter(any(positive.get(p.patient) for p in patients if p.who == person) for person in persons)
    count = min(_MOST_FOLDS, max(_FEWEST_FOLDS, min(having[True], having[False]) - 1), len(persons) - 1)
    marked = any(patient.role == "holdout" for patient in patients)
    holdout = {"column": "role", "values": ["holdout"]} if marked else {"share": _HELD_OUT}
    return holdout, {"unit": "person", "count": count}


def _has_both(hospitals: Collection[str], counts: Mapping[str, HospitalCounts]) -> bool:
    patients, positives = (sum(counts[hospital][kind] for hospital in hospitals) for kind in (0, 1))
    return 0 < positives < patients


def _numbered(parts: Iterable[Sequence[str]]) -> Folds:
    return {fold: list(hospitals) for fold, hospitals in enumerate(parts)}
