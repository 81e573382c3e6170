"""Scores against two classes: by hand, and against scikit-learn."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn import metrics

from residua.errors import ResiduaError
from residua.images.volumes import Grid, Image, save
from residua.metrics.map_metrics import MAP_METRICS, map_tables
from residua.metrics.measure_maps import measure_maps
from residua.metrics.scored import LEVELS, THRESHOLDS, scored_patients, scored_voxels
from residua.networks import prediction
from residua.publishing.publish import stage
from residua.segmentation.masks import binarise
from residua.statistics.discrimination import discrimination

NAN = math.nan


def as_stored(probability: NDArray[np.floating]) -> NDArray[np.float32]:
    return (np.rint(probability * LEVELS) / LEVELS).astype(np.float32)


def everywhere(like: NDArray) -> NDArray[np.bool_]:
    return np.ones(like.shape, dtype=bool)


def test_the_steps_are_those_in_which_maps_are_stored() -> None:
    assert LEVELS == prediction.LEVELS


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("steps", [3, 50, LEVELS])
def test_discrimination_and_brier_agree_with_scikit_learn(seed: int, steps: int) -> None:
    random = np.random.default_rng(seed)
    drawn = random.random((9, 8, 7)) < 0.1
    told = np.clip(random.normal(0.2 + 0.4 * drawn, 0.25), 0, 1)
    told = as_stored(np.rint(told * steps) / steps)
    scored = scored_voxels(told, drawn, everywhere(drawn))
    truth, score = drawn.ravel(), told.ravel().astype(np.float64)
    assert scored.auroc == pytest.approx(metrics.roc_auc_score(truth, score), abs=1e-12)
    assert scored.auprc == pytest.approx(metrics.average_precision_score(truth, score), abs=1e-12)
    assert scored.brier == pytest.approx(metrics.brier_score_loss(truth, score), abs=1e-12)
    of_patients = scored_patients(score * 40, truth)
    assert (of_patients.auroc, of_patients.auprc) == pytest.approx((scored.auroc, scored.auprc), abs=1e-12)


def test_by_hand() -> None:
    # Tumour 0.75 and 0.25, background 0.75, 0.25 and 0: pairs won 0.5 + 1 + 1 and 0 + 0.5 + 1 of 6.
    scored = scored_patients([0.75, 0.25, 0.75, 0.25, 0.0], [True, True, False, False, False])
    assert scored.auroc == pytest.approx(4 / 6)
    assert scored.auprc == pytest.approx(0.5 * 1 / 2 + 0.5 * 2 / 4)
    assert scored.brier == pytest.approx((0.0625 + 0.5625 + 0.5625 + 0.0625 + 0) / 5)
    # Bins: 0 holds the 0, 2 both 0.25, 7 both 0.75; half of each pair is tumour.
    assert scored.calibration_error == pytest.approx((2 * 0.25 + 2 * 0.25) / 5)
    bins = scored.bins()
    assert bins.count.tolist() == [1, 0, 2, 0, 0, 0, 0, 2, 0, 0]
    assert (bins.predicted[2], bins.observed[2]) == (0.25, 0.5)
    assert math.isnan(bins.observed[1])


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        ([True, True], (NAN, 1.0, 0.3125, 0.5)),
        ([False, False], (NAN, NAN, 0.3125, 0.5)),
        ([], (NAN, NAN, NAN, NAN)),
    ],
    ids=["one class, tumour", "one class, background", "no voxel"],
)
def test_what_one_class_alone_leaves_undefined(drawn: list[bool], expected: tuple[float, ...]) -> None:
    scored = scored_patients([0.75, 0.25][: len(drawn)], drawn)
    assert tuple(metric.function(scored) for metric in MAP_METRICS) == pytest.approx(expected, nan_ok=True)


def test_dice_at_every_threshold_is_that_of_the_mask_at_this_threshold() -> None:
    random = np.random.default_rng(5)
    drawn = random.random((9, 8, 7)) < 0.3
    # All thresholds occur as values, as they are stored and as they are written.
    told = as_stored(np.clip(random.normal(0.3 + 0.4 * drawn, 0.3), 0, 1))
    told.ravel()[:101] = as_stored(np.array(THRESHOLDS))
    found = scored_voxels(told, drawn, everywhere(drawn)).dice_at()
    masks = [everywhere(drawn), *(binarise(told, threshold) for threshold in THRESHOLDS[1:])]
    np.testing.assert_allclose(found, [metrics.f1_score(drawn.ravel(), mask.ravel()) for mask in masks], atol=1e-12)
    assert THRESHOLDS[99:] == (0.99, 1.0)


def test_two_empty_masks_have_no_dice() -> None:
    scored = scored_voxels(np.full((2, 2, 2), 0.5), np.zeros((2, 2, 2), dtype=bool), np.ones((2, 2, 2), dtype=bool))
    assert np.isnan(scored.dice_at([0.51, 0.5])).tolist() == [True, False]


def test_voxels_outside_the_brain_count_only_where_the_reference_is() -> None:
    told, drawn = np.array([0.9, 0.1, 0.5, 0.0, 0.0]), np.array([1, 0, 0, 1, 0], dtype=bool)
    scored = scored_voxels(told, drawn, np.array([1, 1, 0, 0, 0], dtype=bool))
    assert (scored.positives.sum(), scored.negatives.sum()) == (2, 1)
    assert scored.auroc == pytest.approx(1 / 2)


@pytest.mark.parametrize("value", [1.5, -0.25, NAN])
def test_what_is_no_probability_is_refused(value: float) -> None:
    told = np.array([0.5, value])
    with pytest.raises(ResiduaError, match="expected probabilities from 0 to 1, found"):
        scored_voxels(told, told > 0.4, everywhere(told))


# --- the stages -------------------------------------------------------------------------------------------------------

GRID = Grid((4, 2, 1), np.eye(4))


def publish(folder: Path, **images: list[float]) -> str:
    with stage(folder / "manifest.json") as part:
        for patient, values in images.items():
            save(Image(np.reshape(values, GRID.shape).astype(np.float32), GRID), part / f"{patient}.nii.gz")
    return str(folder / "manifest.json")


def test_maps_are_measured_by_split_within_the_brain(tmp_path: Path) -> None:
    maps = {
        "validation": [publish(tmp_path / "fold0", STO1=[1, 0.5, 0, 0, 0, 0, 0, 0])],
        "test": [publish(tmp_path / "ensemble", AMS1=[0.25] * 8)],
    }
    drawn = Path(publish(tmp_path / "drawn", STO1=[1, 1, 0, 0, 0, 0, 0, 0], AMS1=[0] * 8)).parent
    references = {patient: str(drawn / f"{patient}.nii.gz") for patient in ("STO1", "AMS1")}
    brains = [publish(tmp_path / "brain", STO1=[1, 1, 1, 1, 0, 0, 0, 0], AMS1=[1] * 8)]
    cases = [{"patient": "STO1", "hospital": "STO", "fold": 0}, {"patient": "AMS1", "hospital": "AMS", "fold": None}]
    found = measure_maps(maps, references, brains, cases)
    assert found.patients["voxels"].tolist() == [4, 8]
    assert found.patients["brier"].tolist() == pytest.approx([0.25 / 4, 0.0625])
    assert found.patients["largest_probability"].tolist() == [1, 0.25]
    assert found.patients["auroc"].tolist() == pytest.approx([1, NAN], nan_ok=True)
    assert found.patients["fold"].tolist() == [0, pd.NA]
    assert len(found.thresholds) == 2 * 101
    assert len(found.calibration) == 2 * 10
    with pytest.raises(ResiduaError, match=r"^patient AMS1: expected probabilities from 0 to 1, found 0 to 2"):
        measure_maps(maps | {"test": [publish(tmp_path / "odd", AMS1=[2, *[0] * 7])]}, references, brains, cases)


def test_patients_are_told_apart_by_volume_and_by_the_largest_probability() -> None:
    model = {"arch": "nnunet", "inputs": "B", "split": "test"}
    patients = [f"P{number}" for number in range(5)]
    reference_ml, predicted_ml = [2.0, 1.0, 0.175, 0.0, 0.1], [3.0, 0.0, 0.2, 0.5, 0.0]
    cases = pd.DataFrame({**model, "patient": patients, "reference_ml": reference_ml, "predicted_ml": predicted_ml})
    largest = [1.0, 0.5, 0.75, 0.25, 0.0]
    of_maps = [
        ({**model, "patient": p}, scored_patients([v, 0.0], [r > 1, False]))
        for p, v, r in zip(patients, largest, reference_ml, strict=True)
    ]
    maps = map_tables(of_maps, [*model, "patient"]).patients
    found = discrimination(cases, maps, 0.175).set_index(["level", "score", "measure"])
    truth = [True, True, True, False, False]
    assert found.loc[("patients", "predicted_volume", "auroc"), "estimate"] == pytest.approx(
        metrics.roc_auc_score(truth, predicted_ml)
    )
    assert found.loc[("patients", "largest_probability", "auroc"), "estimate"] == 1
    assert found.loc[("patients", "largest_probability", "brier"), "estimate"] == pytest.approx(
        metrics.brier_score_loss(truth, largest)
    )
    assert ("patients", "predicted_volume", "brier") not in found.index
    voxels = found.loc[("voxels", "probability", "auroc")]
    assert (voxels["estimate"], voxels["n"], voxels["undefined"]) == (1, 1, 4)
    assert found.loc[("voxels", "probability", "brier"), "n"] == 5
    assert set(found["n_positive"]) == {3}
    assert found.loc[found["estimate"].isna(), "note"].ne("").all()


def test_one_class_of_patients_alone_is_not_estimable_and_says_so() -> None:
    model = {"arch": "nnunet", "inputs": "B", "split": "test"}
    cases = pd.DataFrame({**model, "patient": ["P1"], "reference_ml": [0.0], "predicted_ml": [1.0]})
    maps = map_tables([({**model, "patient": "P1"}, scored_patients([0.5], [False]))], [*model, "patient"]).patients
    found = discrimination(cases, maps, 0.175).set_index(["level", "score", "measure"])
    assert found.loc[("patients", "predicted_volume", "auroc"), "note"] == (
        "not estimable: patients without reference, and without background"
    )
    assert found.loc[("voxels", "probability", "auprc"), "note"] == "not estimable: in every patient without reference"
    assert found["note"][found["estimate"].isna()].ne("").all()
