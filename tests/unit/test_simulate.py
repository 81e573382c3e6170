"""The simulated cohort: its plan, its truth, and the difference that the study is about."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage, stats

from residua import images
from residua.errors import ResiduaError
from residua.images import Image
from residua.simulate.cohort import simulate_cohort
from residua.simulate.geometry import read_itk
from residua.simulate.hospitals import planned
from residua.simulate.raters import RATERS, rate

GTR_BELOW_ML = 0.175


def _rows(table: Path) -> list[dict[str, str]]:
    with table.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A micro cohort."""
    return simulate_cohort(tmp_path_factory.mktemp("cohort"), patients=8, processes=1, like="micro")


def _volume_ml(mask: Image) -> float:
    return float(mask.data.sum()) * mask.grid.voxel_ml


def test_the_toy_plan_gives_every_fold_both_kinds() -> None:
    plan = planned(24)
    assert Counter(each.hospital.name for each in plan) == {
        "AMS": 8, "STO": 3, "GRO": 2, "MIL": 2, "SFR": 3, "PAR": 3, "GOT": 3,
    }  # fmt: skip
    assert sum(each.gross_total for each in plan if each.hospital.name == "AMS") == 3
    for fold in ({"STO"}, {"GRO", "MIL"}, {"SFR"}, {"PAR"}, {"GOT"}):
        assert {each.gross_total for each in plan if each.hospital.name in fold} == {True, False}


@pytest.mark.parametrize(("like", "least"), [("toy", 24), ("micro", 8)])
def test_more_patients_leave_the_first_ones_as_they_were(like: str, least: int) -> None:
    more = planned(least + 9, like)  # type: ignore[arg-type]
    assert more[:least] == planned(least, like)  # type: ignore[arg-type]
    assert len({each.patient for each in more}) == least + 9


@pytest.mark.parametrize(("like", "patients"), [("toy", 23), ("micro", 7)])
def test_too_few_patients_are_refused(tmp_path: Path, like: str, patients: int) -> None:
    with pytest.raises(ResiduaError, match="at least"):
        simulate_cohort(tmp_path, patients=patients, like=like)  # type: ignore[arg-type]


def test_files_exist_and_labels_lie_on_their_images(cohort: Path) -> None:
    for row in _rows(cohort):
        for column in ("post_t1", "post_flair"):
            assert (cohort.parent / row[column]).is_file()
        reference = images.load(cohort.parent / row["post_t1ce"])
        assert max(reference.data.shape) < 60
        for column in ("residual", "brain_mask"):
            images.require_same_grid(images.load_mask(cohort.parent / row[column]), reference, column)
        before = images.load(cohort.parent / row["pre_t1ce"])
        images.require_same_grid(images.load_mask(cohort.parent / row["pre_tumor"]), before, "pre_tumor")


def test_volumes_follow_the_plan(cohort: Path) -> None:
    plan = {each.patient: each.gross_total for each in planned(8, "micro")}
    for row in _rows(cohort):
        volume_ml = _volume_ml(images.load_mask(cohort.parent / row["residual"]))
        assert volume_ml < GTR_BELOW_ML if plan[row["patient"]] else volume_ml >= 0.4


def test_voxels_depend_on_the_seed_alone(cohort: Path, tmp_path: Path) -> None:
    again = simulate_cohort(tmp_path / "again", patients=8, processes=2, like="micro")
    other = simulate_cohort(tmp_path / "other", patients=8, processes=2, like="micro", seed=2)
    assert again.read_text() == cohort.read_text()
    for path in sorted(cohort.parent.rglob("*.nii.gz")):
        same = again.parent / path.relative_to(cohort.parent)
        assert np.array_equal(images.load(path).data, images.load(same).data), path
    for row in _rows(cohort):
        one, two = (images.load(table.parent / row["post_t1ce"]).data for table in (cohort, other))
        assert one.shape != two.shape or not np.array_equal(one, two)


