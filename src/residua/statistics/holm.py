"""Correct the p values of a family of tests by Holm's step-down method (Holm 1979)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return the corrected p of each test, in the same order; None, a test that was not possible, does not count.

    The smallest of m is multiplied by m, the next by m − 1, and so on; no corrected p is below one before it, or above
    1. A family is wrong in any of its tests with at most the probability alpha if p < alpha is called significant.

    >>> holm([0.01, 0.04, None, 0.03])
    [0.03, 0.06, None, 0.06]
    """
    tested = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, place) in enumerate(tested):
        largest = max(largest, min(1.0, (len(tested) - rank) * p))
        corrected[place] = largest
    return corrected


def with_holm(
    rows: Iterable[Mapping[str, Any]],
    family: Sequence[str],
    alpha: float,
    columns: tuple[str, str, str] = ("p_value", "p_holm", "significant"),
) -> list[dict[str, Any]]:
    """Add to each row its corrected p and whether that is below ``alpha``; None where there was no test.

    Rows with the same values of the columns ``family`` are one family. ``columns`` names p, the corrected p and the
    answer.

    >>> rows = [{"of": "A", "p_value": 0.02}, {"of": "A", "p_value": 0.04}, {"of": "B", "p_value": 0.06}]
    >>> [(row["p_holm"], row["significant"]) for row in with_holm(rows, ["of"], alpha=0.05)]
    [(0.04, True), (0.04, True), (0.06, False)]
    """
    made = [dict(row) for row in rows]
    p, by_holm, answer = columns
    families: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in made:
        families.setdefault(tuple(row[column] for column in family), []).append(row)
    for members in families.values():
        for row, corrected in zip(members, holm([row[p] for row in members]), strict=True):
            row |= {by_holm: corrected, answer: None if corrected is None else corrected < alpha}
    return made
