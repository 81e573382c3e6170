"""Two folders of masks, compared file by file."""

from __future__ import annotations

import math
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from residua.errors import ResiduaError
from residua.images.volumes import Grid, Image, save
from residua.metrics.folders import evaluate_folders
from residua.metrics.voxelwise import CaseMetrics

GRID = Grid((6, 5, 4), np.diag([1.0, 1.0, 2.0, 1.0]))


def _save(path: Path, voxels: int, grid: Grid = GRID, value: float = 1.0) -> None:
    data = np.zeros(grid.shape, dtype=np.float32)
    data[:voxels, 0, 0] = value
    save(Image(data, grid), path)


def test_one_row_a_case_with_all_metrics(tmp_path: Path) -> None:
    for case, (drawn, predicted) in {"p2": (2, 4), "p1": (0, 0)}.items():
        _save(tmp_path / "reference" / f"{case}.nii.gz", drawn)
        _save(tmp_path / "prediction" / f"{case}.nii.gz", predicted)
    (tmp_path / "prediction" / "notes.txt").write_text("not an image", encoding="utf-8")
    found = evaluate_folders(tmp_path / "reference", tmp_path / "prediction")
    assert list(found.columns) == ["case", *(field.name for field in fields(CaseMetrics))]
    assert found["case"].tolist() == ["p1", "p2"]
    assert math.isnan(found["dice"][0])
    row = found.iloc[1]
    assert (row["dice"], row["recall"], row["precision"]) == pytest.approx((2 / 3, 1.0, 0.5))
    assert (row["reference_ml"], row["predicted_ml"]) == pytest.approx((0.004, 0.008))


def test_masks_match_whatever_axis_order_and_suffix_they_are_stored_with(tmp_path: Path) -> None:
    _save(tmp_path / "reference" / "p.nii.gz", 3)
    _save(tmp_path / "prediction" / "p.nii.gz", 3, Grid(GRID.shape, GRID.affine, "LPS"), value=255)
    assert evaluate_folders(tmp_path / "reference", tmp_path / "prediction")["dice"].tolist() == [1.0]


def test_every_problem_is_listed_at_once(tmp_path: Path) -> None:
    shifted = GRID.affine.copy()
    shifted[0, 3] = 1.0
    for case in ("alone", "shifted", "smaller", "broken"):
        _save(tmp_path / "reference" / f"{case}.nii.gz", 2)
    _save(tmp_path / "prediction" / "stranger.nii.gz", 2)
    _save(tmp_path / "prediction" / "shifted.nii.gz", 2, Grid(GRID.shape, shifted))
    _save(tmp_path / "prediction" / "smaller.nii.gz", 2, Grid((6, 5, 3), GRID.affine))
    (tmp_path / "prediction" / "broken.nii.gz").write_bytes(b"nothing")
    with pytest.raises(ResiduaError) as raised:
        evaluate_folders(tmp_path / "reference", tmp_path / "prediction")
    lines = str(raised.value).splitlines()
    assert "5 problem(s)" in lines[0]
    assert len(lines) == 6
    for case, says in {
        "reference/alone": "no prediction has this name",
        "prediction/stranger": "no reference has this name",
        "prediction/shifted": "differs from that of the reference",
        "prediction/smaller": "shape (6, 5, 3)",
        "prediction/broken": "cannot be read",
    }.items():
        assert sum(f"{case}.nii.gz" in line and says in line for line in lines) == 1, case


@pytest.mark.parametrize("value", [-1.0, math.nan])
def test_what_is_no_mask_is_refused(tmp_path: Path, value: float) -> None:
    _save(tmp_path / "reference" / "p.nii.gz", 2)
    _save(tmp_path / "prediction" / "p.nii.gz", 2, value=value)
    with pytest.raises(ResiduaError, match=r"prediction/p.nii.gz: expected a mask of 0 and one positive value"):
        evaluate_folders(tmp_path / "reference", tmp_path / "prediction")


def test_noise_of_rounding_is_neither_a_label_nor_tumour(tmp_path: Path) -> None:
    mask = np.zeros(GRID.shape)
    mask[:2] = 1
    noisy = mask + 1e-6 * np.random.default_rng(0).choice([-1, 0, 1], mask.shape)
    for folder, voxels in (("reference", mask), ("prediction", noisy)):
        save(Image(voxels.astype(np.float32), GRID), tmp_path / folder / "case.nii.gz")
    (found,) = evaluate_folders(tmp_path / "reference", tmp_path / "prediction").to_dict("records")
    assert (found["dice"], found["hd95_mm"]) == (1.0, 0.0)


def test_several_labels_are_not_silently_merged(tmp_path: Path) -> None:
    data = np.zeros(GRID.shape, dtype=np.float32)
    data[0, 0, :3] = [1, 2, 4]
    save(Image(data, GRID), tmp_path / "reference" / "p.nii.gz")
    _save(tmp_path / "prediction" / "p.nii.gz", 2)
    with pytest.raises(ResiduaError, match="found 1, 2, 4 besides 0"):
        evaluate_folders(tmp_path / "reference", tmp_path / "prediction")


def test_a_folder_that_is_missing_or_empty_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ResiduaError, match="empty: holds no NIfTI file"):
        evaluate_folders(tmp_path / "empty", tmp_path / "empty")
    with pytest.raises(ResiduaError, match="absent: the folder does not exist"):
        evaluate_folders(tmp_path / "absent", tmp_path / "empty")


def test_two_files_of_one_case_are_refused(tmp_path: Path) -> None:
    for folder in ("reference", "prediction"):
        _save(tmp_path / folder / "p.nii.gz", 2)
    (tmp_path / "prediction" / "p.nii").write_bytes(b"")
    with pytest.raises(ResiduaError, match=r"the same case as p\.nii"):
        evaluate_folders(tmp_path / "reference", tmp_path / "prediction")
