"""The members of an ensemble: their volumes, the disagreement as a map and as one number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from residua.images.volumes import Grid, Image, load
from residua.networks.prediction import save_member, save_probability
from residua.publishing.images import member_file
from residua.publishing.publish import read_json, stage
from residua.segmentation.members import compare_members, mean_pairwise_dice, spread
from residua.settings.postprocessing import Postprocessing

GRID = Grid((8, 8, 8), np.diag([1.0, 2.0, 2.5, 1.0]), "LPS")
SETTINGS = Postprocessing(thresholds=(0.5,), min_component_voxels=4, connectivity=26)


def cube(*sides: int) -> NDArray[np.bool_]:
    mask = np.zeros(GRID.shape, dtype=bool)
    mask[tuple(slice(0, side) for side in sides)] = True
    return mask


def compared(folder: Path, threshold: float = 0.5, **members: NDArray[np.float32]) -> Path:
    """The folder in which the members of one patient were compared."""
    manifest = folder / "ensemble" / "manifest.json"
    with stage(manifest) as part:
        for name, probability in members.items():
            save_member(Image(probability, GRID), part / member_file(name, "AMS1"))
        mean = np.mean(list(members.values()), axis=0, dtype=np.float32)
        save_probability(Image(mean, GRID), part / "AMS1.nii.gz")
    with stage(folder / "members" / "manifest.json") as part:
        compare_members(str(manifest), threshold, SETTINGS, part)
    return folder / "members"


def test_each_member_is_segmented_as_the_ensemble_is(tmp_path: Path) -> None:
    two, one = 0.9 * cube(2, 2, 2), 0.9 * cube(2, 2, 1)
    lone = one.copy()
    lone[7, 7, 7] = 0.9
    out = compared(tmp_path, fold0=two, fold1=one, fold2=lone)
    record = read_json(out / "AMS1.json")
    # A voxel is 5 mm³; a single voxel is less than the four that a component must have.
    assert record["members_ml"] == pytest.approx({"fold0": 0.04, "fold1": 0.02, "fold2": 0.02})
    assert record["mean_pairwise_dice"] == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)


def test_the_threshold_is_the_ensembles(tmp_path: Path) -> None:
    out = compared(tmp_path, threshold=0.3, fold0=0.4 * cube(2, 2, 2), fold1=0.295 * cube(2, 2, 2))
    assert read_json(out / "AMS1.json")["members_ml"] == pytest.approx({"fold0": 0.04, "fold1": 0.0})


def test_the_map_is_the_standard_deviation_on_the_grid_of_the_ensemble(tmp_path: Path) -> None:
    out = compared(tmp_path, fold0=0.9 * cube(2, 2, 2), fold1=0.1 * cube(4, 4, 4), fold2=0.5 * cube(2, 2, 2))
    found = load(out / "AMS1.nii.gz")
    assert found.grid.same_as(GRID)
    assert found.grid.stored_as == "LPS"
    assert found.data[0, 0, 0] == pytest.approx(np.std([0.9, 0.1, 0.5]), abs=0.002)
    assert found.data[3, 3, 3] == pytest.approx(np.std([0.0, 0.1, 0.0]), abs=0.002)
    assert found.data[7, 7, 7] == 0.0


def test_members_that_all_find_nothing_agree(tmp_path: Path) -> None:
    out = compared(tmp_path, fold0=0.1 * cube(2, 2, 2), fold1=0.0 * cube(1, 1, 1))
    record = read_json(out / "AMS1.json")
    assert record["members_ml"] == {"fold0": 0.0, "fold1": 0.0}
    assert record["mean_pairwise_dice"] == 1.0


def test_a_single_member_disagrees_with_nobody(tmp_path: Path) -> None:
    out = compared(tmp_path, fold0=0.9 * cube(2, 2, 2))
    assert read_json(out / "AMS1.json")["mean_pairwise_dice"] is None
    assert not load(out / "AMS1.nii.gz").data.any()


def test_every_pair_counts_once() -> None:
    masks = [cube(2, 2, 2), cube(2, 2, 1), cube(0, 0, 0)]
    assert mean_pairwise_dice(masks) == pytest.approx((2 / 3 + 0 + 0) / 3)
    assert mean_pairwise_dice([cube(3, 3, 3)] * 5) == 1.0


def test_the_spread_is_numpys_also_where_numbers_hardly_differ() -> None:
    rng = np.random.default_rng(1)
    maps = [(0.999 + 1e-3 * rng.random((5, 6, 7))).astype(np.float32) for _ in range(5)]
    np.testing.assert_allclose(spread(maps), np.std(np.array(maps, dtype=np.float64), axis=0), rtol=1e-3)
