"""Overlap of two masks from counts of voxels."""

from __future__ import annotations


def dice_of(shared: int, in_reference: int, in_prediction: int) -> float:
    """Dice from voxel counts: of the intersection and of each mask. NaN when both masks are empty."""
    return ratio(2 * shared, in_reference + in_prediction)


def jaccard_of(shared: int, in_reference: int, in_prediction: int) -> float:
    """Jaccard from voxel counts: of the intersection and of each mask. NaN when both masks are empty."""
    return ratio(shared, in_reference + in_prediction - shared)


def ratio(part: int, whole: int) -> float:
    """Divide two counts. NaN for a whole of 0."""
    return part / whole if whole else float("nan")
