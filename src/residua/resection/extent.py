"""Compute the extent of resection from two volumes, each measured in its own scan.

A mask that was warped to another scan has another volume, so the pre-operative volume is that of the mask as drawn.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def extent_of_resection(pre_ml: ArrayLike, post_ml: ArrayLike) -> NDArray[np.float64]:
    """Return 100 · (pre − post) / pre in percent; NaN where there was no tumour before surgery.

    It is negative where more tumour is found after surgery than before; that is kept, because it tells of a wrong mask.
    Raises ``ValueError`` for a volume that is negative or not finite.

    >>> extent_of_resection([40.0, 20.0, 10.0, 0.0], [0.0, 1.0, 15.0, 0.0]).tolist()
    [100.0, 95.0, -50.0, nan]
    """
    before, after = np.broadcast_arrays(volumes_ml(pre_ml), volumes_ml(post_ml))
    found = np.full(before.shape, np.nan)
    np.divide(100 * (before - after), before, out=found, where=before > 0)
    return found


def volumes_ml(values: ArrayLike) -> NDArray[np.float64]:
    """Return volumes as an array; raise ``ValueError`` unless each is a finite number of ml and not negative.

    >>> volumes_ml([0, 2]).tolist()
    [0.0, 2.0]
    """
    volumes = np.asarray(values, dtype=np.float64)
    if not np.isfinite(volumes).all() or (volumes < 0).any():
        raise ValueError("every volume must be a finite number of ml, 0 or more")
    return volumes
