"""Define nnU-Net's axis order and resampling, which preparation and planning share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

RESAMPLING_OF_IMAGES = {"is_seg": False, "order": 3, "order_z": 0, "force_separate_z": None}
RESAMPLING_OF_LABELS = {"is_seg": True, "order": 1, "order_z": 0, "force_separate_z": None}
RESAMPLING_OF_PROBABILITIES = {"is_seg": False, "order": 1, "order_z": 0, "force_separate_z": None}


def zyx(along_xyz: Sequence[Any]) -> list[Any]:
    """Return numbers along x, y, z in nnU-Net's order."""
    return list(reversed(along_xyz))
