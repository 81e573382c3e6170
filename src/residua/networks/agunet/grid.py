"""Compute how the volume shrinks from level to level."""

from __future__ import annotations

from collections.abc import Sequence

Shape = tuple[int, int, int]

SMALLEST = 4
"""An axis of this many voxels or fewer is not halved any more."""


def halvings(shape: Sequence[int], levels: int, flat_levels: int = 0) -> list[Shape]:
    """Return the divisor of each axis between every level and the next, the full volume's first.

    The first ``flat_levels`` are halved in plane alone, as suits slices that lie further apart than the voxels in them.

    >>> halvings((64, 48, 8), 4, flat_levels=1)
    [(2, 2, 1), (2, 2, 2), (2, 2, 1)]
    """
    shapes = level_shapes(shape, levels, flat_levels)
    return [_factor(above, level < flat_levels) for level, above in enumerate(shapes[:-1])]


def level_shapes(shape: Sequence[int], levels: int, flat_levels: int = 0) -> list[Shape]:
    """Return the volume's shape at each level, the full one first; the first ``flat_levels`` are halved in plane alone.

    Raises ``ValueError`` when an axis cannot be halved evenly: encoder and decoder would not fit.
    """
    x, y, z = shape
    shapes: list[Shape] = [(x, y, z)]
    for level in range(levels - 1):
        above = shapes[-1]
        factors = _factor(above, level < flat_levels)
        if any(n % factor for n, factor in zip(above, factors, strict=True)):
            raise ValueError(f"shape {tuple(shape)} cannot be halved evenly for {levels} levels of features")
        x, y, z = (n // factor for n, factor in zip(above, factors, strict=True))
        shapes.append((x, y, z))
    return shapes


def _factor(shape: Shape, flat: bool) -> Shape:
    """Return the divisor of each axis: 2, or 1 where the axis is short already, and along z of a flat level."""
    x, y, z = (2 if n > SMALLEST else 1 for n in shape)
    return x, y, 1 if flat else z
