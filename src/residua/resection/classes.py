"""Sort resections into classes: RANO resect by the volume that is left, others for comparison.

RANO resect (2023) names its classes by the contrast-enhancing volume after surgery. Classes 1 and 2A differ in tissue
that does not enhance, which is not measured here, so they are one class.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from residua.metrics.classification import VOLUME_TOLERANCE, has_residual_tumor
from residua.resection.extent import extent_of_resection, volumes_ml

BIOPSY = "4"
RANO = {
    "1/2A": "complete, 0 cm³",
    "2B": "near total, at most 1 cm³",
    "3A": "subtotal, at most 5 cm³",
    "3B": "partial, more than 5 cm³",
    BIOPSY: "biopsy",
}
"""The classes of RANO resect from the best to the worst, and what each leaves."""
_LEFT_ML = (0.0, 1.0, 5.0)

RAIDIONICS = ("complete", "near total", "subtotal", "partial")
"""The classes of Raidionics' report, from the best to the worst."""


def rano_class(post_ml: ArrayLike, biopsy: ArrayLike = False) -> NDArray[np.str_]:
    """Return the class of RANO resect of each residual volume (ml): a key of ``RANO``.

    ``biopsy`` says of whom a clinical record tells that nothing was resected: no volume shows it.

    >>> rano_class([0.0, 0.4, 1.0, 5.0, 5.1]).tolist()
    ['1/2A', '2B', '2B', '3A', '3B']
    >>> rano_class([7.0, 7.0], biopsy=[False, True]).tolist()
    ['3B', '4']
    """
    left = volumes_ml(post_ml)
    resected = np.asarray(list(RANO))[np.searchsorted(_most(_LEFT_ML), left, side="left")]
    return np.where(np.asarray(biopsy, dtype=bool), BIOPSY, resected)


def is_complete(post_ml: ArrayLike) -> NDArray[np.bool_]:
    """Return by the rule of RANO resect whether a resection is complete: 0 cm³ is left.

    >>> is_complete([0.0, 0.001]).tolist()
    [True, False]
    """
    return np.asarray(volumes_ml(post_ml) == 0)


def is_gross_total(post_ml: ArrayLike, residual_tumor_ml: float) -> NDArray[np.bool_]:
    """Return by the rule of the study whether a resection is gross total: less than ``residual_tumor_ml`` is left.

    >>> is_gross_total([0.0, 0.174, 0.175], residual_tumor_ml=0.175).tolist()
    [True, True, False]
    """
    return ~has_residual_tumor(volumes_ml(post_ml), residual_tumor_ml)


def raidionics_class(pre_ml: ArrayLike, post_ml: ArrayLike) -> NDArray[np.object_]:
    """Return the class of Raidionics' report, by percent and volume: one of ``RAIDIONICS``, for comparison.

    Complete: nothing is left. Near total: at least 95 % removed and at most 10 ml left. Subtotal: 80 % and 50 ml.
    Partial: the rest. None where the volume before surgery was 0: there is no percent of it.

    >>> raidionics_class([40, 40, 400, 40, 40, 0], [0, 2, 15, 8, 20, 1]).tolist()
    ['complete', 'near total', 'subtotal', 'subtotal', 'partial', None]
    """
    before, left = np.broadcast_arrays(volumes_ml(pre_ml), volumes_ml(post_ml))
    removed = extent_of_resection(before, left)
    least_95, least_80 = (removed >= percent * (1 - VOLUME_TOLERANCE) for percent in (95.0, 80.0))
    most_10, most_50 = (left <= limit for limit in _most((10.0, 50.0)))
    found = np.select([left == 0, least_95 & most_10, least_80 & most_50], RAIDIONICS[:3], RAIDIONICS[3])
    by_percent: NDArray[np.object_] = np.asarray(found, dtype=object)
    by_percent[np.isnan(removed)] = None
    return by_percent


def _most(limits_ml: tuple[float, ...]) -> NDArray[np.float64]:
    """Return limits that a volume reaches although its header was rounded."""
    return np.asarray(limits_ml) * (1 + VOLUME_TOLERANCE)