def _on_the_reference(row: dict[str, str], folder: Path, sequence: str, true: bool) -> NDArray[np.float32]:
    moving = images.load(folder / row[sequence])
    fixed = images.load_grid(folder / row["post_t1ce"])
    movement = read_itk(folder / "truth" / row["patient"] / f"{sequence}.tfm") if true else np.eye(4)
    index = np.linalg.inv(moving.grid.affine) @ movement @ fixed.affine
    found = ndimage.affine_transform(
        moving.data, index[:3, :3], index[:3, 3], output_shape=fixed.shape, order=1, mode="nearest"
    )
    return np.asarray(found)


def _auc(positive: NDArray[np.float32], negative: NDArray[np.float32]) -> float:
    wins = stats.mannwhitneyu(positive, negative).statistic / (positive.size * negative.size)
    return float(max(wins, 1.0 - wins))


def test_t1_tells_blood_from_tumor_and_t1ce_does_not(cohort: Path) -> None:
    found: dict[str, list[NDArray[np.float32]]] = {f"{what}{seq}": [] for what in "tb" for seq in ("ce", "t1")}
    for row in _rows(cohort):
        brain = images.load_mask(cohort.parent / row["brain_mask"]).data
        tumor = images.load_mask(cohort.parent / row["residual"]).data
        blood = images.load_mask(cohort.parent / "truth" / row["patient"] / "blood.nii.gz").data
        assert not (tumor & blood).any()
        for name, voxels in (
            ("ce", images.load(cohort.parent / row["post_t1ce"]).data),
            ("t1", _on_the_reference(row, cohort.parent, "post_t1", true=True)),
        ):
            scaled = voxels / np.median(voxels[brain])
            found[f"t{name}"].append(scaled[tumor])
            found[f"b{name}"].append(scaled[blood])
    pooled = {name: np.concatenate(values) for name, values in found.items()}
    assert _auc(pooled["bt1"], pooled["tt1"]) > 0.9
    assert _auc(pooled["bce"], pooled["tce"]) < 0.7


@pytest.mark.parametrize("sequence", ["post_t1", "post_flair", "pre_t1ce"])
def test_the_true_transform_aligns(cohort: Path, sequence: str) -> None:
    for row in _rows(cohort):
        brain = images.load_mask(cohort.parent / row["brain_mask"]).data
        # Around the brain, where skull and fluid are dark on all sequences, contrast tells how well edges meet.
        around = ndimage.binary_dilation(brain, iterations=3)
        reference = images.load(cohort.parent / row["post_t1ce"]).data[around]
        true, untrue = (
            np.corrcoef(reference, _on_the_reference(row, cohort.parent, sequence, each)[around])[0, 1]
            for each in (True, False)
        )
        assert true > untrue + 0.05


def test_eight_raters_segment_the_holdout(cohort: Path) -> None:
    ratings = _rows(cohort.parent / "raters.tsv")
    assert {row["patient"] for row in ratings} == {"AMS001", "AMS002"}
    assert Counter(row["expertise"] for row in ratings) == {"novice": 8, "expert": 8}
    assert len({row["rater"] for row in ratings}) == 8
    for row in ratings:
        reference = images.load(cohort.parent / "images" / row["patient"] / "post_t1ce.nii.gz")
        images.require_same_grid(images.load_mask(cohort.parent / row["mask"]), reference, row["mask"])


def test_novices_agree_less_with_the_reference() -> None:
    residual, blood = np.zeros((2, 24, 24, 24), bool)
    residual[6:11, 6:11, 6:11] = residual[6:10, 16:20, 6:10] = True
    blood[16:20, 8:13, 12:16] = True
    dice: dict[str, list[float]] = {"novice": [], "expert": []}
    for trial in range(6):
        for number, rater in enumerate(RATERS):
            mask = rate(np.random.default_rng([trial, number]), rater, residual, blood, (2.0, 2.0, 2.0))
            dice[rater.expertise].append(2.0 * (mask & residual).sum() / (mask.sum() + residual.sum()))
    assert np.mean(dice["novice"]) + 0.1 < np.mean(dice["expert"]) < 0.97
