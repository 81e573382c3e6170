"""The metrics of one case, by hand."""

from __future__ import annotations

import math
from dataclasses import asdict

import numpy as np
import pytest

from residua.images.volumes import Grid
from residua.metrics.voxelwise import measure_case

GRID = Grid((4, 4, 4), np.diag([0.5, 1.0, 2.0, 1.0]))
EMPTY = np.zeros((4, 4, 4), dtype=bool)


def _row(start: int, stop: int) -> np.ndarray:
    mask = EMPTY.copy()
    mask[start:stop, 0, 0] = True
    return mask


def test_overlap_and_volume_of_a_hand_counted_case() -> None:
    found = measure_case(_row(0, 3), _row(2, 4), GRID)  # 3 and 2 voxels, 1 shared; a voxel is 1 mm³
    assert (found.dice, found.jaccard) == pytest.approx((2 / 5, 1 / 4))
    assert (found.precision, found.recall) == pytest.approx((1 / 2, 1 / 3))
    assert (found.reference_ml, found.predicted_ml) == pytest.approx((0.003, 0.002))
    assert found.absolute_volume_error_ml == pytest.approx(0.001)
    # Along x, 0.5 mm apart: reference 0,1,2 and prediction 2,3. Directed distances [0, .5] and [1, .5, 0].
    assert found.assd_mm == pytest.approx((0 + 0.5 + 1 + 0.5 + 0) / 5)
    assert found.hd95_mm == pytest.approx(0.9)


def test_precision_and_recall_are_not_swapped() -> None:
    found = measure_case(_row(0, 4), _row(0, 1), GRID)
    assert (found.precision, found.recall) == (1.0, 0.25)


@pytest.mark.parametrize(
    ("reference", "prediction", "undefined"),
    [
        (EMPTY, EMPTY, {"dice", "jaccard", "precision", "recall", "hd95_mm", "assd_mm"}),
        (_row(0, 2), EMPTY, {"precision", "hd95_mm", "assd_mm"}),
        (EMPTY, _row(0, 2), {"recall", "hd95_mm", "assd_mm"}),
        (_row(0, 2), _row(1, 2), set()),
    ],
)
def test_exactly_undefined_metrics_are_nan(reference: np.ndarray, prediction: np.ndarray, undefined: set[str]) -> None:
    found = asdict(measure_case(reference, prediction, GRID))
    assert {name for name, value in found.items() if math.isnan(value)} == undefined


def test_a_missed_tumour_has_dice_zero_and_its_volume_as_error() -> None:
    found = measure_case(_row(0, 2), EMPTY, GRID)
    assert (found.dice, found.jaccard, found.recall) == (0.0, 0.0, 0.0)
    assert found.absolute_volume_error_ml == pytest.approx(0.002)


def test_a_sheared_grid_gives_the_volume_of_its_voxels() -> None:
    sheared = np.array([[1.0, 0.5, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    found = measure_case(_row(0, 2), _row(0, 2), Grid((4, 4, 4), sheared))
    assert found.reference_ml == pytest.approx(0.002)


def test_a_probability_map_is_refused() -> None:
    with pytest.raises(TypeError, match="prediction must be a boolean mask, found float64"):
        measure_case(_row(0, 2), np.full((4, 4, 4), 0.3), GRID)


def test_a_mask_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="reference has shape"):
        measure_case(np.ones((4, 4, 1), dtype=bool), _row(0, 2), GRID)
