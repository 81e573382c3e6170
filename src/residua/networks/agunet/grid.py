"""Compute how the volume shrinks from level to level."""

from __future__ import annotations

from collections.abc import Sequence

Shape = tuple[int, int, int]

SMALLEST = 4
"""An axis of this many voxels or fewer is not halved any more."""


def halving(shape: Sequence[int]) -> Shape:
    """Return the divisor of each axis between a level and the next: 2, or 1 where the axis is short already."""
    x, y, z = (2 if n > SMALLEST else 1 for n in shape)
    return x, y, z


def level_shapes(shape: Sequence[int], levels: int) -> list[Shape]:
    """Return the volume's shape at each level, the full one first.

    Raises ``ValueError`` when an axis cannot be halved evenly: encoder and decoder would not fit.
    """
    x, y, z = shape
    shapes: list[Shape] = [(x, y, z)]
    for _ in range(levels - 1):
        above = shapes[-1]
        factors = halving(above)
        if any(n % factor for n, factor in zip(above, factors, strict=True)):
            raise ValueError(f"shape {tuple(shape)} cannot be halved evenly for {levels} levels of features")
        x, y, z = (n // factor for n, factor in zip(above, factors, strict=True))
        shapes.append((x, y, z))
    return shapes
