"""The heads that the brain model is trained on: plausible, all different, and the same again for the same number."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cohort_tables import ROOT
from residua.brain_model.head import STATES, TrainingHead, build_training_head
from residua.brain_model.look import draw_look
from residua.brain_model.pose import BRAIN_ML, draw_pose, lattice
from residua.brain_model.samples import HELD_OUT, TRAINING, scan_of, slabs_of, slabs_of_batch
from residua.brain_model.scan import draw_scanning
from residua.brain_model.settings import HeadsSettings, load_brain_model
from residua.brain_model.skull_base import skull_base
from residua.brain_model.store import BRAINS, VALUES, StoredSlabs, numbers_of_epoch, write_slabs
from residua.errors import ResiduaError
from residua.images.volumes import Image
from residua.settings.yaml_file import read_settings
from residua.simulate.design import load_design
from residua.simulate.world import World

COARSE = HeadsSettings(
    heads=4, held_out_heads=4, heads_per_job=2, views=2, world_mm=4.0, random_contrast=0.3, real_brain=0.3, seed=3
)
"""Heads of coarse points take a tenth of the time."""
SHAPE = (48, 36, 16)


@pytest.fixture(scope="module")
def scans() -> list[tuple[Image, Image]]:
    return [scan_of(COARSE, HELD_OUT, number, 64) for number in range(10)]


def test_what_is_wrong_with_the_machine_is_told_before_it_is_asked_for() -> None:
    config = read_settings(ROOT / "src/residua/brain_model/brain_model.yaml")
    assert load_brain_model({**config, "machine": {"orphans": "cancel"}})
    with pytest.raises(ResiduaError, match=r"orphans: Input should be 'wait' or 'cancel'"):
        load_brain_model({**config, "machine": {"orphans": "kill"}})


@pytest.mark.parametrize("crop", [[128, 96, 8], [512, 192, 32], [256, 192, 4]])
def test_a_part_of_a_slab_has_its_levels(crop: list[int]) -> None:
    config = read_settings(ROOT / "src/residua/brain_model/brain_model.yaml")
    part = {**config["brain_model"], "features": [8, 16, 32, 64, 64], "crop": [128, 96, 32]}
    assert load_brain_model({"brain_model": part}).seen == (128, 96, 32)
    with pytest.raises(ResiduaError, match=r"is no part of a slab of \(256, 192, 32\) that is halved as often"):
        load_brain_model({"brain_model": {**part, "crop": crop}})


def standardised(brain: Image) -> NDArray[np.bool_]:
    """The brain in its box, whose longest side always has as many voxels: its shape without its size and place."""
    places = np.argwhere(brain.data) * brain.grid.spacing_mm
    scaled = (places - places.mean(axis=0)) / np.cbrt(brain.data.sum() * brain.grid.voxel_ml)
    counts, _ = np.histogramdd(scaled, bins=(20, 24, 20), range=[(-8.0, 8.0), (-10.0, 10.0), (-8.0, 8.0)])
    return np.asarray(counts > 0.3 * counts.max())


def test_brains_have_plausible_volumes_and_are_seen_or_cut_by_the_field_of_view(
    scans: list[tuple[Image, Image]],
) -> None:
    volumes_ml = [float(brain.data.sum()) * brain.grid.voxel_ml for _, brain in scans]
    # A field of view may cut the top or the bottom.
    assert all(0.8 * BRAIN_ML[0] < volume < 1.05 * BRAIN_ML[1] for volume in volumes_ml)
    assert max(volumes_ml) - min(volumes_ml) > 200
    for scan, brain in scans:
        assert np.isfinite(scan.data).all()
        assert scan.data[brain.data].std() > 0
        assert scan.grid.same_as(brain.grid)


def test_no_two_brains_have_one_shape(scans: list[tuple[Image, Image]]) -> None:
    shapes = [standardised(brain) for _, brain in scans]
    for one, other in combinations(shapes, 2):
        assert 2 * (one & other).sum() / (one.sum() + other.sum()) < 0.98


def test_a_pose_has_the_wanted_volume_and_never_folds() -> None:
    world = World(4.0)
    head = build_training_head(world, load_design("table1").disease, np.random.default_rng(5))
    for seed in range(4):
        pose = draw_pose(head.brain.brain_mm, world.step_mm, np.random.default_rng(seed))
        places = pose(lattice(np.full(3, 4.0), (36, 42, 36), np.zeros(3)))
        slopes = np.stack([np.stack(np.gradient(axis, 4.0)) for axis in places])
        volumes = np.linalg.det(np.moveaxis(slopes, (0, 1), (-2, -1)))
        # Half of the heads are mirrored.
        assert (np.sign(volumes) == np.sign(volumes.flat[0])).all()


def skull_mm(number: int) -> NDArray[np.floating[Any]]:
    """How far bone reaches from the brain in eight directions across the upper half of a head."""
    world = World(4.0)
    head = build_training_head(world, load_design("table1").disease, np.random.default_rng(number))
    # The first bone is the face's, the second the skull's.
    bone = [cover for tissue, cover in head.layers if tissue == "bone"][1] > 0.5
    x, y, z = np.broadcast_arrays(*world.axes)
    upper = (z > 10.0) & (z < 45.0) & (head.brain.brain_mm < 25.0)
    sectors = np.floor(np.arctan2(y - 15.0, x) / (np.pi / 4.0)).astype(int)
    distances = np.where(bone & upper, head.brain.brain_mm, -np.inf)
    return np.array([np.percentile(distances[(sectors == each) & (distances > 0)], 90) for each in range(-4, 4)])


def test_skulls_are_thick_and_thin_from_place_to_place_and_from_head_to_head() -> None:
    skulls = np.array([skull_mm(number) for number in range(6)])
    assert ((skulls > 2.0) & (skulls < 25.0)).all()
    assert (skulls.max(axis=1) / skulls.min(axis=1) > 1.35).sum() >= 5
    assert skulls.mean(axis=1).max() / skulls.mean(axis=1).min() > 1.3


def shown(head: TrainingHead, tissue: str) -> NDArray[np.floating[Any]]:
    """The share of each point in which a tissue is seen, after all layers that cover it."""
    cover = np.zeros(head.world.shape, np.float32)
    for name, share in head.layers:
        cover = cover * (1.0 - share) + share * (name == tissue)
    return cover


def test_frontal_lobes_lie_close_above_orbits() -> None:
    world = World(4.0)
    x, y, z = world.axes
    under_the_lobes = (np.abs(np.abs(x) - 25.0) < 10.0) & (np.abs(y - 54.0) < 8.0) & (z < -25.0)
    orbits = 0
    for number in range(6):
        head = build_training_head(world, load_design("table1").disease, np.random.default_rng(number))
        fat, eyes = shown(head, "fat"), shown(head, "eye")
        close = under_the_lobes & (head.brain.brain_mm > 3.0) & (head.brain.brain_mm < 12.0)
        orbits += int(fat[close].mean() > 0.25)
        assert 4.0 < eyes.sum() * world.point_ml < 20.0
        assert not eyes[head.brain.brain_mm < -4.0].any()
        sides = [eyes[:22].sum(), eyes[-22:].sum()]
        assert min(sides) > 0.3 * max(sides)
    # Under a thick skull they lie deeper.
    assert orbits >= 4


def test_orbits_and_sinuses_end_at_the_skin_and_at_the_bone_on_the_brain() -> None:
    world = World(4.0)
    brain_mm = world.ellipsoid((0.0, 0.0, 0.0), (60.0, 75.0, 50.0))
    below_the_skin = (world.ellipsoid((0.0, 0.0, -20.0), (70.0, 80.0, 60.0)) < 0).astype(np.float32)
    for number in range(4):
        layers = skull_base(world, np.random.default_rng(number), brain_mm, below_the_skin)
        assert {tissue for tissue, _ in layers} >= {"fat", "eye", "air", "bone", "marrow"}
        for _, share in layers:
            assert not share[below_the_skin == 0].any()
            assert not share[brain_mm < 1.0].any()


def test_slabs_come_again_for_the_same_number_and_differ_for_any_other() -> None:
    (first, brain), (second, _) = slabs_of(COARSE, TRAINING, 1, SHAPE)
    assert first.shape == brain.shape == SHAPE
    assert set(np.unique(brain)) <= {0, 1}
    (again, same), *_ = slabs_of(COARSE, TRAINING, 1, SHAPE)
    assert np.array_equal(first, again)
    assert np.array_equal(brain, same)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, slabs_of(COARSE, HELD_OUT, 1, SHAPE)[0][0])
    assert not np.array_equal(first, slabs_of(COARSE, TRAINING, 2, SHAPE)[0][0])


def test_a_batch_holds_its_heads_and_the_last_one_what_is_left() -> None:
    few = COARSE.model_copy(update={"held_out_heads": 3, "heads_per_job": 2})
    expected = slabs_of(few, HELD_OUT, 2, SHAPE)
    found = slabs_of_batch(few, "held_out", 1, SHAPE)
    assert len(found) == len(expected)
    for pair, other in zip(found, expected, strict=True):
        assert all(np.array_equal(*arrays) for arrays in zip(pair, other, strict=True))


def test_slabs_are_normalised_over_their_whole_scan() -> None:
    slabs = [values for number in range(3) for values, _ in slabs_of(COARSE, TRAINING, number, SHAPE)]
    assert all(abs(float(values.mean())) < 1.5 and 0.1 < float(values.std()) < 3.0 for values in slabs)


def test_coarse_slabs_are_averages_as_prediction_makes_them_of_scans() -> None:
    both = [slabs_of(COARSE, TRAINING, 7, shape) for shape in ((192, 144, 16), (48, 36, 16))]
    for (fine, _), (coarse, _) in zip(*both, strict=True):
        noise = np.median(np.abs(fine[::2] - fine[1::2])) / np.sqrt(2)
        assert noise > 0.1
        # Averages of 4 and of 16 differ by half as much as a voxel from the average of 16.
        apart = coarse - fine.reshape(48, 4, 36, 4, 16).mean(axis=(1, 3))
        assert np.median(np.abs(apart)) < 0.7 * noise


def test_fine_slabs_are_interpolated_from_the_voxels_of_a_scan() -> None:
    ((values, _), *_) = slabs_of(COARSE, TRAINING, 1, (512, 384, 8))
    steps = np.abs(np.diff(values, axis=0))
    # Between two voxels of the scan every step is as large as the next; noise of each point alone would differ by more.
    assert np.median(np.abs(np.diff(steps, axis=0))) < 0.5 * np.median(steps)


def test_scans_vary_from_thin_to_thick_slices_and_show_disease() -> None:
    drawn = [draw_scanning(np.random.default_rng(seed)) for seed in range(60)]
    assert min(how.slice_mm for how in drawn) < 1.2
    assert max(how.slice_mm for how in drawn) > 6.5
    head = build_training_head(World(4.0), load_design("table1").disease, np.random.default_rng(2))
    look = draw_look(np.random.default_rng(2), 0.0)
    pictures: list[NDArray[Any]] = [head.picture(look, state, real=False) for state in STATES]
    pictures.append(head.picture(look, "whole", real=True))
    assert all(not np.array_equal(one, other) for one, other in combinations(pictures, 2))
    # The brain of the template's map lies in the brain alone.
    changed = pictures[0] != pictures[3]
    assert changed.any()
    assert not changed[head.brain.brain_mm > 2.0].any()


def test_random_looks_follow_no_physics() -> None:
    def brighter(share: float) -> int:
        looks = [draw_look(np.random.default_rng(seed), share) for seed in range(40)]
        return sum(look["wm"] > look["csf"] for look in looks)

    assert brighter(0.0) == 40
    assert 8 < brighter(1.0) < 32


def test_stored_slabs_are_read_as_written_and_others_refused(tmp_path: Path) -> None:
    slabs = slabs_of(COARSE, TRAINING, 1, SHAPE)
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder, (slab) in zip(folders, slabs, strict=True):
        folder.mkdir()
        write_slabs([slab], folder)
    stored = StoredSlabs(folders, SHAPE)
    assert len(stored) == 2
    values, brain = stored[1]
    assert np.allclose(values, slabs[1][0], rtol=1e-3, atol=1e-3)
    assert np.array_equal(brain, slabs[1][1])
    with pytest.raises(
        ResiduaError, match=r"a/values.npy: holds slabs of \(48, 36, 16\) voxels, and the training takes"
    ):
        StoredSlabs(folders, (48, 36, 32))
    (tmp_path / "b" / BRAINS).write_bytes(b"cut")
    with pytest.raises(ResiduaError, match=r"b/brains.npy: these slabs cannot be read .*; make them again"):
        StoredSlabs(folders, SHAPE)
    (tmp_path / "a" / VALUES).unlink()
    with pytest.raises(ResiduaError, match=r"a/values.npy: these slabs cannot be read"):
        StoredSlabs(folders, SHAPE)


def test_every_slab_comes_once_before_any_comes_again() -> None:
    seen = [number for epoch in range(5) for number in numbers_of_epoch(10, 4, seed=1, epoch=epoch)]
    assert sorted(seen[:10]) == sorted(seen[10:]) == list(range(10))
    assert seen[:10] != seen[10:]
