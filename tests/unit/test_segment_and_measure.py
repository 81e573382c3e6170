"""Whole stages after the networks, from published folders of tiny maps and masks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from residua.errors import DamagedStageError, ResiduaError
from residua.images.volumes import Grid, Image, load, save
from residua.metrics.measure_patients import measure_all
from residua.networks.prediction import save_probability
from residua.publishing.images import by_patient
from residua.publishing.publish import stage, verified
from residua.segmentation.segment_patients import segment_all
from residua.segmentation.threshold_record import threshold_record
from residua.settings.classification import Classification
from residua.settings.postprocessing import Postprocessing

GRID = Grid((6, 5, 4), np.diag([10.0, 10.0, 10.0, 1.0]), "LPS")  # a voxel is 1 ml
POSTPROCESSING = Postprocessing(thresholds=(0.3, 0.6), min_component_voxels=0, connectivity=26)
CLASSIFICATION = Classification(residual_tumor_ml=0.9, min_overlap_dice=0.0)
METRICS = [
    "dice",
    "jaccard",
    "precision",
    "recall",
    "hd95_mm",
    "assd_mm",
    "surface_dice_1mm",
    "surface_dice_2mm",
    "reference_ml",
    "predicted_ml",
    "absolute_volume_error_ml",
    "volume_error_ml",
    "reference_lesions",
    "found_lesions",
    "predicted_lesions",
    "false_lesions",
    "lesion_recall",
    "lesion_precision",
    "lesion_f1",
    "lesion_dice",
    "lesion_hd95_mm",
    "relative_volume_error",
]


def voxels(*values: float) -> NDArray[np.float32]:
    """``values`` in a row along x, zero elsewhere."""
    data = np.zeros(GRID.shape, dtype=np.float32)
    data[: len(values), 2, 1] = values
    return data


def publish(folder: Path, **maps: NDArray[Any]) -> str:
    """The manifest of a published folder: masks where an array is boolean, else probability maps."""
    manifest = folder / "manifest.json"
    with stage(manifest) as part:
        (part / "progress.json").write_text("{}", encoding="utf-8")
        for patient, data in maps.items():
            path = part / f"{patient}.nii.gz"
            save(Image(data, GRID), path) if data.dtype == bool else save_probability(Image(data, GRID), path)
    return str(manifest)


def references(folder: Path, grid: Grid = GRID, **masks: NDArray[Any]) -> dict[str, str]:
    """Reference standards by patient, stored in another axis order than the maps."""
    paths = {patient: folder / "references" / f"{patient}.nii.gz" for patient in masks}
    for patient, path in paths.items():
        save(Image(masks[patient] > 0.5, Grid(grid.shape, grid.affine, "PSR")), path)
    return {patient: str(path) for patient, path in paths.items()}


@pytest.fixture
def folds(tmp_path: Path) -> list[str]:
    """Out-of-fold maps: STO1 is segmented too large at 0.3 and exactly at 0.6, GOT1 exactly at both."""
    return [
        publish(tmp_path / "fold0", STO1=voxels(0.8, 0.8, 0.4)),
        publish(tmp_path / "fold1", GOT1=voxels(0.7, 0.1), GOT2=voxels()),
    ]


@pytest.fixture
def manual(tmp_path: Path) -> dict[str, str]:
    return references(tmp_path, STO1=voxels(1, 1), GOT1=voxels(1), GOT2=voxels())


def damage(manifest: str, name: str) -> None:
    path = Path(manifest).parent / name
    path.write_bytes(path.read_bytes()[:-1])


# --- the files of several folders -------------------------------------------------------------------------------------


def test_images_of_several_folders_are_found_by_patient(tmp_path: Path, folds: list[str]) -> None:
    assert by_patient(folds) == {
        "STO1": tmp_path / "fold0" / "STO1.nii.gz",
        "GOT1": tmp_path / "fold1" / "GOT1.nii.gz",
        "GOT2": tmp_path / "fold1" / "GOT2.nii.gz",
    }


# --- threshold --------------------------------------------------------------------------------------------------------


def test_the_threshold_is_the_best_of_all_folds_and_each_folds_is_the_best_of_the_others(
    folds: list[str], manual: dict[str, str]
) -> None:
    patients = {0: ["STO1"], 1: ["GOT1", "GOT2"]}
    record, _ = threshold_record(folds, manual, patients, POSTPROCESSING, CLASSIFICATION)
    assert record["threshold"] == 0.6
    low, high = record["candidates"]
    # At 0.3 STO1 has 3 voxels of which 2 are tumour: Dice 2 * 2 / (3 + 2) = 0.8, GOT1 has 1; F1 is 1 at both.
    assert (low["threshold"], high["threshold"]) == (0.3, 0.6)
    assert low["mean_dice_of_detected"] == pytest.approx(0.9)
    assert low["score"] == pytest.approx(0.95)
    assert high["score"] == high["mean_dice_of_detected"] == high["f1"] == 1.0
    assert (low["patients"], low["detected"]) == (3, 2)
    # Fold 0 is judged by fold 1, where both candidates are equal and the first is taken.
    assert record["nested"] == {"0": 0.3, "1": 0.6}
    assert record["nested_performance"]["mean_dice_of_detected"] == pytest.approx(0.9)
    assert json.loads(json.dumps(record)) == record


def test_settings_of_postprocessing_and_classification_reach_the_choice(
    folds: list[str], manual: dict[str, str]
) -> None:
    patients = {0: ["STO1"], 1: ["GOT1", "GOT2"]}
    large = POSTPROCESSING.model_copy(update={"min_component_voxels": 2})
    record, _ = threshold_record(folds, manual, patients, large, CLASSIFICATION)
    assert [candidate["detected"] for candidate in record["candidates"]] == [1, 1]
    much = CLASSIFICATION.model_copy(update={"residual_tumor_ml": 1.5})
    record, _ = threshold_record(folds, manual, patients, POSTPROCESSING, much)
    assert [candidate["detected"] for candidate in record["candidates"]] == [1, 1]


def test_only_the_patients_named_are_judged(folds: list[str], manual: dict[str, str]) -> None:
    record, _ = threshold_record(folds, manual, {0: ["STO1"]}, POSTPROCESSING, CLASSIFICATION)
    assert [candidate["patients"] for candidate in record["candidates"]] == [1, 1]
    assert record["nested"] == {}


def test_a_reference_standard_on_another_grid_is_refused_with_the_patient(tmp_path: Path, folds: list[str]) -> None:
    small = Grid((6, 5, 4), np.diag([5.0, 10.0, 10.0, 1.0]))
    elsewhere = references(tmp_path, small, STO1=voxels(1, 1))
    with pytest.raises(ResiduaError, match=r"^patient STO1: STO1\.nii\.gz: .*10x10x10 mm.* 5x10x10 mm"):
        threshold_record(folds, elsewhere, {0: ["STO1"]}, POSTPROCESSING, CLASSIFICATION)


def test_a_damaged_map_is_refused_before_anything_is_chosen(folds: list[str], manual: dict[str, str]) -> None:
    damage(folds[1], "GOT1.nii.gz")
    with pytest.raises(DamagedStageError, match=r"fold1: 1 file.* GOT1\.nii\.gz\. Rebuild with: rm "):
        threshold_record(folds, manual, {0: ["STO1"]}, POSTPROCESSING, CLASSIFICATION)


# --- masks ------------------------------------------------------------------------------------------------------------


def test_every_map_gets_a_mask_stored_like_the_map(tmp_path: Path, folds: list[str]) -> None:
    out = tmp_path / "segmentations" / "manifest.json"
    with stage(out) as part:
        segment_all(folds, 0.6, POSTPROCESSING, part)
    assert verified(out).keys() == {"STO1.nii.gz", "GOT1.nii.gz", "GOT2.nii.gz"}
    for patient, expected in (("STO1", voxels(1, 1)), ("GOT1", voxels(1)), ("GOT2", voxels())):
        np.testing.assert_array_equal(load(out.parent / f"{patient}.nii.gz").data, expected)
    mask, probability = (nib.load(folder / "STO1.nii.gz") for folder in (out.parent, tmp_path / "fold0"))
    np.testing.assert_array_equal(mask.affine, probability.affine)
    np.testing.assert_array_equal(np.asarray(mask.dataobj), np.asarray(probability.dataobj) >= 0.6)
    assert mask.get_data_dtype() == np.uint8


def test_a_voxel_at_the_threshold_is_tumour_after_it_was_stored(tmp_path: Path) -> None:
    manifest = publish(tmp_path / "fold0", STO1=voxels(0.5, 0.4999))
    segment_all([manifest], 0.5, POSTPROCESSING, tmp_path / "out")
    np.testing.assert_array_equal(load(tmp_path / "out" / "STO1.nii.gz").data, voxels(1))


def test_small_components_are_removed(tmp_path: Path) -> None:
    manifest = publish(tmp_path / "fold0", STO1=voxels(1, 1, 0, 1))
    segment_all([manifest], 0.5, POSTPROCESSING.model_copy(update={"min_component_voxels": 2}), tmp_path / "out")
    np.testing.assert_array_equal(load(tmp_path / "out" / "STO1.nii.gz").data, voxels(1, 1))


def test_a_damaged_map_is_not_segmented(tmp_path: Path, folds: list[str]) -> None:
    damage(folds[0], "STO1.nii.gz")
    with pytest.raises(DamagedStageError, match=r"STO1\.nii\.gz"):
        segment_all(folds, 0.5, POSTPROCESSING, tmp_path / "out")
    assert not (tmp_path / "out").exists()


# --- metrics ----------------------------------------------------------------------------------------------------------


def cases(**folds_of: int | None) -> list[dict[str, Any]]:
    return [{"patient": p, "hospital": p[:3], "fold": fold} for p, fold in folds_of.items()]


def test_each_case_has_one_row_from_its_split(tmp_path: Path) -> None:
    segmentations = {
        "validation": publish(tmp_path / "validation", STO1=voxels(1, 1, 1) > 0, GOT1=voxels() > 0),
        "test": publish(tmp_path / "test", AMS1=voxels(0, 1) > 0, STO1=voxels(1) > 0),
    }
    manual = references(tmp_path, STO1=voxels(1, 1), GOT1=voxels(), AMS1=voxels(1))
    rows = measure_all(segmentations, manual, cases(GOT1=1, STO1=0, AMS1=None)).cases
    assert list(rows.columns) == ["split", "fold", "patient", "hospital", *METRICS]
    assert rows["patient"].tolist() == ["GOT1", "STO1", "AMS1"]
    assert rows["hospital"].tolist() == ["GOT", "STO", "AMS"]
    assert rows["split"].tolist() == ["validation", "validation", "test"]
    assert rows["fold"].dtype == "Int64"
    assert rows["fold"].tolist() == [1, 0, pd.NA]
    found = rows.set_index("patient")
    # STO1: 2 voxels of tumour, 3 segmented, 2 shared. AMS1: one voxel, segmented 10 mm beside it. GOT1: both empty.
    overlap = ["dice", "jaccard", "precision", "recall"]
    assert found.loc["STO1", overlap].tolist() == pytest.approx([0.8, 2 / 3, 2 / 3, 1])
    volumes = ["reference_ml", "predicted_ml", "absolute_volume_error_ml", "volume_error_ml", "relative_volume_error"]
    assert found.loc["STO1", volumes].tolist() == pytest.approx([2, 3, 1, 1, 0.5])
    assert found.loc["AMS1", ["dice", "hd95_mm", "assd_mm"]].tolist() == pytest.approx([0, 10, 10])
    assert found.loc["GOT1", ["dice", "hd95_mm", "precision"]].isna().all()
    assert found.loc["GOT1", ["reference_ml", "predicted_ml"]].tolist() == [0.0, 0.0]


def test_a_study_of_held_out_patients_alone_has_missing_folds(tmp_path: Path) -> None:
    segmentations = {"test": publish(tmp_path / "test", AMS1=voxels(1) > 0)}
    rows = measure_all(segmentations, references(tmp_path, AMS1=voxels(1)), cases(AMS1=None)).cases
    assert rows["fold"].dtype == "Int64"
    assert rows["fold"].isna().all()


def test_rows_come_back_from_parquet(tmp_path: Path) -> None:
    segmentations = {"test": publish(tmp_path / "test", AMS1=voxels(1) > 0)}
    rows = measure_all(segmentations, references(tmp_path, AMS1=voxels(1)), cases(AMS1=None)).cases
    rows.to_parquet(tmp_path / "rows.parquet", index=False)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "rows.parquet"), rows)


def test_a_mask_on_another_grid_than_its_reference_is_refused_with_the_patient(tmp_path: Path) -> None:
    segmentations = {"test": publish(tmp_path / "test", AMS1=voxels(1) > 0)}
    elsewhere = references(tmp_path, Grid((6, 5, 4), np.diag([10.0, 10.0, 9.0, 1.0])), AMS1=voxels(1))
    with pytest.raises(ResiduaError, match=r"^patient AMS1: AMS1\.nii\.gz: "):
        measure_all(segmentations, elsewhere, cases(AMS1=None))


def test_damaged_masks_are_not_measured(tmp_path: Path) -> None:
    segmentations = {"test": publish(tmp_path / "test", AMS1=voxels(1) > 0)}
    damage(segmentations["test"], "AMS1.nii.gz")
    with pytest.raises(DamagedStageError, match=r"AMS1\.nii\.gz"):
        measure_all(segmentations, references(tmp_path, AMS1=voxels(1)), cases(AMS1=None))
