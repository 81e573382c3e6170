"""The grid on which a network's prepared channels lie, as its package says it."""

from __future__ import annotations

from typing import Any, Protocol

from residua.images.volumes import Grid
from residua.preparation.brain_crop import Crop


class TargetGrid(Protocol):
    """``networks/{arch}/target.py: target_grid``; imports no framework, for it runs where channels are sampled."""

    def __call__(self, crop: Crop, settings: dict[str, Any]) -> Grid:
        """The grid on which ``prepare`` brings a channel, before any padding; its axes are those of the reference grid.

        ``settings`` are those that ``prepare`` gets. A channel that comes ``sampled`` lies on this grid already, and
        ``prepare`` resamples it no more.
        """
