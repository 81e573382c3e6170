"""Extent of resection, classes and diameters: right values by hand, and ellipsoids of known axes."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from residua.images.volumes import Grid, Image
from residua.resection.classes import (
    RANO,
    is_complete,
    is_gross_total,
    raidionics_class,
    rano_class,
)
from residua.resection.diameters import Diameters, axial_diameters
from residua.resection.extent import extent_of_resection

Axes = tuple[float, float, float]


def test_the_extent_is_the_share_removed_in_percent() -> None:
    found = extent_of_resection([30.0, 30.0, 30.0, 0.5], [0.0, 1.5, 30.0, 0.4])
    assert found.tolist() == pytest.approx([100.0, 95.0, 0.0, 20.0])


def test_more_tumour_than_before_is_a_negative_extent() -> None:
    assert extent_of_resection([10.0, 0.1], [11.0, 5.0]).tolist() == pytest.approx([-10.0, -4900.0])


def test_the_extent_is_undefined_without_tumour_before_surgery() -> None:
    assert np.isnan(extent_of_resection([0.0, 0.0], [0.0, 2.0])).all()


def test_one_patient_is_an_array_without_axes() -> None:
    assert float(extent_of_resection(8.0, 2.0)) == 75.0
    assert np.isnan(float(extent_of_resection(0.0, 0.0)))


def test_several_masks_are_compared_with_one_volume_before_surgery() -> None:
    assert extent_of_resection(10.0, [0.0, 1.0, 2.0]).tolist() == [100.0, 90.0, 80.0]


@pytest.mark.parametrize("wrong", [-1.0, np.nan, np.inf])
def test_what_is_no_volume_is_refused(wrong: float) -> None:
    for pre, post in (([wrong], [1.0]), ([1.0], [wrong])):
        with pytest.raises(ValueError, match="finite number of ml"):
            extent_of_resection(pre, post)
    for judge in (rano_class, is_complete, lambda post: raidionics_class(1.0, post)):
        with pytest.raises(ValueError, match="finite number of ml"):
            judge([wrong])


@pytest.mark.parametrize(
    ("left_ml", "expected"),
    [(0.0, "1/2A"), (1e-6, "2B"), (0.175, "2B"), (1.0, "2B"), (1.01, "3A"), (5.0, "3A"), (5.01, "3B"), (90.0, "3B")],
)
def test_the_class_of_rano_goes_by_what_is_left(left_ml: float, expected: str) -> None:
    assert rano_class(left_ml).tolist() == expected


def test_a_rounded_header_moves_no_patient_over_a_limit() -> None:
    assert rano_class(1000 * float(np.float32(0.1)) ** 3).tolist() == "2B"
    assert rano_class(1000 * np.float64(np.float32(0.1)) ** 3 * 5).tolist() == "3A"


def test_a_biopsy_comes_from_the_clinic_alone() -> None:
    assert rano_class([0.0, 6.0, 6.0], biopsy=[True, True, False]).tolist() == ["4", "4", "3B"]
    assert "4" not in rano_class(np.geomspace(1e-3, 1e3, 50)).tolist()
    assert list(RANO) == ["1/2A", "2B", "3A", "3B", "4"]


def test_both_rules_of_a_complete_resection() -> None:
    left = [0.0, 0.001, 0.174, 0.175, 1.0]
    assert is_complete(left).tolist() == [True, False, False, False, False]
    assert is_gross_total(left, 0.175).tolist() == [True, True, True, False, False]


@pytest.mark.parametrize(
    ("pre_ml", "post_ml", "expected"),
    [
        (40.0, 0.0, "complete"),
        (40.0, 2.0, "near total"),
        (40.0, 2.1, "subtotal"),
        (400.0, 10.0, "near total"),
        (400.0, 10.1, "subtotal"),
        (40.0, 8.0, "subtotal"),
        (40.0, 8.1, "partial"),
        (400.0, 50.0, "subtotal"),
        (400.0, 50.1, "partial"),
        (40.0, 50.0, "partial"),
        (0.0, 0.0, None),
        (0.0, 1.0, None),
    ],
)
def test_the_class_of_raidionics_goes_by_percent_and_volume(
    pre_ml: float, post_ml: float, expected: str | None
) -> None:
    assert raidionics_class(pre_ml, post_ml).tolist() == expected


def ellipsoid(semi_axes: Axes, turned: Rotation, affine: NDArray[np.float64], half_mm: float = 34.0) -> Image:
    """An ellipsoid around the origin on a grid that holds it, whatever the grid's axes."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    x, y, z = (int(n) for n in 2 * np.ceil(half_mm / spacing) + 1)
    placed = affine.copy()
    placed[:3, 3] -= placed[:3, :3] @ ((np.array([x, y, z]) - 1) / 2)
    index = np.indices((x, y, z)).reshape(3, -1)
    points = placed[:3, :3] @ index + placed[:3, 3:]
    inside = (((turned.as_matrix().T @ points) / np.array(semi_axes)[:, None]) ** 2).sum(axis=0) <= 1
    return Image(inside.reshape(x, y, z), Grid((x, y, z), placed))


def section(semi_axes: Axes, turned: Rotation) -> Diameters:
    """The diameters of the axial section through the ellipsoid's middle, the largest of all its sections."""
    rotation = turned.as_matrix()
    form = rotation @ np.diag(1 / np.square(semi_axes)) @ rotation.T
    short, long = 2 / np.sqrt(np.linalg.eigvalsh(form[:2, :2])[::-1])
    return Diameters(float(long), float(short), float(long * short))


