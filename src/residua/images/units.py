"""Units of a NIfTI header other than mm, and whether the numbers are in that unit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PLAUSIBLE_SPACING_MM = (0.1, 10.0)
_UNITS = {1: "metres", 3: "micrometres"}
_OF_SPACE = 7
"""The bits of xyzt_units that speak of space (nifti1.h)."""


def unit_in_header(xyzt_units: int) -> str | None:
    """Return the unit of length that a header names, unless it is mm or none.

    >>> unit_in_header(3), unit_in_header(2 + 8)
    ('micrometres', None)
    """
    return _UNITS.get(int(xyzt_units) & _OF_SPACE)


def is_plausible(spacing_mm: NDArray[np.float64]) -> bool:
    """Return whether a scan of a head can have this spacing.

    >>> is_plausible(np.array([0.5, 0.5, 5.0])), is_plausible(np.array([0.5, 0.5, 0.001]))
    (True, False)
    """
    low, high = PLAUSIBLE_SPACING_MM
    return bool(np.all((spacing_mm >= low) & (spacing_mm <= high)))


def unit_instead_of_mm(xyzt_units: int, spacing: NDArray[np.float64]) -> str | None:
    """Return the unit that a header names, where its spacing is in that unit; many files name metres and mean mm.

    >>> unit_instead_of_mm(1, np.array([0.001, 0.001, 0.002]))
    'metres'
    >>> unit_instead_of_mm(1, np.array([1.0, 1.0, 2.0]))
    """
    unit = unit_in_header(xyzt_units)
    return None if unit is None or is_plausible(spacing) else unit
