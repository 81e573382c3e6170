"""The metrics of one case, by hand."""

from __future__ import annotations

import math
from dataclasses import asdict, fields

import numpy as np
import pytest
import SimpleITK

from residua.images.volumes import Grid
from residua.metrics.registry import METRICS
from residua.metrics.voxelwise import CaseMetrics, measure_case

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


NAN = math.nan
DISTANCES = {"hd95_mm": NAN, "assd_mm": NAN}
NO_OVERLAP = {"dice": 0, "jaccard": 0, "surface_dice_1mm": 0, "surface_dice_2mm": 0}


@pytest.mark.parametrize(
    ("reference", "prediction", "expected"),
    [
        (
            EMPTY,
            EMPTY,
            dict.fromkeys(NO_OVERLAP, NAN)
            | DISTANCES
            | {"precision": NAN, "recall": NAN, "reference_ml": 0, "predicted_ml": 0}
            | {"absolute_volume_error_ml": 0, "volume_error_ml": 0, "relative_volume_error": NAN},
        ),
        (
            _row(0, 2),
            EMPTY,
            NO_OVERLAP
            | DISTANCES
            | {"precision": NAN, "recall": 0, "reference_ml": 0.002, "predicted_ml": 0}
            | {"absolute_volume_error_ml": 0.002, "volume_error_ml": -0.002, "relative_volume_error": -1},
        ),
        (
            EMPTY,
            _row(0, 2),
            NO_OVERLAP
            | DISTANCES
            | {"precision": 0, "recall": NAN, "reference_ml": 0, "predicted_ml": 0.002}
            | {"absolute_volume_error_ml": 0.002, "volume_error_ml": 0.002, "relative_volume_error": NAN},
        ),
        (
            _row(0, 4),
            _row(1, 3),
            # 0.5 mm apart along x: of the four surface voxels of the reference two lie 0.5 mm beside the prediction.
            {"dice": 2 / 3, "jaccard": 0.5, "surface_dice_1mm": 1, "surface_dice_2mm": 1, "hd95_mm": 0.5}
            | {"assd_mm": 1 / 6, "precision": 1, "recall": 0.5, "reference_ml": 0.004, "predicted_ml": 0.002}
            | {"absolute_volume_error_ml": 0.002, "volume_error_ml": -0.002, "relative_volume_error": -0.5},
        ),
    ],
    ids=["both empty", "nothing predicted", "nothing drawn", "both drawn"],
)
def test_every_metric_of_every_combination_of_empty_masks(
    reference: np.ndarray, prediction: np.ndarray, expected: dict[str, float]
) -> None:
    found = {
        name: value for name, value in asdict(measure_case(reference, prediction, GRID)).items() if "lesion" not in name
    }
    # test_lesions.py has those of lesions.
    assert found == pytest.approx(expected, nan_ok=True)


def test_the_surfaces_agree_within_one_and_within_two_millimetres() -> None:
    # Along y, 1 mm apart: the reference is voxel 0, the prediction voxels 0 to 3. Distances: 0, then 0, 1, 2, 3.
    drawn, predicted = np.zeros((2, 4, 4, 4), dtype=bool)
    drawn[0, 0, 0] = predicted[0, :, 0] = True
    found = measure_case(drawn, predicted, GRID)
    assert (found.surface_dice_1mm, found.surface_dice_2mm) == pytest.approx((3 / 5, 4 / 5))


def test_a_header_that_rounds_the_spacing_does_not_decide_what_lies_within_a_millimetre() -> None:
    drawn, predicted = np.zeros((2, 4, 4, 4), dtype=bool)
    drawn[0, 0, 0] = predicted[0, 1, 0] = True
    rounded = float(np.float32(1) + np.finfo(np.float32).eps)
    assert rounded > 1
    assert measure_case(drawn, predicted, Grid((4, 4, 4), np.diag([1, rounded, 1, 1]))).surface_dice_1mm == 1


def test_overlaps_agree_with_simpleitk() -> None:
    random = np.random.default_rng(3)
    drawn, predicted = random.random((2, 9, 8, 7)) < 0.4
    found = measure_case(drawn, predicted, Grid((9, 8, 7), np.eye(4)))
    measured = SimpleITK.LabelOverlapMeasuresImageFilter()
    measured.Execute(*(SimpleITK.GetImageFromArray(mask.astype(np.uint8)) for mask in (predicted, drawn)))
    assert found.dice == pytest.approx(measured.GetDiceCoefficient(), abs=1e-12)
    assert found.jaccard == pytest.approx(measured.GetJaccardCoefficient(), abs=1e-12)
    assert found.recall == pytest.approx(1 - measured.GetFalseNegativeError(), abs=1e-12)


def test_every_metric_has_a_column_in_the_order_of_the_registry() -> None:
    assert [field.name for field in fields(CaseMetrics)] == [metric.name for metric in METRICS]


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
