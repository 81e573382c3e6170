"""The volumes that a brain can have."""

from __future__ import annotations

IMPOSSIBLE_ML = (400.0, 2500.0)
"""A mask outside is no brain: adults with hydrocephalus, atrophy or a generous rim of the mask stay well inside.

The check of given masks warns of what the extraction then refuses. What is unusual for an adult is a matter of the
quality control (``residua.quality.catalogue``).
"""


def is_plausible_brain(volume_ml: float) -> bool:
    """Return whether a mask of this volume can be a brain.

    >>> is_plausible_brain(1400.0), is_plausible_brain(90.0)
    (True, False)
    """
    low, high = IMPOSSIBLE_ML
    return low <= volume_ml <= high
