"""Make the slabs on which the brain model is trained, and whole scans to judge it, each from a number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from residua.brain_model.head import STATES, TrainingHead, build_training_head
from residua.brain_model.look import draw_look
from residua.brain_model.pose import draw_pose, lattice
from residua.brain_model.scan import Scanned, draw_scanning, scanned
from residua.brain_model.settings import HeadsSettings
from residua.images.volumes import Grid, Image
from residua.simulate.contrast import draw_texture
from residua.simulate.design import load_design
from residua.simulate.world import Field, World

TRAINING, HELD_OUT = 0, 1
"""Two endless rows of heads: no head of one is in the other."""
_STATE_SHARES = (0.3, 0.2, 0.5)
_VOXEL_MM = (0.6, 1.3)
"""Voxels of a scan in its plane, from which prediction brings it to a slab's."""
_COARSE = (48, 36, 40)
"""Grid on which the mean and the spread of a whole scan are measured."""


Slab = tuple[NDArray[np.float32], NDArray[np.uint8]]
"""A normalised slab and its brain, both (x, y, z)."""


def slabs_of(settings: HeadsSettings, row: int, number: int, shape: tuple[int, int, int]) -> list[Slab]:
    """Return one slab of ``shape`` of each view of head ``number`` of a row; none has another's shape."""
    head, rng = _head(settings, row, number)
    return [_slab(_view(settings, head, each), shape, each) for each in rng.spawn(settings.views)]


def slabs_of_batch(settings: HeadsSettings, part: str, batch: int, shape: tuple[int, int, int]) -> list[Slab]:
    """Return the slabs of all heads of a batch of a part, ``training`` or ``held_out``."""
    row, heads = (TRAINING, settings.heads) if part == "training" else (HELD_OUT, settings.held_out_heads)
    numbers = range(batch * settings.heads_per_job, min((batch + 1) * settings.heads_per_job, heads))
    return [slab for number in numbers for slab in slabs_of(settings, row, number, shape)]


def scan_of(settings: HeadsSettings, row: int, number: int, in_plane: int) -> tuple[Image, Image]:
    """Return a whole scan of head ``number`` of a row with ``in_plane`` voxels along x and y, and its brain."""
    head, rng = _head(settings, row, number)
    seen = _view(settings, head, rng.spawn(1)[0])
    shape = (in_plane, in_plane, seen.how.slices)
    points = seen.grid(shape)
    affine = np.eye(4)
    for axis in range(3):
        step = np.eye(3, dtype=int)[axis]
        affine[:3, axis] = points[:, *step] - points[:, 0, 0, 0]
    affine[:3, 3] = points[:, 0, 0, 0]
    grid = Grid(shape, affine)
    return Image(600.0 * seen.values(points), grid), Image(seen.brain(points), grid)


def _head(settings: HeadsSettings, row: int, number: int) -> tuple[TrainingHead, np.random.Generator]:
    anatomy, views = np.random.default_rng([settings.seed, row, number]).spawn(2)
    return build_training_head(World(settings.world_mm), load_design("table1").disease, anatomy), views


def _view(settings: HeadsSettings, head: TrainingHead, rng: np.random.Generator) -> Scanned:
    look, state = draw_look(rng, settings.random_contrast), str(rng.choice(STATES, p=_STATE_SHARES))
    picture = head.picture(look, state, bool(rng.random() < settings.real_brain)) * draw_texture(head.world, rng)
    pose = draw_pose(head.brain.brain_mm, head.world.step_mm, rng)
    # Scanners scale what they see, whatever its unit.
    bright = np.percentile(picture, 95)
    how = draw_scanning(rng)
    return scanned(picture / np.float32(max(bright, 1e-3)), head.brain.brain_mm, head.world.step_mm, pose, how)


def _slab(seen: Scanned, shape: tuple[int, int, int], rng: np.random.Generator) -> Slab:
    mean, spread = _whole(seen)
    last = max(seen.how.slices - shape[2] // 2, 1)
    first = int(rng.integers(last))
    depth = min(shape[2], seen.how.slices - first)
    points = seen.grid((shape[0], shape[1], depth), float(first))
    beyond = ((0, 0), (0, 0), (0, shape[2] - depth))
    own = _seen_by_network(seen, (shape[0], shape[1], depth), float(first), rng)
    values = (own - np.float32(mean)) / np.float32(max(spread, 1e-6))
    # As in prediction, the last slice is repeated beyond the top.
    return np.pad(values, beyond, mode="edge"), np.pad(seen.brain(points), beyond, mode="edge").astype(np.uint8)


def _seen_by_network(
    seen: Scanned, shape: tuple[int, int, int], first: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return slices of a scan from ``first`` on, brought from voxels of its own to ``shape`` as in prediction."""
    voxel_mm = rng.uniform(*_VOXEL_MM)
    x, y = (round(extent / voxel_mm) for extent in seen.how.field_mm[:2])
    return as_resized(seen.values(seen.grid((x, y, shape[2]), first)), shape)


def as_resized(volume: NDArray[np.float32], shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Return a volume (x, y, z) on a grid of ``shape`` over the same extent: linear, smoothed where it becomes coarser.

    That is what ``resized`` of AGU-Net's preparation does by scikit-image, which not every environment here has.
    """
    factors = np.divide(volume.shape, shape)
    smooth = ndimage.gaussian_filter(volume, np.maximum(0.0, (factors - 1) / 2), mode="nearest")
    return np.asarray(ndimage.zoom(smooth, 1 / factors, order=1, mode="nearest", grid_mode=True), np.float32)


def _whole(seen: Scanned) -> tuple[float, float]:
    """Return mean and standard deviation of the whole scan, from a coarse grid over it."""
    how = seen.how
    height = how.slices * how.slice_mm
    spacing = np.array([*how.field_mm[:2], height]) / np.array(_COARSE)
    values: Field = seen.values(lattice(spacing, _COARSE, np.array(how.centre_mm)), number=1)
    return float(values.mean(dtype=np.float64)), float(values.std(dtype=np.float64))
