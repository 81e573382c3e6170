"""Turn a probability map into a mask: voxels that reach the threshold, without small components."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from residua.errors import ResiduaError
from residua.settings.postprocessing import Postprocessing

_RANK = {6: 1, 18: 2, 26: 3}


def binarise(probability: NDArray[np.floating[Any]], threshold: float) -> NDArray[np.bool_]:
    """Return the voxels (x, y, z) whose probability is at least ``threshold``.

    Raises ``ResiduaError`` for a map with NaN, which would pass as "no tumour", and for a threshold outside (0, 1].

    >>> binarise(np.array([0.2, 0.5, 0.9]), threshold=0.5).tolist()
    [False, True, True]
    """
    if not 0 < threshold <= 1:
        raise ResiduaError(f"the threshold must be above 0 and at most 1, found {threshold}")
    if np.isnan(probability.min()):
        raise ResiduaError("the probability map holds NaN; the training may have diverged; train again")
    return np.asarray(probability >= threshold)


def components(mask: NDArray[np.bool_], connectivity: int) -> tuple[NDArray[np.int32], int]:
    """Label the components of ``mask`` (x, y, z) from 1, and count them.

    ``connectivity`` is 6 (faces), 18 (and edges) or 26 (and corners). Raises ``ValueError`` for another.

    >>> labels, count = components(np.array([True, False, True]).reshape(3, 1, 1), connectivity=26)
    >>> labels.ravel().tolist(), count
    ([1, 0, 2], 2)
    """
    if connectivity not in _RANK:
        raise ValueError(f"connectivity must be 6, 18 or 26, found {connectivity}")
    labels, count = ndimage.label(mask, ndimage.generate_binary_structure(3, _RANK[connectivity]))
    return labels, int(count)


def remove_small_components(mask: NDArray[np.bool_], min_voxels: int, connectivity: int = 26) -> NDArray[np.bool_]:
    """Return ``mask`` (x, y, z) without its components of fewer than ``min_voxels`` voxels.

    ``connectivity`` is 6 (faces), 18 (and edges) or 26 (and corners).

    >>> mask = np.array([True, True, False, True]).reshape(4, 1, 1)
    >>> remove_small_components(mask, min_voxels=2).ravel().tolist()
    [True, True, False, False]
    """
    kept = np.zeros_like(mask)
    for box in ndimage.find_objects(mask.astype(np.uint8)):
        labels, _ = components(mask[box], connectivity)
        large = np.bincount(labels.ravel()) >= min_voxels
        large[0] = False
        kept[box] = large[labels]
    return kept


def segment(
    probability: NDArray[np.floating[Any]], threshold: float, postprocessing: Postprocessing
) -> NDArray[np.bool_]:
    """Return the mask (x, y, z) of a probability map: thresholded, then without small components.

    >>> settings = Postprocessing(thresholds=(0.5,), min_component_voxels=2, connectivity=26)
    >>> segment(np.array([0.9, 0.6, 0.1, 0.8]).reshape(4, 1, 1), 0.5, settings).ravel().tolist()
    [True, True, False, False]
    """
    mask = binarise(probability, threshold)
    return remove_small_components(mask, postprocessing.min_component_voxels, postprocessing.connectivity)
