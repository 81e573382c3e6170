"""Estimate what is hidden behind the masks of several raters: STAPLE (Warfield, Zou and Wells 2004).

Expectation maximisation over binary masks, as SimpleITK's filter does it: voxels are independent, every rater has a
sensitivity and a specificity, and the prior of a voxel is the raters' mean share of the whole grid. Voxels that the
same raters marked are alike, so that the work is in the patterns of votes and not in the voxels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
_MOST_ITERATIONS, _CONVERGED = 10_000, 1e-12


@dataclass(frozen=True)
class Staple:
    """The mask (x, y, z) that is more probable than not, and the estimated quality of each rater."""

    mask: Mask
    sensitivity: NDArray[np.float64]
    specificity: NDArray[np.float64]


def staple(masks: Sequence[Mask]) -> Staple:
    """Return the estimate from the masks of one patient, which are on one grid.

    One rater's mask is the estimate itself, and so is an empty one on which all agree; the quality of raters is not
    defined then and NaN.

    >>> good, other = np.array([True, True, False, False]), np.array([True, False, False, False])
    >>> staple([good, good, other]).mask.tolist()
    [True, True, False, False]
    """
    marked = np.flatnonzero(np.any(masks, axis=0))
    votes = np.stack([np.ravel(mask)[marked] for mask in masks], axis=1)
    if len(masks) == 1 or not marked.size:
        unknown = np.full(len(masks), np.nan)
        return Staple(np.array(masks[0], dtype=np.bool_), unknown, unknown)
    patterns, which, counts = np.unique(votes, axis=0, return_inverse=True, return_counts=True)
    # Voxels that nobody marked are the last pattern.
    patterns = np.vstack([patterns, np.zeros(len(masks), dtype=np.bool_)])
    sizes = np.append(counts, masks[0].size - marked.size).astype(np.float64)
    truth, sensitivity, specificity = _maximised(patterns, sizes)
    mask = np.zeros(masks[0].size, dtype=np.bool_)
    mask[marked] = (truth > 0.5)[np.ravel(which)]
    return Staple(mask.reshape(masks[0].shape), sensitivity, specificity)


def _maximised(
    patterns: Mask, sizes: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the probability of each pattern of votes (patterns × raters), and the quality of the raters."""
    truth = patterns.mean(axis=1)
    prior = float((truth * sizes).sum() / sizes.sum())
    before = np.full((2, patterns.shape[1]), -1.0)
    for _ in range(_MOST_ITERATIONS):
        inside, outside = truth * sizes, (1 - truth) * sizes
        sensitivity = _share(inside @ patterns, inside.sum())
        specificity = _share(outside @ ~patterns, outside.sum())
        alike = prior * np.prod(np.where(patterns, sensitivity, 1 - sensitivity), axis=1)
        other = (1 - prior) * np.prod(np.where(patterns, 1 - specificity, specificity), axis=1)
        truth = _share(alike, alike + other)
        now = np.stack([sensitivity, specificity])
        if np.abs(now - before).max() < _CONVERGED:
            break
        before = now
    return truth, sensitivity, specificity


def _share(part: NDArray[np.float64], whole: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros_like(part), where=np.asarray(whole) > 0)
