"""One patient's channel on its way to a network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ChannelCase:
    """One patient's image or label, and the brain mask on the reference grid that crops it.

    The channel lies on the reference grid, or, if it is ``sampled``, on the network's target grid.
    """

    patient: str
    channel: Path
    brain: Path
    sampled: bool = False
