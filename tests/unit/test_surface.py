"""Surface distances: by hand on tiny masks, and against MedPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from medpy.metric import binary
from numpy.typing import NDArray

from residua.metrics.surface import SurfaceDistances, distances_between, surface_of

Mask = NDArray[np.bool_]


def surface_distances(mask: Mask, other: Mask, spacing_mm: tuple[float, float, float]) -> SurfaceDistances:
    return distances_between(surface_of(mask, spacing_mm), surface_of(other, spacing_mm))


def _line(*positions: int, length: int = 20) -> Mask:
    mask = np.zeros((length, 1, 1), dtype=bool)
    mask[list(positions)] = True
    return mask


def test_the_distance_of_two_voxels_follows_the_spacing() -> None:
    mask, other = np.zeros((2, 5, 5, 5), dtype=bool)
    mask[1, 1, 1] = other[4, 1, 3] = True
    found = surface_distances(mask, other, (0.5, 7.0, 1.0))
    expected = math.sqrt((3 * 0.5) ** 2 + (2 * 1.0) ** 2)
    assert (found.hd95_mm, found.assd_mm) == pytest.approx((expected, expected))


def test_hd95_is_the_percentile_of_both_sets_together() -> None:
    found = surface_distances(_line(0), _line(0, 10), (1.0, 1.0, 1.0))
    # Prediction to reference [0, 10], reference to prediction [0]; the sorted pool is [0, 0, 10], and its 95th
    # percentile lies 0.9 of the way from 0 to 10. The larger of the two directed percentiles would be 9.5.
    assert found.hd95_mm == pytest.approx(9.0)


def test_assd_is_the_mean_of_both_sets_together() -> None:
    found = surface_distances(_line(0), _line(0, 10), (1.0, 1.0, 1.0))
    assert found.assd_mm == pytest.approx((0 + 10 + 0) / 3)  # the mean of the two directed means would be 2.5


def test_the_inside_is_no_surface() -> None:
    cube = np.zeros((7, 7, 7), dtype=bool)
    cube[1:6, 1:6, 1:6] = True
    found = surface_distances(cube, cube, (1.0, 1.0, 1.0))
    assert found.prediction_to_reference_mm.size == 5**3 - 3**3
    assert found.hd95_mm == found.assd_mm == 0.0


@pytest.mark.parametrize("full", [(True, False), (False, True), (False, False)])
def test_an_empty_mask_leaves_both_distances_undefined(full: tuple[bool, bool]) -> None:
    masks = [np.full((3, 3, 3), each) for each in full]
    found = surface_distances(masks[0], masks[1], (1.0, 1.0, 1.0))
    assert math.isnan(found.hd95_mm)
    assert math.isnan(found.assd_mm)


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 1.0), (0.5, 0.5, 1.0), (0.47, 0.47, 6.0)])
@pytest.mark.parametrize("seed", range(4))
def test_both_agree_with_medpy(spacing_mm: tuple[float, float, float], seed: int) -> None:
    random = np.random.default_rng(seed)
    # Blocks of random voxels that touch the border of the array, one apart from the other in part.
    reference, prediction = np.zeros((2, 24, 30, 14), dtype=bool)
    reference[:12, 3:14, :9] = random.random((12, 11, 9)) < 0.7
    prediction[5:20, 8:30, 4:] = random.random((15, 22, 10)) < (0.8 if seed % 2 else 0.05)
    found = surface_distances(reference, prediction, spacing_mm)
    assert found.hd95_mm == pytest.approx(binary.hd95(prediction, reference, voxelspacing=spacing_mm), abs=1e-6)
    assert found.assd_mm == pytest.approx(binary.assd(prediction, reference, voxelspacing=spacing_mm), abs=1e-6)