UPRIGHT = Rotation.identity()
TURNED = Rotation.from_euler("zyx", [35, 20, -30], degrees=True)
TILTED = Rotation.from_euler("xyz", [18, -9, 6], degrees=True)


def grid_axes(spacing: Axes, turned: Rotation = UPRIGHT) -> NDArray[np.float64]:
    affine = np.eye(4)
    affine[:3, :3] = turned.as_matrix() @ np.diag(spacing)
    return affine


@pytest.mark.parametrize("turned", [UPRIGHT, TURNED], ids=["upright", "turned"])
@pytest.mark.parametrize(
    "affine",
    [
        grid_axes((1.0, 1.0, 1.0)),
        grid_axes((0.5, 0.9, 3.0)),
        grid_axes((3.0, 0.7, 0.7)),
        grid_axes((1.0, 1.0, 1.0), TILTED),
        grid_axes((0.7, 0.7, 2.0), TILTED),
    ],
    ids=["isotropic", "axial", "sagittal", "tilted", "tilted-thick"],
)
def test_an_ellipsoid_has_the_diameters_of_its_axial_section(turned: Rotation, affine: NDArray[np.float64]) -> None:
    semi_axes = (24.0, 12.0, 9.0)
    found, true = axial_diameters(ellipsoid(semi_axes, turned, affine)), section(semi_axes, turned)
    # An end lies between two voxels: one voxel of the coarsest axis in the plane.
    close = 1.0 * max(np.linalg.norm(affine[:3, :3], axis=0)[:2])
    assert found.longest_mm == pytest.approx(true.longest_mm, abs=close)
    assert found.perpendicular_mm == pytest.approx(true.perpendicular_mm, abs=close)
    assert found.product_mm2 == found.longest_mm * found.perpendicular_mm


def test_the_plane_is_that_of_anatomy_and_not_of_the_voxels() -> None:
    """A rod from foot to head, scanned with a tilt, is as thin in the axial plane as it is."""
    tilted = axial_diameters(ellipsoid((5.0, 5.0, 30.0), UPRIGHT, grid_axes((1.0, 1.0, 1.0), TILTED)))
    assert tilted.longest_mm == pytest.approx(10.0, abs=1.0)
    in_the_plane = axial_diameters(ellipsoid((30.0, 5.0, 5.0), UPRIGHT, grid_axes((1.0, 1.0, 1.0), TILTED)))
    assert in_the_plane.longest_mm == pytest.approx(60.0, abs=1.0)


@pytest.mark.parametrize("stored", ["LPS", "PIR", "SAR"])
def test_the_order_in_which_voxels_are_stored_changes_nothing(stored: str) -> None:
    mask = ellipsoid((24.0, 12.0, 9.0), TURNED, grid_axes((1.0, 1.0, 1.0)))
    other = Image(mask.data, Grid(mask.grid.shape, mask.grid.affine, stored_as=stored))
    assert axial_diameters(other) == axial_diameters(mask)


def test_a_rim_is_measured_without_the_cavity_that_it_surrounds() -> None:
    y, x = np.indices((61, 61)) - 30
    radius = np.hypot(x, y)
    rim = ((radius >= 20) & (radius <= 24))[:, :, None]
    found = axial_diameters(Image(rim, Grid((61, 61, 1), np.eye(4))))
    # The longest chord of the ring touches its inner circle.
    assert found.longest_mm == pytest.approx(2 * np.sqrt(24**2 - 20**2), abs=1.5)
    assert found.perpendicular_mm <= found.longest_mm


def test_the_perpendicular_lies_in_the_piece_of_the_longest() -> None:
    plane = np.zeros((60, 60, 1), dtype=bool)
    plane[5:45, 10:14, 0] = True
    plane[50:55, 20:50, 0] = True
    found = axial_diameters(Image(plane, Grid((60, 60, 1), np.eye(4))))
    assert found.longest_mm == pytest.approx(np.hypot(40, 4), abs=1.0)
    assert found.perpendicular_mm < 6.0


def test_pieces_of_several_planes_do_not_add_up() -> None:
    mask = np.zeros((40, 40, 2), dtype=bool)
    mask[5:15, 5:9, 0] = True
    mask[15:35, 5:9, 1] = True
    assert axial_diameters(Image(mask, Grid(mask.shape, np.eye(4)))).longest_mm == pytest.approx(20.4, abs=1.0)


@pytest.mark.parametrize("affine", [grid_axes((0.5, 2.0, 1.0)), grid_axes((1.0, 1.0, 1.0), TILTED)])
def test_an_empty_mask_has_no_diameter_and_one_voxel_at_the_edge_has_its_own_size(affine: NDArray[np.float64]) -> None:
    mask = np.zeros((4, 4, 4), dtype=bool)
    assert axial_diameters(Image(mask, Grid(mask.shape, affine))) == Diameters(0.0, 0.0, 0.0)
    mask[0, 3, 0] = True
    found, spacing = axial_diameters(Image(mask, Grid(mask.shape, affine))), np.linalg.norm(affine[:3, :3], axis=0)
    assert 0.4 * spacing.min() <= found.perpendicular_mm <= found.longest_mm <= 1.2 * spacing.max()
