"""What a constant surrounds, whatever the constant; whole heads are not taken for stripped ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from residua.brain.stripped import extract
from residua.cohort.checks.stripped import stripped_problems
from residua.images.background import body_of, looks_stripped
from residua.images.volumes import Grid, Image

SHAPE, SPACING_MM = (80, 96, 40), (2.5, 2.5, 5.0)
GRID = Grid(SHAPE, np.diag([*SPACING_MM, 1.0]))
Array = Any


def ellipsoid(*half_mm: float) -> Array:
    """Voxels of an ellipsoid in the middle of the grid."""
    places = [(np.arange(n) - (n - 1) / 2) * mm / half for n, mm, half in zip(SHAPE, SPACING_MM, half_mm, strict=True)]
    x, y, z = np.meshgrid(*places, indexing="ij")
    return x**2 + y**2 + z**2 <= 1


BRAIN, HEAD = ellipsoid(66, 80, 60), ellipsoid(82, 100, 88)
TEXTURE = ndimage.gaussian_filter(np.random.default_rng(1).normal(size=SHAPE), 1.0)
RING = ndimage.binary_dilation(BRAIN, iterations=12)
SCORES = np.where(BRAIN, (TEXTURE - TEXTURE[BRAIN].mean()) / TEXTURE[BRAIN].std(), 0.0).astype(np.float32)


def on(background: float, values: Array = SCORES) -> Array:
    return np.where(BRAIN, values, background).astype(np.float32)


def moved() -> Array:
    """A normalised scan, moved to another grid by software that fills the rest with 0."""
    turned = ndimage.rotate(on(-1.5) + 1.5, 20, axes=(0, 1), reshape=False, order=1) - 1.5
    inside = ndimage.rotate(np.ones(SHAPE), 20, axes=(0, 1), reshape=False, order=0) > 0.5
    return np.where(inside, turned, 0.0).astype(np.float32)


def hollow() -> Array:
    """A cavity within the brain that has the value of the background."""
    scan = on(0.0)
    scan[ellipsoid(12, 12, 12)] = 0.0
    return scan


def speckled() -> Array:
    """Marks in the corners that somebody drew into the background."""
    scan = on(0.0)
    scan[2:4, 2:4, 2] = scan[-3, -3, -3] = 9.0
    return scan


STRIPPED: dict[str, Callable[[], Array]] = {
    "zero": lambda: on(0.0, 800 + 200 * SCORES),
    "zero around scores, which cross it": lambda: on(0.0),
    "the lowest score": lambda: on(float(SCORES.min())),
    "a score within the brain's": lambda: on(-0.75),
    "a constant far below": lambda: on(-1000.0),
    "a constant above the brain": lambda: on(40.0),
    "scores as whole numbers": lambda: on(0.0, np.rint(SCORES)),
    "8-bit grey values": lambda: on(0.0, np.rint(np.clip(120 + 40 * SCORES, 1, 255))),
    "resampled by splines": lambda: on(0.0, 800 + 200 * SCORES) + np.random.default_rng(3).normal(0, 0.1, SHAPE) * RING,
    "a cavity": hollow,
    "marks in the corners": speckled,
}


@pytest.mark.parametrize("name", STRIPPED)
def test_the_body_is_the_brain_whatever_surrounds_it(name: str) -> None:
    image = Image(STRIPPED[name](), GRID)
    body = body_of(image)
    # Closing may fill the steps of a surface of voxels, and nothing else.
    assert not (body & ~ndimage.binary_dilation(BRAIN, np.ones((3, 3, 3)))).any()
    assert (body & ~BRAIN).sum() < 0.01 * BRAIN.sum()
    if name == "scores as whole numbers":
        assert (BRAIN & ~body).sum() < 0.03 * BRAIN.sum()
    else:
        assert not (BRAIN & ~body).any()
    assert np.array_equal(extract(image).data, body)
    assert looks_stripped(image)


@pytest.mark.parametrize("name", ["zero", "a score within the brain's", "a constant above the brain"])
def test_enhancing_tumor_on_the_surface_is_kept(name: str) -> None:
    tumor = BRAIN & ~ndimage.binary_erosion(BRAIN, iterations=2) & ellipsoid(30, 90, 70)
    scan = STRIPPED[name]()
    scan[tumor] += np.float32(4.0 * scan[BRAIN].std())
    assert body_of(Image(scan, GRID))[tumor].all()


def test_a_second_constant_around_the_first_is_background_too() -> None:
    image = Image(moved(), GRID)
    expected = ndimage.rotate(BRAIN.astype(float), 20, axes=(0, 1), reshape=False, order=1) > 0.5
    body = body_of(image)
    assert 2 * (body & expected).sum() / (body.sum() + expected.sum()) > 0.97
    assert looks_stripped(image)


def test_a_scan_cropped_to_the_brain_is_seen_as_one() -> None:
    box = ndimage.find_objects(BRAIN.astype(int))[0]
    grid = Grid(BRAIN[box].shape, GRID.affine)
    for background in (0.0, -0.75):
        image = Image(on(background)[box], grid)
        assert (body_of(image) != BRAIN[box]).sum() < 0.01 * BRAIN.sum()
        assert looks_stripped(image)


def test_a_slab_through_the_brain_is_seen_as_one() -> None:
    slab = (slice(None), slice(None), slice(14, 30))
    image = Image(on(0.0)[slab], Grid(BRAIN[slab].shape, GRID.affine))
    assert (body_of(image) != BRAIN[slab]).sum() < 0.01 * BRAIN.sum()
    assert looks_stripped(image)


def whole_head(air: Callable[[Array], Array]) -> Image:
    noise = np.abs(np.random.default_rng(2).normal(0, 15, SHAPE))
    shown = np.where(BRAIN, 600, np.where(HEAD, 300, 0)) + noise
    return Image(np.where(HEAD, shown, air(noise)).astype(np.float32), GRID)


@pytest.mark.parametrize("air", [lambda noise: noise, np.rint, np.zeros_like], ids=["noise", "whole numbers", "zero"])
def test_a_whole_head_is_not_taken_for_a_stripped_one(air: Callable[[Array], Array]) -> None:
    head = whole_head(air)
    assert not looks_stripped(head)
    volume_ml = extract(head).data.sum() * GRID.voxel_ml
    # Empty or as large as a head: both are failures of the patient.
    assert volume_ml == 0 or volume_ml > 2500


@pytest.mark.parametrize("value", [0.0, -3.0])
def test_an_image_of_one_value_shows_nothing(value: float) -> None:
    image = Image(np.full(SHAPE, value, np.float32), GRID)
    assert not extract(image).data.any()
    assert not looks_stripped(image)


def test_the_remark_is_one_for_all_and_follows_the_method() -> None:
    found = {f"STO{number}": number != 7 for number in range(1, 8)}
    for method in ("deepbet", "hd-bet", "agunet", "template"):
        (problem,) = stripped_problems(found, method)
        assert (problem.check, problem.severity) == ("scans-stripped", "warning")
        assert "6 of 7 reference scans look stripped already (STO1, STO2, STO3, STO4, STO5, …)" in problem.what
        assert "brain_mask.method: stripped" in problem.remedy
    (problem,) = stripped_problems(found, "stripped")
    assert (problem.check, problem.severity) == ("scans-not-stripped", "warning")
    assert "1 of 7 reference scans do not look stripped (STO7)" in problem.what
    assert stripped_problems(found, "given") == []
    assert stripped_problems({}, "deepbet") == []
