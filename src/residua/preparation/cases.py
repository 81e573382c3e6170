"""One patient's channel on its way to a network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RegionLabel:
    """A label on the reference grid to whose surroundings a network's view is confined, and how far these reach."""

    label: Path
    margin_mm: float


@dataclass(frozen=True)
class ChannelCase:
    """One patient's image or label, and the brain mask on the reference grid that crops it.

    The channel lies on the reference grid, or, if it is ``sampled``, on the network's target grid. A network that is
    confined to a ``region`` sees that part of the brain alone; None: the whole brain.
    """

    patient: str
    channel: Path
    brain: Path
    sampled: bool = False
    region: RegionLabel | None = None
