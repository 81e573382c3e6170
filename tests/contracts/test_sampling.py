"""Channels prepared in two steps and by one interpolation, for every network, from files stored in every way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from preparation_cases import (
    CHANNELS,
    NETWORKS,
    RADIUS_MM,
    STORINGS,
    SUBJECTS,
    Storing,
    Subject,
    Voxels,
    brain_of,
    place,
    ramp,
    write_all,
)
from scipy import ndimage

from environments import python_in
from residua.images.volumes import Grid, Image
from residua.networks.nnunet.settings import NnUNetPreparation
from residua.networks.registry import target_grid_of
from residua.preparation.brain_crop import Crop, brain_crop, mask_on

HERE = Path(__file__).parent
ENVIRONMENTS = {"nnunet": "torch", "agunet": "tensorflow"}
WAYS = ("paper", "composed")
SHAPES = """
import json, sys
from nnunetv2.preprocessing.resampling.default_resampling import compute_new_shape
print(json.dumps([[int(n) for n in compute_new_shape(*each)] for each in json.loads(sys.argv[1])]))
"""

subjects = pytest.mark.parametrize("subject", SUBJECTS, ids=[subject.name for subject in SUBJECTS])
networks = pytest.mark.parametrize("arch", sorted(NETWORKS))


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Every case, sampled and prepared in both ways; what was found about smoothing."""
    folder = tmp_path_factory.mktemp("cases")
    write_all(folder)
    done = python_in("core", str(HERE / "sampling_check.py"), str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    record: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    for arch, environment in ENVIRONMENTS.items():
        done = python_in(environment, str(HERE / "prepared_check.py"), arch, str(folder))
        assert done.returncode == 0, done.stdout + done.stderr
    return folder, record


def prepared(folder: Path, subject: Subject, arch: str, storing: Storing = STORINGS[0]) -> dict[str, Voxels]:
    """The prepared channels of a case by ``paper-{channel}`` and ``composed-{channel}``."""
    with np.load(folder / f"{subject.name}-{storing.name}" / f"prepared-{arch}.npz") as stored:
        return {name: stored[name].astype(np.float64) for name in stored.files}


def crop_of(subject: Subject) -> Crop:
    return brain_crop(Image(brain_of(subject), subject.reference), subject.name)


def target_of(subject: Subject, arch: str) -> Grid:
    return target_grid_of(arch, NETWORKS[arch])(crop_of(subject))


def inner(subject: Subject, arch: str) -> Voxels:
    """The target grid's voxels that lie three or more inside the brain's edge."""
    brain = mask_on(target_of(subject, arch), Image(brain_of(subject), subject.reference))
    return np.asarray(ndimage.binary_erosion(brain, iterations=3))


@subjects
def test_nnunet_reads_grey_values_in_whole_steps(cases: tuple[Path, dict[str, Any]], subject: Subject) -> None:
    """The steps are far below what a scanner tells apart, and leave nothing outside of the brain of what splines do."""
    channels = prepared(cases[0], subject, "nnunet")
    for name in ("paper-reference", "paper-moving", "composed-moving"):
        steps = channels[name] * 2**18
        assert np.array_equal(steps, np.rint(steps)), name
        assert np.unique(steps).size > 1000, name


def test_a_moving_scan_is_stripped_as_its_whole_registered_image(cases: tuple[Path, dict[str, Any]]) -> None:
    """To the bit, whatever the interpolation and however the files are stored."""
    alike = cases[1]["stripped_alike"]
    assert len(alike) == len(SUBJECTS) * len(STORINGS)
    assert all(found == {"lanczosWindowedSinc": True, "linear": True} for found in alike.values()), alike


@networks
@pytest.mark.parametrize("way", WAYS)
def test_a_ramp_comes_out_as_the_ramp_at_the_target_grids_voxel_centres(
    cases: tuple[Path, dict[str, Any]], arch: str, way: str
) -> None:
    subject = SUBJECTS[0]
    found = prepared(cases[0], subject, arch)[f"{way}-ramp"]
    expected = ramp(place(target_of(subject, arch))) - ramp(place(crop_of(subject).divided((1, 1, 1)))).item()
    assert found.shape == expected.shape
    # At its edge a volume does not know how a ramp goes on: a cubic spline forgets that within seven voxels. Both
    # networks subtract the mean, which is the middle's value, and divide by a standard deviation, which is fitted.
    middle = (slice(7, -7),) * 3
    found, expected = found[middle], expected[middle]
    scale = (found * expected).sum() / (found**2).sum()
    assert np.abs(scale * found - expected).max() < 1e-3


@networks
@pytest.mark.parametrize("channel", ["reference", "moving"])
@pytest.mark.parametrize("subject", SUBJECTS[:2], ids=[subject.name for subject in SUBJECTS[:2]])
def test_both_ways_agree_inside_the_brain_on_a_picture_without_detail(
    cases: tuple[Path, dict[str, Any]], subject: Subject, arch: str, channel: str
) -> None:
    found = prepared(cases[0], subject, arch)
    inside = inner(subject, arch)
    assert inside.sum() > 1000
    one, other = (found[f"{way}-{channel}"][inside] for way in WAYS)
    # AGU-Net normalises over its whole cube, and so over the brain's edge, where the two ways differ.
    one, other = ((values - values.mean()) / values.std() for values in (one, other))
    # Linear interpolation between voxels h mm apart misses at most h²/8 of a second derivative, which for the
    # shortest waves here, along z at 4 mm, is 0.03; cubic splines and a second interpolation miss as little.
    assert np.abs(one - other).max() < 0.06
    assert np.sqrt(((one - other) ** 2).mean()) < 0.02


@networks
@subjects
@pytest.mark.parametrize("label", ["residual", "moving_label"])
def test_a_sampled_label_keeps_its_volume(
    cases: tuple[Path, dict[str, Any]], subject: Subject, arch: str, label: str
) -> None:
    found = prepared(cases[0], subject, arch)[f"composed-{label}"]
    assert set(np.unique(found)) <= {-1.0, 0.0, 1.0}
    volume_ml = (found > 0).sum() * target_of(subject, arch).voxel_ml
    assert volume_ml == pytest.approx(4 / 3 * np.pi * RADIUS_MM**3 / 1000, rel=0.05)


@networks
@subjects
@pytest.mark.parametrize("storing", STORINGS[1:], ids=[storing.name for storing in STORINGS[1:]])
def test_how_a_file_is_stored_changes_nothing_that_a_network_sees(
    cases: tuple[Path, dict[str, Any]], subject: Subject, arch: str, storing: Storing
) -> None:
    first, other = (prepared(cases[0], subject, arch, each) for each in (STORINGS[0], storing))
    assert len(first) == 2 * len(CHANNELS)
    for name, expected in first.items():
        # float32 headers place a turned volume within a thousandth of a voxel of where it was.
        np.testing.assert_allclose(other[name], expected, atol=1e-5, err_msg=name)


@networks
def test_nothing_of_the_mask_is_left_to_chance(cases: tuple[Path, dict[str, Any]], arch: str) -> None:
    subject = SUBJECTS[1]
    found = prepared(cases[0], subject, arch)["composed-reference"]
    outside = ~mask_on(target_of(subject, arch), Image(brain_of(subject), subject.reference))
    assert np.ptp(found[outside]) == 0 < np.ptp(found[~outside])


def test_smoothing_is_that_of_skimages_resize_and_leaves_what_becomes_finer(
    cases: tuple[Path, dict[str, Any]],
) -> None:
    record = cases[1]
    assert record["error"] < 1e-4 < 0.5 < record["without"]
    assert record["untouched"]
    assert record["turned"] < 1e-5


def test_a_hole_in_the_brain_and_a_label_on_an_unknown_grid_are_refused_by_name(
    cases: tuple[Path, dict[str, Any]],
) -> None:
    hole, elsewhere = cases[1]["refused"]
    assert hole == "patient P1: FOLDER/hole.nii.gz has NaN or infinite voxels in the brain; convert it again"
    assert elsewhere.startswith("FOLDER/moving_label.nii.gz: shape (50, 44, 24) and spacing 1.8x2x4 mm do not match")


def test_the_target_grid_of_nnunet_has_the_shape_that_nnunet_computes() -> None:
    rng = np.random.default_rng(2)
    shapes, own = rng.integers(15, 260, (200, 3)), rng.choice([0.45, 0.5, 0.9, 1.0, 1.25, 2.0, 5.0, 7.2], (200, 3))
    wanted = NnUNetPreparation(spacing_mm=(0.5, 0.5, 1.0), patch_size=(16, 16, 16))
    asked = [
        [shape.tolist(), spacing.tolist(), list(wanted.spacing_mm)] for shape, spacing in zip(shapes, own, strict=True)
    ]
    done = python_in("torch", "-c", SHAPES, json.dumps(asked))
    assert done.returncode == 0, done.stderr
    expected = json.loads(done.stdout.splitlines()[-1])
    target_grid = target_grid_of("nnunet", wanted)
    for (shape, spacing, _), there in zip(asked, expected, strict=True):
        grid = Grid(tuple(shape), np.diag([*spacing, 1.0]))
        x, y, z = (slice(0, n) for n in shape)
        assert list(target_grid(Crop(grid, (x, y, z))).shape) == there
