"""Stripping and cropping by the brain mask, and the way back to the reference grid."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from residua.errors import ResiduaError
from residua.images.volumes import Grid, Image, load, save
from residua.preparation.brain_crop import Crop, crop_to_brain, mask_on
from residua.preparation.cases import ChannelCase
from residua.preparation.strip import strip

GRID = Grid((8, 9, 7), np.diag([1.0, 1.5, 2.0, 1.0]), "LPS")
HEAD = np.arange(1, 505, dtype=np.float32).reshape(8, 9, 7)


def a_brain() -> NDArray[np.bool_]:
    """Two pieces, whose box is [2:6, 1:8, 3:5]."""
    brain = np.zeros(GRID.shape, dtype=bool)
    brain[2:4, 1:5, 3] = brain[5, 5:8, 4] = True
    return brain


def a_case(folder: Path, head: NDArray[np.float32] = HEAD, brain: NDArray[np.bool_] | None = None) -> ChannelCase:
    """Patient STO1, whose channel and brain mask are written into ``folder``, in different axis orders."""
    save(Image(head, GRID), folder / "head.nii.gz")
    mask = a_brain() if brain is None else brain
    save(Image(mask, Grid(GRID.shape, GRID.affine, "PSR")), folder / "brain.nii.gz")
    return ChannelCase("STO1", folder / "head.nii.gz", folder / "brain.nii.gz")


def displaced(case: ChannelCase) -> ChannelCase:
    """The case, its brain mask moved by a millimetre."""
    mask = nib.load(case.brain)
    affine = mask.affine.copy()
    affine[0, 3] += 1.0
    nib.save(nib.Nifti1Image(np.asarray(mask.dataobj), affine), case.brain)
    return case


def test_stripping_keeps_the_brain_as_it_is_and_sets_the_rest_to_zero(tmp_path: Path) -> None:
    strip(a_case(tmp_path), tmp_path / "stripped.nii.gz")
    stripped = load(tmp_path / "stripped.nii.gz")
    np.testing.assert_array_equal(stripped.data[a_brain()], HEAD[a_brain()])
    assert not stripped.data[~a_brain()].any()


def test_a_stripped_channel_is_stored_like_its_image_and_not_like_the_mask(tmp_path: Path) -> None:
    case = a_case(tmp_path)
    strip(case, tmp_path / "stripped.nii.gz")
    original, stripped = nib.load(case.channel), nib.load(tmp_path / "stripped.nii.gz")
    assert stripped.shape == original.shape
    np.testing.assert_array_equal(stripped.affine, original.affine)
    assert stripped.get_data_dtype() == np.float32


def test_values_outside_the_brain_that_are_not_finite_become_zero(tmp_path: Path) -> None:
    head = np.where(a_brain(), HEAD, np.float32(np.nan))
    strip(a_case(tmp_path, head), tmp_path / "stripped.nii.gz")
    assert not load(tmp_path / "stripped.nii.gz").data[~a_brain()].any()


def test_a_mask_elsewhere_is_refused_with_the_name_of_the_channel(tmp_path: Path) -> None:
    case = displaced(a_case(tmp_path))
    with pytest.raises(ResiduaError, match=r"head\.nii\.gz: shape \(8, 9, 7\) .* do not match the reference grid"):
        strip(case, tmp_path / "stripped.nii.gz")
    assert not (tmp_path / "stripped.nii.gz").exists()
    with pytest.raises(ResiduaError, match=r"head\.nii\.gz: shape"):
        crop_to_brain(case)


def test_the_crop_is_the_box_of_all_pieces_of_the_brain(tmp_path: Path) -> None:
    cropped, brain, crop = crop_to_brain(a_case(tmp_path))
    assert crop.box == (slice(2, 6), slice(1, 8), slice(3, 5))
    assert crop.shape == cropped.shape == brain.shape == (4, 7, 2)
    np.testing.assert_array_equal(cropped, HEAD[2:6, 1:8, 3:5])
    np.testing.assert_array_equal(brain, a_brain()[2:6, 1:8, 3:5])
    assert brain.dtype == bool
    assert crop.grid.same_as(GRID)


def test_the_crop_comes_from_the_brain_alone(tmp_path: Path) -> None:
    first = crop_to_brain(a_case(tmp_path / "first"))[2]
    second = crop_to_brain(a_case(tmp_path / "second", np.zeros_like(HEAD)))[2]
    assert first.box == second.box


def test_a_brain_that_fills_the_grid_is_not_cropped(tmp_path: Path) -> None:
    cropped, _, crop = crop_to_brain(a_case(tmp_path, brain=np.ones(GRID.shape, dtype=bool)))
    assert crop.shape == GRID.shape
    np.testing.assert_array_equal(crop.restore(cropped).data, HEAD)


def test_an_empty_brain_is_refused_with_patient_and_file(tmp_path: Path) -> None:
    case = a_case(tmp_path, brain=np.zeros(GRID.shape, dtype=bool))
    with pytest.raises(ResiduaError) as raised:
        crop_to_brain(case)
    assert (
        str(raised.value)
        == f"patient STO1: the brain mask {case.brain} is empty; correct it, or set the patient's role to exclude"
    )


def test_cropped_values_come_back_to_their_place_with_zeros_around(tmp_path: Path) -> None:
    cropped, _, crop = crop_to_brain(a_case(tmp_path))
    restored = crop.restore(cropped)
    expected = np.zeros_like(HEAD)
    expected[2:6, 1:8, 3:5] = HEAD[2:6, 1:8, 3:5]
    np.testing.assert_array_equal(restored.data, expected)
    assert restored.data.dtype == cropped.dtype
    assert restored.grid is crop.grid


def test_a_crop_comes_back_from_json(tmp_path: Path) -> None:
    cropped, _, crop = crop_to_brain(a_case(tmp_path))
    again = Crop.from_json(json.loads(json.dumps(crop.to_json())))
    assert again.box == crop.box
    assert again.shape == crop.shape
    assert again.grid.stored_as == crop.grid.stored_as
    np.testing.assert_array_equal(again.grid.affine, crop.grid.affine)
    np.testing.assert_array_equal(again.restore(cropped).data, crop.restore(cropped).data)


def test_values_of_another_shape_do_not_fit_the_crop(tmp_path: Path) -> None:
    _, _, crop = crop_to_brain(a_case(tmp_path))
    with pytest.raises(ValueError, match="broadcast"):
        crop.restore(np.ones((4, 7, 3), np.float32))


def test_an_image_that_is_not_finite_in_the_brain_is_refused(tmp_path: Path) -> None:
    grid = Grid((4, 4, 4), np.eye(4))
    head = np.ones(grid.shape, np.float32)
    head[2, 2, 2] = np.nan
    save(Image(head, grid), tmp_path / "head.nii.gz")
    save(Image(np.ones(grid.shape, bool), grid), tmp_path / "brain.nii.gz")
    case = ChannelCase("STO1", tmp_path / "head.nii.gz", tmp_path / "brain.nii.gz")
    with pytest.raises(ResiduaError, match=r"patient STO1: .*head.nii.gz has NaN or infinite voxels in the brain"):
        strip(case, tmp_path / "out.nii.gz")
    assert not (tmp_path / "out.nii.gz").exists()


def test_a_divided_crop_keeps_the_boxs_outer_faces_and_its_volume() -> None:
    turned = np.array([[0.0, -1.5, 0, 7], [1, 0, 0, 8], [0, 0, 2, 9], [0, 0, 0, 1]])
    crop = Crop(Grid((8, 9, 7), turned, "LPS"), (slice(2, 6), slice(1, 8), slice(3, 5)))
    grid = crop.divided((8, 7, 1))
    assert grid.shape == (8, 7, 1)
    assert grid.spacing_mm == pytest.approx((0.5, 1.5, 4.0))
    assert grid.voxel_ml * 56 == pytest.approx(crop.grid.voxel_ml * 56)
    faces = [(-0.5, -0.5, -0.5), (7.5, 6.5, 0.5)]
    expected = nib.affines.apply_affine(turned, [(1.5, 0.5, 2.5), (5.5, 7.5, 4.5)])
    np.testing.assert_allclose(nib.affines.apply_affine(grid.affine, faces), expected)


def test_a_crop_divided_as_it_is_lies_where_it_lay(tmp_path: Path) -> None:
    _, _, crop = crop_to_brain(a_case(tmp_path))
    grid = crop.divided(crop.shape)
    np.testing.assert_allclose(grid.affine[:3, 3], nib.affines.apply_affine(crop.grid.affine, (2, 1, 3)))
    np.testing.assert_array_equal(mask_on(grid, Image(a_brain(), GRID)), a_brain()[crop.box])


def test_a_mask_on_another_grid_is_where_at_least_half_of_it_is() -> None:
    mask = np.zeros((8, 4, 4), bool)
    mask[:3] = True
    line = Grid((8, 4, 4), np.eye(4))
    for start, expected in ((2.49, [1, 1, 1, 0]), (2.5, [1, 1, 1, 0]), (2.51, [1, 1, 0, 0])):
        shifted = np.eye(4)
        shifted[0, 3] = start - 2
        assert mask_on(Grid((4, 1, 1), shifted), Image(mask, line)).ravel().tolist() == [bool(n) for n in expected]


@pytest.mark.parametrize("rounding", [-1e-6, 0.0, 1e-6])
def test_voxels_of_exactly_half_brain_are_brain_however_headers_were_rounded(rounding: float) -> None:
    mask = np.zeros((8, 4, 4), bool)
    mask[:3] = True
    coarse = np.diag([2.0, 1.0, 1.0, 1.0])
    coarse[0, 3] = 0.5 + rounding
    found = mask_on(Grid((4, 4, 4), coarse), Image(mask, Grid((8, 4, 4), np.eye(4))))
    assert found[:, 0, 0].tolist() == [True, True, False, False]


def test_a_sampled_channel_comes_as_it_is_with_the_mask_on_its_grid_and_the_same_crop(tmp_path: Path) -> None:
    case = a_case(tmp_path)
    _, _, crop = crop_to_brain(case)
    target = crop.divided((8, 14, 4))
    values = np.random.default_rng(1).normal(size=target.shape).astype(np.float32)
    save(Image(values, target), tmp_path / "sampled.nii.gz")
    channel, brain, again = crop_to_brain(ChannelCase("STO1", tmp_path / "sampled.nii.gz", case.brain, sampled=True))
    np.testing.assert_array_equal(channel, values)
    np.testing.assert_array_equal(brain, mask_on(target, Image(a_brain(), GRID)))
    assert again.to_json() == crop.to_json()
