"""Voxels at their place in the world, whatever the order in which a file stores its axes."""

from __future__ import annotations

import itertools
import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from cohort_tables import snapshot, write_image
from residua.errors import ResiduaError
from residua.images.volumes import Grid, Image, load, load_grid, load_mask, require_same_grid, save

SPACING = {"R": 0.9, "A": 1.2, "S": 3.0}
SHAPE = {"R": 4, "A": 5, "S": 6}
AXIS = {"L": ("R", -1), "R": ("R", 1), "P": ("A", -1), "A": ("A", 1), "I": ("S", -1), "S": ("S", 1)}
UPRIGHT, OBLIQUE = Rotation.identity(), Rotation.from_euler("zyx", [20, -15, 10], degrees=True)
AXIS_ORDERS = [
    "".join(codes) for axes in itertools.permutations(("RL", "AP", "SI")) for codes in itertools.product(*axes)
]


def stored(codes: str, rotation: Rotation = UPRIGHT) -> nib.Nifti1Image:
    """A volume whose first axis runs to ``codes[0]`` and so on; every voxel has its own value."""
    affine = np.eye(4)
    for column, code in enumerate(codes):
        axis, sign = AXIS[code]
        affine[:3, column] = rotation.as_matrix()[:, "RAS".index(axis)] * sign * SPACING[axis]
    affine[:3, 3] = (-90.0, 35.5, 12.25)
    shape = [SHAPE[AXIS[code][0]] for code in codes]
    return nib.Nifti1Image(np.arange(np.prod(shape), dtype=np.int16).reshape(shape), affine)


