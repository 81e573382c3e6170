"""Put patients into groups by a covariate: by class, or by bands of a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

UNKNOWN = "unknown"
_FEWEST_NUMBERS = 6
"""A number with at least so many values is split at its median; one with fewer is a class, such as a field strength."""


def grouped(values: Mapping[str, str], bounds: Sequence[float] = ()) -> dict[str, str]:
    """Return the group of each case from its value as text, empty if unknown.

    With ``bounds`` a number falls into one of the bands that they make. Without, a number of many values is split at
    its median, and everything else is a class.

    >>> grouped({"p1": "50", "p2": "65", "p3": "70", "p4": ""}, bounds=[65])
    {'p1': 'at most 65', 'p2': 'at most 65', 'p3': 'above 65', 'p4': 'unknown'}
    """
    numbers = {case: number_in(value) for case, value in values.items() if value}
    known = [number for number in numbers.values() if number is not None]
    many = len(known) == len(numbers) and len(set(known)) >= _FEWEST_NUMBERS
    if not (bounds or many):
        return {case: value or UNKNOWN for case, value in values.items()}
    edges = bounds or [float(np.median(known))]
    return {case: _band(numbers.get(case), edges) for case in values}


def bands(bounds: Sequence[float]) -> list[str]:
    """Name the bands between ``bounds``, which rise, from below: each holds its upper bound.

    >>> bands([1, 5])
    ['at most 1', 'above 1 to 5', 'above 5']
    """
    between = [f"above {low:g} to {high:g}" for low, high in pairwise(bounds)]
    return [f"at most {bounds[0]:g}", *between, f"above {bounds[-1]:g}"]


def _band(number: float | None, bounds: Sequence[float]) -> str:
    return UNKNOWN if number is None else bands(bounds)[int(np.searchsorted(bounds, number, side="left"))]


def number_in(text: str) -> float | None:
    """Return the finite number that a text holds, with a decimal point or comma; None: it holds none.

    >>> number_in("1,5"), number_in("Siemens")
    (1.5, None)
    """
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return None
    return number if np.isfinite(number) else None
