"""Probability maps: what is lost when they are stored, and which are made again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from cohort_tables import snapshot
from residua.errors import ResiduaError
from residua.images.volumes import Grid, Image, load, save
from residua.networks.cases import PreparedCase
from residua.networks.contract import Output, Predictor
from residua.networks.prediction import LEVELS, predict_cases, save_member, save_probability
from residua.publishing.images import by_patient, members_by_patient
from residua.publishing.publish import stage
from residua.segmentation.masks import binarise

GRID = Grid((6, 5, 4), np.diag([1.0, 1.5, 2.0, 1.0]), "LPS")
CASES = [PreparedCase(patient, (Path(f"{patient}.b2nd"),)) for patient in ("STO1", "STO2", "GOT1")]


def stored(probability: NDArray[np.float32], folder: Path) -> NDArray[np.float32]:
    """What is read again of a map that was stored."""
    save_probability(Image(probability, GRID), folder / "map.nii.gz")
    return np.asarray(load(folder / "map.nii.gz").data)


def a_map(*values: float) -> NDArray[np.float32]:
    """``values``, then zeros."""
    probability = np.zeros(GRID.shape, dtype=np.float32)
    probability.flat[: len(values)] = values
    return probability


@settings(max_examples=40, deadline=None)
@given(values=st.lists(st.floats(0, 1, width=32), min_size=1, max_size=120))
def test_a_stored_probability_differs_by_at_most_half_a_step(
    tmp_path_factory: pytest.TempPathFactory, values: list[float]
) -> None:
    probability = a_map(*values)
    difference = np.abs(stored(probability, tmp_path_factory.mktemp("map")).astype(np.float64) - probability)
    assert difference.max() <= 3.1e-5


def test_the_largest_difference_really_is_half_a_step(tmp_path: Path) -> None:
    probability = a_map(*(np.arange(60) / 60 + 0.5 / LEVELS))
    difference = np.abs(stored(probability, tmp_path).astype(np.float64) - probability).max()
    assert 2.5e-5 < difference <= 3.1e-5


def test_every_threshold_of_a_power_of_two_is_stored_exactly(tmp_path: Path) -> None:
    values = [0.0, 0.5, 1.0, 0.25, 0.75, 1 / LEVELS, 1 - 1 / LEVELS]
    assert stored(a_map(*values), tmp_path).flat[: len(values)].tolist() == values


def test_rounding_beyond_the_ends_is_cut_off(tmp_path: Path) -> None:
    assert stored(a_map(-1e-7, 1.0000001, -0.5, 3.0), tmp_path).flat[:4].tolist() == [0.0, 1.0, 0.0, 1.0]


def test_a_map_keeps_its_grid_and_the_axis_order_of_the_reference(tmp_path: Path) -> None:
    probability = np.linspace(0, 1, 120, dtype=np.float32).reshape(GRID.shape)
    save_probability(Image(probability, GRID), tmp_path / "map.nii.gz")
    written = nib.load(tmp_path / "map.nii.gz")
    assert "".join(nib.aff2axcodes(written.affine)) == "LPS"
    assert written.get_data_dtype() == np.uint16
    assert load(tmp_path / "map.nii.gz").grid.same_as(GRID)
    np.testing.assert_allclose(load(tmp_path / "map.nii.gz").data, probability, atol=3.1e-5)


def test_a_map_is_small_on_disk(tmp_path: Path) -> None:
    noise = np.random.default_rng(3).normal(size=(48, 48, 48))
    logits = 60 * ndimage.gaussian_filter(noise, 3) + noise / 4 - 2
    probability = (1 / (1 + np.exp(-logits))).astype(np.float32)
    assert 0.1 < (probability > 0.5).mean() < 0.5
    image = Image(probability, Grid((48, 48, 48), np.eye(4)))
    save(image, tmp_path / "float32.nii.gz")
    save_probability(image, tmp_path / "map.nii.gz")
    assert (tmp_path / "map.nii.gz").stat().st_size < 0.6 * (tmp_path / "float32.nii.gz").stat().st_size


def test_a_map_with_nan_is_refused_and_not_stored_as_no_tumour(tmp_path: Path) -> None:
    with pytest.raises(ResiduaError, match="NaN"):
        save_probability(Image(a_map(0.2, float("nan")), GRID), tmp_path / "map.nii.gz")
    assert not (tmp_path / "map.nii.gz").exists()


class Counting(Predictor):
    """Two models, which predict everywhere the number of the case over 4, and 1/8 less and more.

    They break off at ``until``, after the second model.
    """

    def __init__(self, until: str = "") -> None:
        self.until, self.predicted = until, list[str]()

    def read(self, case: PreparedCase) -> str:
        return case.patient

    def outputs(self, given: str) -> Iterator[Output]:
        number = [known.patient for known in CASES].index(given) + 1
        for place in range(2):
            probability = np.full(GRID.shape, (number - 0.5 + place) / 4, dtype=np.float32)
            yield Output(lambda found=probability: found, lambda found: Image(found, GRID))
        if given == self.until:
            raise RuntimeError("power")
        self.predicted.append(given)


def ignore(done: int, total: int) -> None:
    """No progress is shown."""


def test_every_case_gets_a_map_and_progress_is_reported_before_each_and_at_the_end(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    predict_cases(Counting(), CASES, tmp_path, lambda done, total: told.append((done, total)))
    assert {path.name for path in tmp_path.iterdir()} == {"STO1.nii.gz", "STO2.nii.gz", "GOT1.nii.gz"}
    for number, case in enumerate(CASES, start=1):
        assert (load(tmp_path / f"{case.patient}.nii.gz").data == number / 4).all()
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_an_interrupted_prediction_keeps_finished_cases(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="power"):
        predict_cases(Counting(until="GOT1"), CASES, tmp_path, ignore)
    kept = snapshot(tmp_path)
    assert len(kept) == 2
    predictor = Counting()
    told: list[tuple[int, int]] = []
    predict_cases(predictor, CASES, tmp_path, lambda done, total: told.append((done, total)))
    assert predictor.predicted == ["GOT1"]
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]
    after = snapshot(tmp_path)
    assert {path: after[path] for path in kept} == kept
    assert len(after) == 3


def test_no_case_is_no_work(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    predict_cases(Counting(), [], tmp_path, lambda done, total: told.append((done, total)))
    assert told == [(0, 0)]
    assert list(tmp_path.iterdir()) == []


def of_member(probability: NDArray[np.float32], folder: Path) -> NDArray[np.float32]:
    """What is read again of a member's map."""
    save_member(Image(probability, GRID), folder / "member.nii.gz")
    return np.asarray(load(folder / "member.nii.gz").data)


