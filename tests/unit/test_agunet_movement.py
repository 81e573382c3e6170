"""A movement of whole volumes gives what ``scipy.ndimage`` gives voxel by voxel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from residua.networks.agunet.augmentation import Variation
from residua.networks.agunet.movement import VolumeMovement

SHAPES = ((16, 12, 18), (17, 13, 9), (12, 16, 2), (5, 1, 6), (1, 9, 1), (40, 36, 30))
ROUNDING = 1e-6
"""A few steps of 32 bits, of values between -1 and 1."""


def by_scipy(volume: NDArray[Any], variation: Variation, is_label: bool) -> NDArray[Any]:
    """Interpolate voxel by voxel, with the whole matrix."""
    cosine, sine = np.cos(variation.angle), np.sin(variation.angle)
    rotation = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
    centre = (np.array(volume.shape) - 1) / 2
    offset = centre - rotation @ (centre + np.array(variation.shift) * volume.shape)
    flipped, order = np.flip(volume, variation.flipped), 0 if is_label else 1
    return np.asarray(ndimage.affine_transform(flipped, rotation, offset, order=order, mode="nearest", prefilter=False))


def variations(number: int) -> list[Variation]:
    """Variations with and without flips, turns and shifts, further than any study goes."""
    rng = np.random.default_rng(number)
    drawn = []
    for _ in range(number):
        flipped = tuple(axis for axis in (0, 1) if rng.random() < 0.5)
        angle = float(rng.uniform(-np.pi, np.pi)) if rng.random() < 0.7 else 0.0
        x, y, z = (float(rng.uniform(-0.6, 0.6)) if rng.random() < 0.7 else 0.0 for _ in range(3))
        drawn.append(Variation(flipped, angle, (x, y, z)))
    return drawn


@pytest.mark.parametrize("shape", SHAPES)
def test_images_are_equal_to_rounding_and_labels_to_the_voxel(shape: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(0)
    image, label = rng.uniform(-1, 1, shape).astype(np.float32), rng.integers(0, 2, shape).astype(np.uint8)
    for variation in variations(40):
        moved = VolumeMovement(shape, variation)
        linear, nearest = moved(image, is_label=False), moved(label, is_label=True)
        np.testing.assert_allclose(linear, by_scipy(image, variation, False), rtol=0, atol=ROUNDING)
        np.testing.assert_array_equal(nearest, by_scipy(label, variation, True))
        assert (linear.dtype, nearest.dtype) == (np.float32, np.uint8)


@pytest.mark.parametrize("angle", [0.0, np.pi / 2, np.pi, -np.pi / 2])
def test_a_label_is_equal_even_where_two_neighbours_are_as_near(angle: float) -> None:
    label = np.arange(10 * 10 * 6, dtype=np.int32).reshape(10, 10, 6)
    # A shift of half a voxel along each axis, of which every voxel is a tie.
    tied = Variation((0,), angle, (0.05, 0.05, 1 / 12))
    np.testing.assert_array_equal(VolumeMovement(label.shape, tied)(label, True), by_scipy(label, tied, True))


def test_one_movement_serves_every_channel_and_layout() -> None:
    rng = np.random.default_rng(1)
    channels = rng.normal(size=(9, 8, 7, 3)).astype(np.float32)
    variation = Variation((1,), 0.3, (0.1, -0.05, 0.07))
    moved = VolumeMovement(channels.shape[:3], variation)
    for channel in range(3):
        alone = VolumeMovement(channels.shape[:3], variation)(
            np.ascontiguousarray(channels[..., channel]), is_label=False
        )
        np.testing.assert_array_equal(moved(channels[..., channel], is_label=False), alone)


def test_beyond_the_border_the_border_goes_on() -> None:
    image = np.arange(4, dtype=np.float32)[:, None, None] * np.ones((4, 3, 3), np.float32)
    away = VolumeMovement(image.shape, Variation((), 0.0, (0.75, 0.0, 0.0)))(image, is_label=False)
    assert away[:, 1, 1].tolist() == [0.0, 0.0, 0.0, 0.0]
    back = VolumeMovement(image.shape, Variation((), 0.0, (-0.375, 0.0, 0.0)))(image, is_label=False)
    assert back[:, 1, 1].tolist() == [1.5, 2.5, 3.0, 3.0]
