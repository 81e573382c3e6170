"""From registered images to what networks start from: skull-stripped, cropped to the brain, one channel at a time.

The crop comes from the brain mask alone, so that no channel's content changes another channel's voxels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from residua import images
from residua.errors import ResiduaError
from residua.images import Grid, Image

Box = tuple[slice, slice, slice]


@dataclass(frozen=True)
class ChannelCase:
    """One patient's image or label on the reference grid, and the brain mask that crops it."""

    patient: str
    channel: Path
    brain: Path


@dataclass(frozen=True)
class Crop:
    """Where a cropped volume lies in its reference grid."""

    grid: Grid
    box: Box

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels of the cropped volume along x, y, z."""
        x, y, z = (side.stop - side.start for side in self.box)
        return x, y, z

    def restore(self, cropped: NDArray[np.float32]) -> Image:
        """The cropped values (x, y, z) in place on the whole reference grid, zero elsewhere."""
        whole = np.zeros(self.grid.shape, dtype=cropped.dtype)
        whole[self.box] = cropped
        return Image(whole, self.grid)

    def to_json(self) -> dict[str, Any]:
        """Builtins from which ``from_json`` makes the same crop again."""
        return {"grid": self.grid.to_json(), "box": [[side.start, side.stop] for side in self.box]}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Crop:
        """The crop that ``to_json`` described."""
        x, y, z = (slice(start, stop) for start, stop in record["box"])
        return cls(Grid.from_json(record["grid"]), (x, y, z))


def strip(case: ChannelCase, out: Path) -> None:
    """Write the channel with everything outside the brain mask set to zero."""
    head, mask = images.load(case.channel), images.load_mask(case.brain)
    images.require_same_grid(head, mask, str(case.channel))
    if not np.isfinite(head.data[mask.data]).all():
        raise ResiduaError(f"patient {case.patient}: {case.channel} is not finite in the brain; convert it again")
    images.save(Image(np.where(mask.data, head.data, np.float32(0)), head.grid), out)


def crop_to_brain(case: ChannelCase) -> tuple[NDArray[np.float32], NDArray[np.bool_], Crop]:
    """The channel and the brain mask (x, y, z each), cropped to the brain's bounding box, and where that lies."""
    channel, mask = images.load(case.channel), images.load_mask(case.brain)
    images.require_same_grid(channel, mask, str(case.channel))
    boxes = ndimage.find_objects(mask.data.astype(np.uint8))
    if not boxes:
        raise ResiduaError(f"patient {case.patient}: the brain mask {case.brain} is empty")
    box: Box = boxes[0]
    return channel.data[box], mask.data[box], Crop(mask.grid, box)
