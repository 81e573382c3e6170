"""Measure the overlap of two masks from voxel counts."""

from __future__ import annotations


def dice_of(shared: int, in_reference: int, in_prediction: int) -> float:
    """Return Dice from the voxels of the intersection and of each mask; NaN when both masks are empty.

    >>> dice_of(shared=2, in_reference=4, in_prediction=2)
    0.6666666666666666
    """
    return ratio(2 * shared, in_reference + in_prediction)


def jaccard_of(shared: int, in_reference: int, in_prediction: int) -> float:
    """Return Jaccard from the voxels of the intersection and of each mask; NaN when both masks are empty.

    >>> jaccard_of(shared=2, in_reference=4, in_prediction=2)
    0.5
    """
    return ratio(shared, in_reference + in_prediction - shared)


def ratio(part: int, whole: int) -> float:
    """Return ``part / whole``; NaN when ``whole`` is 0.

    >>> ratio(1, 4), ratio(0, 0)
    (0.25, nan)
    """
    return part / whole if whole else float("nan")
