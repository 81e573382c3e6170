"""Strip one channel at a time to the brain, and crop it to the brain's box.

A channel lies on the reference grid and is cropped there, or it was sampled on the network's target grid already
(``preparation.sampling``); nothing else differs for a network. The crop depends on the brain mask alone, so that no
channel changes another channel's voxels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from residua.errors import ResiduaError
from residua.images import volumes
from residua.images.volumes import Box, Grid, Image
from residua.preparation.cases import ChannelCase


@dataclass(frozen=True)
class Crop:
    """Position of a cropped volume in its reference grid."""

    grid: Grid
    box: Box

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels of the cropped volume along x, y, z."""
        x, y, z = (side.stop - side.start for side in self.box)
        return x, y, z

    def divided(self, shape: tuple[int, int, int]) -> Grid:
        """Divide the crop's extent into ``shape`` equal voxels; voxel faces, not centres, are aligned with the box.

        Voxel i of n lies at ``(i + 0.5) * size / n - 0.5`` of the box's ``size`` voxels, as in skimage's resize.
        """
        scale = np.divide(self.shape, shape)
        start = np.array([side.start for side in self.box])
        affine = self.grid.affine.copy()
        affine[:3, :3] = self.grid.affine[:3, :3] * scale
        affine[:3, 3] += self.grid.affine[:3, :3] @ (start + (scale - 1) / 2)
        return Grid(shape, affine)

    def restore(self, cropped: NDArray[np.float32]) -> Image:
        """Put the cropped values (x, y, z) in place on the whole reference grid, zero elsewhere."""
        whole = np.zeros(self.grid.shape, dtype=cropped.dtype)
        whole[self.box] = cropped
        return Image(whole, self.grid)

    def to_json(self) -> dict[str, Any]:
        """Return builtins from which ``from_json`` builds the same crop again."""
        return {"grid": self.grid.to_json(), "box": [[side.start, side.stop] for side in self.box]}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Crop:
        """Build the crop that ``to_json`` described."""
        x, y, z = (slice(start, stop) for start, stop in record["box"])
        return cls(Grid.from_json(record["grid"]), (x, y, z))


def brain_crop(mask: Image, case: str) -> Crop:
    """Return the bounding box of a brain mask.

    Raises ``ResiduaError`` that begins with ``case`` when the mask is empty.
    """
    boxes = ndimage.find_objects(mask.data.astype(np.uint8))
    if not boxes:
        raise ResiduaError(f"{case} is empty; correct it, or set the patient's role to exclude")
    box: Box = boxes[0]
    return Crop(mask.grid, box)


def mask_on(grid: Grid, mask: Image) -> NDArray[np.bool_]:
    """Resample a mask to another grid of the same space (x, y, z): voxels of which at least half lies in the mask.

    The share is interpolated linearly.
    """
    to_mask = np.linalg.inv(mask.grid.affine) @ grid.affine
    share = ndimage.affine_transform(
        mask.data.astype(np.float32), to_mask[:3, :3], to_mask[:3, 3], grid.shape, order=1, mode="nearest"
    )
    # Every second size gives shares of exactly one half, which must not depend on how affines were rounded.
    return np.asarray(share >= 0.5 - 1e-4)


def crop_to_brain(case: ChannelCase) -> tuple[NDArray[np.float32], NDArray[np.bool_], Crop]:
    """Return the channel and the brain mask (x, y, z each) over the brain's bounding box, and the position of that box.

    Both have the voxels of the reference grid, or those of the target grid if the channel was sampled there.
    """
    channel, mask = volumes.load(case.channel), volumes.load_mask(case.brain)
    if not case.sampled:
        volumes.require_same_grid(channel, mask, str(case.channel))
    crop = brain_crop(mask, f"patient {case.patient}: the brain mask {case.brain}")
    if case.sampled:
        return channel.data, mask_on(channel.grid, mask), crop
    return channel.data[crop.box], mask.data[crop.box], crop