@settings(max_examples=40, deadline=None)
@given(values=st.lists(st.floats(0, 1, width=32), min_size=1, max_size=120), step=st.integers(1, 200))
def test_a_members_map_is_at_most_a_step_lower_and_gives_the_same_mask_at_thresholds_of_whole_steps(
    tmp_path_factory: pytest.TempPathFactory, values: list[float], step: int
) -> None:
    probability = a_map(*values)
    found = of_member(probability, tmp_path_factory.mktemp("member"))
    lower = probability.astype(np.float64) - found
    assert lower.min() > -1e-6
    assert lower.max() < 0.005
    # Thresholds are written in decimal, and compared in float32.
    np.testing.assert_array_equal(binarise(found, step / 200), binarise(probability, step / 200))


def test_every_threshold_of_the_study_is_reached_by_itself_and_not_by_the_number_below(tmp_path: Path) -> None:
    thresholds = np.array([round(0.005 * step, 3) for step in range(1, 201)])
    at = thresholds.astype(np.float32)
    for values, reached in ((at, True), ((thresholds - 1e-5).astype(np.float32), False)):
        for part in range(0, 200, 100):
            found = of_member(a_map(*values[part : part + 100]), tmp_path).flat[:100]
            pairs = zip(found, thresholds[part : part + 100].tolist(), strict=True)
            assert [bool(binarise(np.array([value]), threshold)[0]) for value, threshold in pairs] == [reached] * 100


def test_a_members_map_with_nan_is_refused_and_rounding_is_cut_off(tmp_path: Path) -> None:
    with pytest.raises(ResiduaError, match="NaN"):
        save_member(Image(a_map(float("nan")), GRID), tmp_path / "member.nii.gz")
    assert of_member(a_map(-1e-7, 1.0000001, 3.0), tmp_path).flat[:3].tolist() == pytest.approx([0, 1, 1], abs=1e-6)


def test_a_members_map_is_smaller_than_the_ensembles(tmp_path: Path) -> None:
    noise = np.random.default_rng(3).normal(size=(48, 48, 48))
    probability = (1 / (1 + np.exp(-60 * ndimage.gaussian_filter(noise, 3) - noise / 4 + 5))).astype(np.float32)
    image = Image(probability, Grid((48, 48, 48), np.eye(4)))
    save_probability(image, tmp_path / "map.nii.gz")
    save_member(image, tmp_path / "member.nii.gz")
    assert (tmp_path / "member.nii.gz").stat().st_size < 0.4 * (tmp_path / "map.nii.gz").stat().st_size


def test_the_maps_of_members_lie_beside_the_mean_and_are_no_patients(tmp_path: Path) -> None:
    manifest = str(tmp_path / "ensemble" / "manifest.json")
    with stage(manifest) as part:
        predict_cases(Counting(), CASES, part, ignore, members=["fold0", "fold1"])
    assert list(by_patient([manifest])) == ["GOT1", "STO1", "STO2"]
    members = members_by_patient(manifest)
    assert {patient: list(files) for patient, files in members.items()} == {
        patient: ["fold0", "fold1"] for patient in ("GOT1", "STO1", "STO2")
    }
    assert load(by_patient([manifest])["STO2"]).data == pytest.approx(0.5)
    assert [float(load(file).data[0, 0, 0]) for file in members["STO2"].values()] == pytest.approx([0.375, 0.625])


def test_a_patient_whose_members_alone_were_written_is_predicted_again(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="power"):
        predict_cases(Counting(until="STO2"), CASES, tmp_path, ignore, members=["fold0", "fold1"])
    assert (tmp_path / "members/fold1/STO2.nii.gz").exists()
    predictor = Counting()
    predict_cases(predictor, CASES, tmp_path, ignore, members=["fold0", "fold1"])
    assert predictor.predicted == ["STO2", "GOT1"]


def test_one_model_out_of_fold_leaves_no_members(tmp_path: Path) -> None:
    manifest = str(tmp_path / "fold0" / "manifest.json")
    with stage(manifest) as part:
        predict_cases(Counting(), CASES, part, ignore)
    assert members_by_patient(manifest) == {}
