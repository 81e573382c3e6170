"""The simulated cohort: its truth, and the difference that the study is about."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage, stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from residua.errors import ResiduaError
from residua.images import volumes
from residua.images.volumes import Image
from residua.simulate.cohort import simulate_cohort
from residua.simulate.design import load_design
from residua.simulate.geometry import drawn_mask, sample
from residua.simulate.patient import simulate_patient
from residua.simulate.plan import planned
from residua.simulate.shift import draw_shift
from residua.simulate.surgery import levels
from residua.simulate.tissues import CODES
from residua.simulate.truth import read_itk, true_places
from residua.simulate.world import World, soft
from sharing import made_once

GTR_BELOW_ML = 0.175
MOVING = ("post_t1", "post_flair", "pre_t1ce")


def _rows(table: Path) -> list[dict[str, str]]:
    with table.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


@pytest.fixture(scope="module")
def cohort(micro_cohort: Path) -> Path:
    """The table of a micro cohort."""
    return micro_cohort / "cohort.tsv"


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, dict[str, str]]:
    """Patients of the demo's cohort with residual tumour, one of each hospital: their folder and row."""
    design = load_design("toy")
    first = {each.hospital: each for each in reversed(planned(24, design)) if each.residual_tumor and not each.rated}
    plan = list(first.values())

    def make(folder: Path) -> None:
        with ProcessPoolExecutor(2) as pool:
            of_each = [(folder / each.patient, 1, each, design) for each in plan]
            made = pool.map(simulate_patient, *zip(*of_each, strict=True))
            (folder / "rows.json").write_text(json.dumps([row for row, _ in made]))

    folder = made_once(tmp_path_factory, "toy", make)
    rows = json.loads((folder / "rows.json").read_text())
    return {folder / each.patient: row for each, row in zip(plan, rows, strict=True)}


def _volume_ml(mask: Image) -> float:
    return float(mask.data.sum()) * mask.grid.voxel_ml


# --- files ------------------------------------------------------------------------------------------------------------


def test_files_exist_and_labels_share_the_grid_of_their_images(cohort: Path) -> None:
    for row in _rows(cohort):
        for column in ("post_t1", "post_flair"):
            assert (cohort.parent / row[column]).is_file()
        reference = volumes.load(cohort.parent / row["post_t1ce"])
        assert max(reference.data.shape) < 60
        truth = [f"truth/{row['patient']}/{name}.nii.gz" for name in ("cavity", "blood", "tissues")]
        for file in (row["residual"], row["brain_mask"], *truth):
            volumes.require_same_grid(volumes.load(cohort.parent / file), reference, file)
        before = volumes.load(cohort.parent / row["pre_t1ce"])
        volumes.require_same_grid(volumes.load_mask(cohort.parent / row["pre_tumor"]), before, "pre_tumor")


def test_volumes_follow_the_plan(cohort: Path) -> None:
    plan = {each.patient: each.residual_tumor for each in planned(8, load_design("micro"))}
    lowest_ml = load_design("micro").disease.residual.lowest_ml
    for row in _rows(cohort):
        residual = volumes.load_mask(cohort.parent / row["residual"])
        volume_ml = _volume_ml(residual)
        assert volume_ml > lowest_ml - residual.grid.voxel_ml if plan[row["patient"]] else volume_ml < GTR_BELOW_ML


def _voxels(folder: Path) -> dict[str, bytes]:
    # Compressed files carry no time of writing: equal bytes are equal images.
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.nii.gz"))}


def test_patient_depends_on_the_seed_and_not_on_the_number_of_patients(cohort: Path, tmp_path: Path) -> None:
    more = simulate_cohort(tmp_path / "more", patients=7, processes=2, like="micro")
    few, many = _voxels(cohort.parent), _voxels(more.parent)
    assert few == {name: many[name] for name in few}
    assert more.read_text().startswith(cohort.read_text())
    design = load_design("micro")
    other, _ = simulate_patient(tmp_path / "other", 2, planned(8, design)[0], design)
    one, two = (volumes.load(folder / other["post_t1ce"]).data for folder in (cohort.parent, tmp_path / "other"))
    assert one.shape != two.shape or not np.array_equal(one, two)


# --- interrupted, continued, refused ----------------------------------------------------------------------------------


