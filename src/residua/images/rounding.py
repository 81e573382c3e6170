"""The noise of rounding in masks: programs that scale or resample leave 0.9999999 where they mean 1."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

ROUNDING = 1e-3
"""Masks stored as scaled integers or resampled by other programs miss whole numbers by about this."""


def rounded(values: NDArray[Any]) -> NDArray[Any]:
    """Return values with each that is whole but for rounding as a whole number; the others stay as they are.

    >>> rounded(np.array([-1e-8, 0.9999999, 1.0000001, 0.5])).tolist()
    [0.0, 1.0, 1.0, 0.5]
    """
    whole = np.rint(values)
    return np.where(np.abs(values - whole) <= ROUNDING, whole + 0.0, values)