def places(data: NDArray[Any], affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """World coordinates (mm) of the voxels, in the order of the values that they hold."""
    index = np.argwhere(np.ones(data.shape))
    return np.asarray(nib.affines.apply_affine(affine, index))[np.argsort(data.ravel())]


def a_grid(**changes: Any) -> Grid:
    """A grid of 4x5x6 voxels of 1x1.5x2 mm."""
    return replace(Grid((4, 5, 6), np.diag([1.0, 1.5, 2.0, 1.0])), **changes)


def noise(shape: tuple[int, int, int] = (32, 32, 32)) -> NDArray[np.float32]:
    """Voxels that no compression makes small."""
    return np.random.default_rng(5).normal(size=shape).astype(np.float32)


@contextmanager
def full_disk_after(size: int) -> Iterator[None]:
    """No file can grow beyond ``size`` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_there_are_48_ways_to_store_a_volume() -> None:
    assert len(set(AXIS_ORDERS)) == 48
    assert {"RAS", "LAS", "LPS", "PSR", "ILA"} <= set(AXIS_ORDERS)


@pytest.mark.parametrize("rotation", [UPRIGHT, OBLIQUE], ids=["upright", "oblique"])
@pytest.mark.parametrize("codes", AXIS_ORDERS)
def test_every_voxel_is_loaded_in_ras_order_at_its_place_in_the_world(
    tmp_path: Path, codes: str, rotation: Rotation
) -> None:
    original = stored(codes, rotation)
    nib.save(original, tmp_path / "image.nii.gz")
    image = load(tmp_path / "image.nii.gz")
    assert image.data.shape == image.grid.shape == tuple(SHAPE.values())
    assert image.data.dtype == np.float32
    assert image.grid.spacing_mm == pytest.approx(tuple(SPACING.values()))
    assert image.grid.stored_as == codes
    directions = image.grid.affine[:3, :3] / image.grid.spacing_mm
    np.testing.assert_allclose(directions, rotation.as_matrix(), atol=1e-6)
    expected = places(np.asarray(original.dataobj), original.affine)
    np.testing.assert_allclose(places(image.data, image.grid.affine), expected, atol=1e-4)
    header_only = load_grid(tmp_path / "image.nii.gz")
    assert header_only.same_as(image.grid)
    assert header_only.stored_as == codes


@pytest.mark.parametrize("rotation", [UPRIGHT, OBLIQUE], ids=["upright", "oblique"])
@pytest.mark.parametrize("codes", AXIS_ORDERS)
def test_a_mask_made_from_an_image_overlays_its_file_voxel_by_voxel(
    tmp_path: Path, codes: str, rotation: Rotation
) -> None:
    original = stored(codes, rotation)
    nib.save(original, tmp_path / "image.nii.gz")
    image = load(tmp_path / "image.nii.gz")
    save(Image(image.data % 7 > 3, image.grid), tmp_path / "mask.nii.gz")
    mask = nib.load(tmp_path / "mask.nii.gz")
    np.testing.assert_array_equal(np.asarray(mask.dataobj), np.asarray(original.dataobj) % 7 > 3)
    np.testing.assert_allclose(mask.affine, original.affine, atol=1e-5)
    assert mask.get_data_dtype() == np.uint8
    assert mask.header.get_xyzt_units()[0] == "mm"


@pytest.mark.parametrize("codes", ["RAS", "LPS", "ILA"])
def test_a_saved_image_is_loaded_unchanged(tmp_path: Path, codes: str) -> None:
    image = Image(noise((4, 5, 6)), a_grid(stored_as=codes))
    save(image, tmp_path / "new" / "folder" / "image.nii.gz")
    again = load(tmp_path / "new" / "folder" / "image.nii.gz")
    np.testing.assert_array_equal(again.data, image.data)
    assert again.grid.same_as(image.grid)
    assert again.grid.stored_as == codes


def test_scaled_integers_are_stored_as_they_are_and_read_multiplied(tmp_path: Path) -> None:
    levels = np.arange(120, dtype=np.uint16).reshape(4, 5, 6) * 500
    save(Image(levels, a_grid(stored_as="LPS")), tmp_path / "plain.nii.gz")
    save(Image(levels, a_grid(stored_as="LPS")), tmp_path / "scaled.nii.gz", slope=0.25)
    scaled = nib.load(tmp_path / "scaled.nii.gz")
    assert scaled.get_data_dtype() == np.uint16
    np.testing.assert_array_equal(scaled.dataobj.get_unscaled(), levels[::-1, ::-1])
    np.testing.assert_array_equal(load(tmp_path / "scaled.nii.gz").data, levels * np.float32(0.25))
    np.testing.assert_array_equal(load(tmp_path / "plain.nii.gz").data, levels)


def test_slope_and_intercept_of_a_scanner_are_applied(tmp_path: Path) -> None:
    original = stored("LAS")
    original.header.set_slope_inter(2.5, -10)
    nib.save(original, tmp_path / "image.nii.gz")
    raw = np.arange(120).reshape(4, 5, 6)
    np.testing.assert_array_equal(load(tmp_path / "image.nii.gz").data, raw[::-1] * 2.5 - 10)


def test_a_label_is_what_lies_above_one_half(tmp_path: Path) -> None:
    values = np.array([0.0, 0.5, 0.51, 1.0], dtype=np.float32).reshape(4, 1, 1)
    mask = load_mask(write_image(tmp_path / "label.nii.gz", values))
    assert mask.data.dtype == bool
    assert mask.data.ravel().tolist() == [False, False, True, True]
    assert mask.grid.same_as(load_grid(tmp_path / "label.nii.gz"))


def test_a_save_that_fails_half_way_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "image.nii.gz"
    save(Image(np.ones((4, 5, 6), np.float32), a_grid()), path)
    before = snapshot(tmp_path)
    large = Image(noise(), a_grid(shape=(32, 32, 32)))
    with full_disk_after(20_000), pytest.raises(OSError, match="File too large"):
        save(large, path)
    assert snapshot(tmp_path) == before
    save(large, path)
    np.testing.assert_array_equal(load(path).data, large.data)


def test_a_first_save_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with full_disk_after(20_000), pytest.raises(OSError, match="File too large"):
        save(Image(noise(), a_grid(shape=(32, 32, 32))), tmp_path / "image.nii.gz")
    assert list(tmp_path.iterdir()) == []


def test_a_grid_knows_its_voxels_and_corners() -> None:
    grid = a_grid()
    assert grid.spacing_mm == (1.0, 1.5, 2.0)
    assert grid.voxel_ml == pytest.approx(0.003)
    corners = {tuple(corner) for corner in grid.corners_mm().tolist()}
    assert corners == set(itertools.product((0.0, 3.0), (0.0, 6.0), (0.0, 10.0)))
    turned = a_grid(affine=np.array([[0.0, -1.5, 0, 7], [1, 0, 0, 8], [0, 0, 2, 9], [0, 0, 0, 1]]))
    assert turned.spacing_mm == (1.0, 1.5, 2.0)
    assert turned.voxel_ml == pytest.approx(0.003)
    assert [1.0, 11.0, 19.0] in turned.corners_mm().tolist()


def test_a_grid_comes_back_from_json() -> None:
    grid = a_grid(affine=stored("PSR", OBLIQUE).affine, stored_as="PSR")
    again = Grid.from_json(json.loads(json.dumps(grid.to_json())))
    np.testing.assert_array_equal(again.affine, grid.affine)
    assert (again.shape, again.stored_as) == (grid.shape, grid.stored_as)


def _moved(millimetres: float) -> NDArray[np.float64]:
    affine = a_grid().affine.copy()
    affine[1, 3] += millimetres
    return affine


def _stretched(by: float) -> NDArray[np.float64]:
    affine = a_grid().affine.copy()
    affine[2, 2] += by
    return affine


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"stored_as": "LPS"}, True),
        # A twentieth of a voxel is 0.075 mm along y and 0.1 mm along z.
        ({"affine": _moved(0.074)}, True),
        ({"affine": _moved(-0.074)}, True),
        ({"affine": _moved(0.076)}, False),
        ({"affine": _moved(-0.076)}, False),
        # The sixth voxel lies five steps away, so that the far corners move by 0.099 and 0.101 mm.
        ({"affine": _stretched(0.0198)}, True),
        ({"affine": _stretched(0.0202)}, False),
        ({"affine": _moved(np.nan)}, False),
        ({"shape": (4, 5, 7)}, False),
        ({"shape": (4, 6, 5)}, False),
        # Twice as fine with the same corners.
        ({"shape": (7, 5, 6), "affine": np.diag([0.5, 1.5, 2.0, 1.0])}, False),
    ],
)
def test_grids_are_the_same_when_no_corner_is_a_twentieth_of_a_voxel_apart(changes: dict[str, Any], same: bool) -> None:
    assert a_grid().same_as(a_grid(**changes)) is same
    assert a_grid(**changes).same_as(a_grid()) is same


def test_an_image_off_the_reference_grid_is_named_with_both_grids_and_the_remedy() -> None:
    reference = Image(np.zeros((4, 5, 6), np.float32), a_grid())
    require_same_grid(reference, Image(reference.data, a_grid(stored_as="LPS")), "mask.nii.gz")
    coarse = Grid((4, 5, 3), np.diag([1.0, 1.5, 4.125, 1.0]))
    with pytest.raises(ResiduaError) as raised:
        require_same_grid(Image(np.zeros((4, 5, 3), np.float32), coarse), reference, "mask.nii.gz")
    assert str(raised.value) == (
        "mask.nii.gz: shape (4, 5, 3) and spacing 1x1.5x4.12 mm do not match the reference grid "
        "(shape (4, 5, 6), spacing 1x1.5x2 mm); resample it to the reference image"
    )


def test_the_message_on_a_displaced_image_names_the_displacement() -> None:
    reference = Image(np.zeros((4, 5, 6), np.float32), a_grid())
    with pytest.raises(ResiduaError, match=r"elsewhere in space, 1 mm apart\)"):
        require_same_grid(Image(reference.data, a_grid(affine=_moved(1.0))), reference, "mask.nii.gz")


def _mgh(path: Path) -> None:
    nib.save(nib.MGHImage(np.ones((4, 5, 6), np.float32), np.eye(4)), path.with_suffix(".mgz"))
    path.with_suffix(".mgz").rename(path)


@pytest.mark.parametrize("read", [load_grid, load, load_mask])
@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda path: None, "the file does not exist"),
        (lambda path: path.write_bytes(b""), "cannot be read as NIfTI ("),
        (lambda path: path.write_text("no image", encoding="utf-8"), "cannot be read as NIfTI ("),
        (_mgh, "cannot be read as NIfTI ("),
        (lambda path: path.mkdir(), "cannot be read as NIfTI ("),
        (
            lambda path: write_image(path, np.ones((4, 5, 6, 2))),
            "expected one 3D NIfTI volume, found shape (4, 5, 6, 2)",
        ),
        (lambda path: write_image(path, np.ones((4, 5))), "expected one 3D NIfTI volume, found shape (4, 5)"),
    ],
    ids=["missing", "empty", "text", "another format", "folder", "4D", "2D"],
)
def test_the_error_on_a_file_that_is_not_a_volume_names_it_with_the_reason(
    tmp_path: Path, read: Any, make: Any, what: str
) -> None:
    path = tmp_path / "image.nii.gz"
    make(path)
    with pytest.raises(ResiduaError) as raised:
        read(path)
    assert str(raised.value).startswith(f"{path}: {what}")


@pytest.mark.parametrize("direction", [(0, 0, 0), (1, 0, 0), (np.nan, 0, 0)], ids=["no", "the same", "not a number"])
def test_the_error_on_a_degenerate_affine_names_the_file(tmp_path: Path, direction: tuple[float, float, float]) -> None:
    affine = np.eye(4)
    affine[:3, 1] = direction
    header = nib.Nifti1Header()
    header.set_sform(affine, code=1)
    path = tmp_path / "image.nii.gz"
    nib.save(nib.Nifti1Image(np.ones((4, 5, 6), np.float32), None, header), path)
    np.testing.assert_array_equal(nib.load(path).affine, affine)
    with pytest.raises(ResiduaError) as raised:
        load(path)
    assert str(raised.value).startswith(f"{path}: the affine ")


def test_a_volume_of_another_format_is_refused_with_its_shape(tmp_path: Path) -> None:
    path = tmp_path / "image.mgz"
    nib.save(nib.MGHImage(np.ones((4, 5, 6), np.float32), np.eye(4)), path)
    with pytest.raises(ResiduaError, match=r"image\.mgz: expected one 3D NIfTI volume"):
        load(path)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nii.bz2"])
@pytest.mark.parametrize("write", [str.upper, str.title, str.swapcase])
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
def test_the_file_of_this_name_is_read_in_any_letter_case(tmp_path: Path, suffix: str, write: Any, kind: Any) -> None:
    """Asked for P1.Nii.Gz, nibabel opens P1.nii.gz: the image of another patient, or none."""
    path, other = tmp_path / f"P1{write(suffix)}", tmp_path / f"P1{suffix}"
    nib.save(kind(np.full((2, 3, 4), 7.0), np.eye(4)), other)
    other.rename(path)
    assert load(path).data.max() == 7.0
    nib.save(kind(np.zeros((2, 3, 5)), np.eye(4)), other)
    assert load_grid(path).shape == (2, 3, 4)
    assert load(path).data.max() == 7.0


@pytest.mark.parametrize("name", ["image.nii.gz", "image.nii"])
def test_a_truncated_file_has_a_grid_and_is_refused_for_its_voxels(tmp_path: Path, name: str) -> None:
    path = write_image(tmp_path / name, noise())
    path.write_bytes(path.read_bytes()[:40_000])
    assert load_grid(path).shape == (32, 32, 32)
    with pytest.raises(ResiduaError) as raised:
        load(path)
    assert str(raised.value).startswith(f"{path}: the voxels cannot be read, the file is truncated or damaged (")


@pytest.mark.parametrize("read", [load, load_mask])
@pytest.mark.parametrize("name", ["image.nii.gz", "image.nii.bz2"])
def test_any_changed_bit_of_a_compressed_file_is_refused(tmp_path: Path, name: str, read: Any) -> None:
    path = tmp_path / name
    nib.save(nib.Nifti1Image(noise((9, 10, 11)), np.eye(4)), path)
    whole = path.read_bytes()
    read(path)
    # gzip's own header of ten bytes holds a time and a name, and no checksum covers it.
    for place in [*range(10, len(whole) - 8, 151), len(whole) - 8]:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        with pytest.raises(ResiduaError, match=rf"image.*{name[-4:]}: "):
            read(path)