def test_killed_simulation_continues(cohort: Path, tmp_path: Path) -> None:
    out = tmp_path / "cohort"
    command = [
        str(Path(sys.executable).parent / "residua"),
        "simulate",
        "--like",
        "micro",
        "--patients",
        "6",
        "--out",
        str(out),
    ]
    begun = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)
    while not (done := sorted(out.glob("truth/*/rows.json"))):
        assert begun.poll() is None
        time.sleep(0.02)
    os.killpg(begun.pid, signal.SIGKILL)
    begun.wait()
    assert not (out / "cohort.tsv").exists()
    kept = {path: path.stat().st_mtime_ns for path in done}
    assert len(kept) < 6
    again = simulate_cohort(out, patients=6, like="micro")
    assert {path: path.stat().st_mtime_ns for path in done} == kept
    assert again.read_text() == cohort.read_text()
    assert _voxels(out) == _voxels(cohort.parent)
    assert not list(out.rglob(".writing-*"))


def test_larger_cohort_keeps_the_patients_of_a_smaller_one(cohort: Path, tmp_path: Path) -> None:
    shutil.copytree(cohort.parent, tmp_path, dirs_exist_ok=True)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/*/*") if path.name != "tissues.json"}
    told: list[tuple[int, int]] = []
    table = simulate_cohort(tmp_path, patients=7, like="micro", progress=lambda *each: told.append(each))
    assert len(_rows(table)) == 7
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert told == [(number, 7) for number in range(1, 8)]


def test_folder_with_another_seed_or_other_files_is_rejected_and_unchanged(cohort: Path, tmp_path: Path) -> None:
    shutil.copytree(cohort.parent, tmp_path / "mine")
    before = _voxels(tmp_path)
    with pytest.raises(ResiduaError, match="another seed, design or version"):
        simulate_cohort(tmp_path / "mine", patients=8, seed=2, like="micro")
    (tmp_path / "yours").mkdir()
    (tmp_path / "yours" / "thesis.tex").write_text("years")
    with pytest.raises(ResiduaError, match="not empty"):
        simulate_cohort(tmp_path / "yours", patients=8, like="micro")
    assert _voxels(tmp_path) == before
    assert [path.name for path in (tmp_path / "yours").iterdir()] == ["thesis.tex"]


# --- contrast ---------------------------------------------------------------------------------------------------------


def _on_the_reference(
    row: dict[str, str], folder: Path, sequence: str, where: NDArray[np.bool_], true: bool = True
) -> NDArray[np.float32]:
    """The voxels of a sequence at the reference's voxels in ``where``."""
    fixed = volumes.load(folder / row["post_t1ce"])
    if sequence == "post_t1ce":
        return np.asarray(fixed.data[where], dtype=np.float32)
    points = nib.affines.apply_affine(fixed.grid.affine, np.argwhere(where))
    if true:
        points = true_places(folder / "truth" / row["patient"], sequence, points)
    moving = volumes.load(folder / row[sequence])
    index = nib.affines.apply_affine(np.linalg.inv(moving.grid.affine), points).T
    return np.asarray(ndimage.map_coordinates(moving.data.astype(np.float32), index, order=1, mode="nearest"))


def test_only_t1_distinguishes_blood_from_tumor(toy: dict[Path, dict[str, str]]) -> None:
    """The article's reason for inputs B: a classifier of intensities, tried on hospitals that it has not seen."""
    features, kinds = [], []
    for folder, row in toy.items():
        truth = folder / "truth" / row["patient"]
        brain, tumor, blood = (
            volumes.load_mask(file).data
            for file in (folder / row["brain_mask"], folder / row["residual"], truth / "blood.nii.gz")
        )
        assert not (tumor & blood).any()
        seen = [
            _on_the_reference(row, folder, sequence, tumor | blood)
            / np.median(_on_the_reference(row, folder, sequence, brain))
            for sequence in ("post_t1ce", "post_flair", "post_t1")
        ]
        features.append(np.stack(seen, axis=1))
        kinds.append(blood[tumor | blood])
    values, kind = np.concatenate(features), np.concatenate(kinds)
    groups = np.repeat(np.arange(len(kinds)), [len(each) for each in kinds])
    classifier = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced"))

    def auc(*columns: int) -> float:
        told = cross_val_predict(
            classifier, values[:, columns], kind, groups=groups, cv=LeaveOneGroupOut(), method="decision_function"
        )
        return float(roc_auc_score(kind, told))

    # Chance is 0.5, with some play: six patients' remnants enhance each in their own way.
    told = {"T1w-CE": auc(0), "with FLAIR": auc(0, 1), "with T1w": auc(0, 2)}
    assert told["with T1w"] > 0.95, told
    assert max(told["T1w-CE"], told["with FLAIR"]) < 0.7, told


def test_blood_and_tumor_are_equally_large_and_frequent_where_there_is_residual_tumor() -> None:
    disease = load_design("table1").disease
    assert disease.blood == disease.residual
    rng = np.random.default_rng(0)
    volumes = np.array([disease.residual.draw(rng) for _ in range(4000)])
    assert 2.5 < volumes.mean() < 3.5  # the article's mean is 3 ml
    tumors = np.array([disease.tumor.draw(rng) for _ in range(4000)])
    assert 33.0 < tumors.mean() < 37.0  # and 35 ml before surgery
    assert stats.skew(tumors) > 1


TISSUES = ("csf", "gm", "wm", "fat", "cavity", "oedema", "tumor")


def _cores(row: dict[str, str], folder: Path) -> dict[str, NDArray[np.bool_]]:
    """Where each tissue is, away from its edge, where voxels hold several."""
    labels = volumes.load(folder / "truth" / row["patient"] / "tissues.nii.gz").data
    cores = {tissue: ndimage.binary_erosion(labels == CODES[tissue]) for tissue in TISSUES}
    return {tissue: core for tissue, core in cores.items() if core.sum() > 5}


def test_tissues_have_the_brightness_order_of_each_sequence(toy: dict[Path, dict[str, str]]) -> None:
    remnants = 0
    for folder, row in toy.items():
        cores = _cores(row, folder)
        plain, enhanced, flair = (
            {tissue: float(np.median(_on_the_reference(row, folder, sequence, core))) for tissue, core in cores.items()}
            for sequence in ("post_t1", "post_t1ce", "post_flair")
        )
        assert plain["csf"] < plain["gm"] < plain["wm"] < plain["fat"]
        assert plain["cavity"] < plain["oedema"] < plain["wm"]
        assert flair["csf"] < flair["wm"] < flair["gm"] < flair["oedema"]
        assert flair["cavity"] < flair["oedema"]
        if "tumor" in enhanced:
            remnants += 1
            assert enhanced["tumor"] > 1.2 * enhanced["wm"]
            assert plain["tumor"] < plain["wm"]
    assert remnants > 3


# --- transforms -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sequence", MOVING)
def test_true_transform_aligns_the_scans(cohort: Path, sequence: str) -> None:
    gains = []
    for row in _rows(cohort):
        brain = volumes.load_mask(cohort.parent / row["brain_mask"]).data
        # Around the brain, where skull and fluid are dark on all sequences, contrast tells how well edges meet.
        around = ndimage.binary_dilation(brain, iterations=3)
        reference, true, untrue = (
            _on_the_reference(row, cohort.parent, *each)
            for each in (("post_t1ce", around), (sequence, around), (sequence, around, False))
        )
        gains.append(np.corrcoef(reference, true)[0, 1] - np.corrcoef(reference, untrue)[0, 1])
    assert min(gains) > 0
    assert np.mean(gains) > 0.05


def test_brain_moves_into_the_cavity_and_not_at_the_skull(toy: dict[Path, dict[str, str]]) -> None:
    for folder, row in toy.items():
        truth = folder / "truth" / row["patient"]
        cavity, brain = volumes.load_mask(truth / "cavity.nii.gz"), volumes.load_mask(folder / row["brain_mask"]).data
        depth = ndimage.distance_transform_edt(brain, sampling=cavity.grid.spacing_mm)
        away = ndimage.distance_transform_edt(~cavity.data, sampling=cavity.grid.spacing_mm)
        centre = nib.affines.apply_affine(cavity.grid.affine, np.argwhere(cavity.data).mean(axis=0))

        def moved(where: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            points = nib.affines.apply_affine(cavity.grid.affine, np.argwhere(where))  # noqa: B023
            rigid = read_itk(truth / "pre_t1ce.tfm")  # noqa: B023
            before = nib.affines.apply_affine(
                np.linalg.inv(rigid),
                true_places(truth, "pre_t1ce", points),  # noqa: B023
            )
            return points, before - points

        points, vectors = moved((away > 0) & (away < 4) & (depth > 14))
        outwards = ((points - centre) * vectors).sum(axis=1)
        assert 0.5 < np.linalg.norm(vectors, axis=1).mean() < 3.5
        assert (outwards > 0).mean() > 0.9  # tissue beside the cavity came from further out
        assert np.abs(moved(~brain)[1]).max() < 0.6


def test_shift_never_folds_the_brain() -> None:
    world, rng = World(4.0), np.random.default_rng(0)
    brain_mm = world.ellipsoid((0.0, 0.0, 0.0), (65.0, 80.0, 60.0))
    for radius_mm, largest_mm in ((8.0, 5.0), (18.0, 5.0), (33.0, 5.0)):
        shift = draw_shift(world, rng, brain_mm, (30.0, 10.0, 10.0), radius_mm, largest_mm)
        slopes = np.stack([np.stack(np.gradient(shift.vectors[..., axis], 4.0), -1) for axis in range(3)], -2)
        assert np.linalg.det(np.eye(3) + slopes).min() > 0.1, radius_mm


def test_air_rises_to_the_front_and_blood_settles_behind() -> None:
    world = World(2.0)
    cavity = soft(world.distance_to((10.0, 0.0, 0.0)) - np.float32(18.0))
    always = load_design("toy").disease.model_copy(update={"air_probability": 1.0, "blood_level_probability": 1.0})
    low, high = always.level_share
    for trial in range(5):
        air, blood = levels(world, np.random.default_rng(trial), cavity, always)
        rows = np.broadcast_to(world.axes[1], world.shape)
        fluid = cavity - air - blood
        assert fluid.min() > -1e-6
        assert rows[air > 0.5].min() > rows[fluid > 0.99].max() - 2.1
        assert rows[blood > 0.5].max() < rows[fluid > 0.99].min() + 2.1
        for part in (air, blood):
            assert 0.5 * low < part.sum() / cavity.sum() < high + 0.1
    never = always.model_copy(update={"air_probability": 0.0, "blood_level_probability": 0.0})
    assert not np.any(levels(world, np.random.default_rng(0), cavity, never))


def test_small_structure_keeps_its_volume_on_thick_slices() -> None:
    world = World(1.0)
    volume_ml = 0.2
    share = soft(world.distance_to((0.0, 0.0, 0.0)) - np.float32((volume_ml * 3000.0 / (4.0 * np.pi)) ** (1.0 / 3.0)))
    for spacing_mm in ((0.45, 0.45, 5.5), (0.9, 5.0, 0.9), (1.0, 1.0, 1.0), (0.26, 0.26, 6.0)):
        affine = np.diag([*spacing_mm, 1.0])
        shape = tuple(round(40.0 / step) for step in spacing_mm)
        affine[:3, 3] = [-(n - 1) * step / 2.0 for n, step in zip(shape, spacing_mm, strict=True)]
        grid = volumes.Grid(shape, affine)
        drawn = drawn_mask(world, share, volume_ml, grid, np.eye(4))
        assert abs(drawn.sum() * grid.voxel_ml - volume_ml) <= grid.voxel_ml
        middle = nib.affines.apply_affine(affine, np.argwhere(drawn)).mean(axis=0)
        assert np.abs(middle).max() < 3.0


def test_thick_slice_is_the_mean_of_its_extent() -> None:
    world = World(2.0)
    picture = np.broadcast_to((world.axes[2] > 0.0).astype(np.float32), world.shape)
    affine = np.diag([2.0, 2.0, 8.0, 1.0])
    affine[:3, 3] = (-7.0, -6.0, -13.0)
    thick = sample(world, np.ascontiguousarray(picture), volumes.Grid((4, 4, 4), affine), np.eye(4))
    # Slices about -13, -5, 3 and 11 mm, 8 mm thick: the third reaches from -1 to 7 mm.
    np.testing.assert_allclose(thick[2, 2], [0.0, 0.0, 0.75, 1.0], atol=0.13)
