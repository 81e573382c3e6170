"""Compare a registered scan with the reference within the brain, to find a scan of another patient.

Two heads of like size register well: scalp, skull and air fit, and most of the similarity of two scans is theirs. The
folds of the brain do not fit.
"""

from __future__ import annotations

import numpy as np

from residua.images.averaging import averaged
from residua.images.volumes import Image, finite
from residua.registration.assessment import mutual_information

_SPACING_MM = 3.0
_FEWEST_VOXELS = 5000
"""Of fewer voxels, chance alone gives a tenth of a nat."""


class BrainLikeness:
    """The reference (x, y, z) within its brain mask; ``brain`` holds booleans on the same grid."""

    def __init__(self, reference: Image, brain: Image) -> None:
        """Average the reference and find its brain."""
        self._inside = averaged(brain, _SPACING_MM).data > 0.5
        self._reference = averaged(finite(reference), _SPACING_MM).data

    def similarity(self, registered: Image) -> float | None:
        """Return the mutual information (nats) with a scan on the reference's grid, within the brain.

        Where the scan is 0 it does not reach. None when it reaches too little of the brain.
        """
        scan = averaged(finite(registered), _SPACING_MM).data
        compared = self._inside & (scan != 0)
        if np.count_nonzero(compared) < _FEWEST_VOXELS:
            return None
        return mutual_information(self._reference[compared], scan[compared])
