"""Choose the hospitals of the hold-out and of the folds: similar parts that hold both kinds of patients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from residua.cohort.split.balance import balanced
from residua.cohort.split.sharing import HospitalCounts, deviations
from residua.cohort.table.patient import Patient
from residua.errors import ResiduaError

_MOST_FOLDS = 5
"""As many as in the article."""
_FEWEST_FOLDS = 2
_ANOTHER_GROUPING = (
    "a study needs hospitals for at least two folds and for the hold-out; with fewer, write another grouping of "
    "patients into the column hospital, such as the scanner"
)
Folds = dict[int, list[str]]


def proposed_places(patients: Iterable[Patient], positive: Mapping[str, bool]) -> tuple[list[str], Folds]:
    """Return the hospitals of the hold-out and of each fold.

    Hospitals of patients whose role is holdout are held out; without any, the part nearest to an equal share is.
    Raises ``ResiduaError`` where there are too few hospitals.
    """
    members = list(patients)
    counts = _counts(members, positive)
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
    if len(counts) < fewest:
        there = f"{', '.join(counts) or 'none'}"
        raise ResiduaError(f"too few hospitals for folds ({there}): {_ANOTHER_GROUPING}")
    tried = {number: balanced(counts, number) for number in range(min(most, len(counts)), fewest - 1, -1)}
    return next(
        (parts for parts in tried.values() if all(_has_both(hospitals, counts) for hospitals in parts.values())),
        tried[fewest],
    )


def _has_both(hospitals: Collection[str], counts: Mapping[str, HospitalCounts]) -> bool:
    patients, positives = (sum(counts[hospital][kind] for hospital in hospitals) for kind in (0, 1))
    return 0 < positives < patients


def _numbered(parts: Iterable[Sequence[str]]) -> Folds:
    return {fold: list(hospitals) for fold, hospitals in enumerate(parts)}
