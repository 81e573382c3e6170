"""What a header rounds is no shift, and what it counts in another unit is not read as mm."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from cohort_tables import rows, study, write_image, write_images, write_table
from residua.cohort.commands.verdict import check_cohort
from residua.errors import ResiduaError
from residua.evaluation.folders import evaluate_folders
from residua.images.volumes import load, load_grid

SHAPES = (((512, 512, 180), (0.45, 0.45, 1.0)), ((256, 256, 24), (0.9, 0.9, 5.0)), ((240, 240, 155), (1.0, 1.0, 1.0)))


def placed(turn: NDArray[np.float64], signs: Sequence[float], shape: Any, spacing: Any) -> NDArray[np.float64]:
    """An affine: axes turned and mirrored, the head in the middle."""
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag(signs) @ np.diag(spacing)
    affine[:3, 3] = -affine[:3, :3] @ np.array(shape) / 2
    return affine


def stored(path: Path, shape: Any, affine: NDArray[np.float64], by: str) -> Path:
    """An empty volume whose header stores the affine as a quaternion or as a matrix alone; it takes no room."""
    header = nib.Nifti1Header()
    header.set_data_shape(shape)
    header.set_data_dtype(np.uint8)
    header["pixdim"][1:4] = nib.affines.voxel_sizes(affine)
    header["vox_offset"], header["magic"] = 352, b"n+1"
    (header.set_qform if by == "quaternion" else header.set_sform)(affine, code=1)
    with path.open("wb") as stream:
        stream.write(header.binaryblock + bytes(4))
        stream.truncate(352 + int(np.prod(shape)))
    return path


@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, 1), (-1, -1, 1), (1, -1, -1), (-1, -1, -1)])
@pytest.mark.parametrize(("shape", "spacing"), SHAPES)
def test_a_mask_stored_by_quaternion_lies_on_its_image(signs: Any, shape: Any, spacing: Any, tmp_path: Path) -> None:
    random = np.random.default_rng(7)
    apart = []
    for degrees in (0, 0.01, 0.05, 0.1, 1, 5, 20):
        for _ in range(3):
            turn = Rotation.from_rotvec(np.deg2rad(degrees) * random.normal(size=3) / 2).as_matrix()
            affine = placed(turn, signs, shape, spacing)
            image = load_grid(stored(tmp_path / "image.nii", shape, affine, "matrix"))
            mask = load_grid(stored(tmp_path / "mask.nii", shape, affine, "quaternion"))
            assert mask.same_as(image)
            assert image.same_as(mask)
            apart.append(mask.distance_mm(image))
            for shift in ((0.5, 0.5, 0.5), (0.1, 0, 0), (0, 0, -1.0)):
                moved = affine.copy()
                moved[:3, 3] += affine[:3, :3] @ shift
                other = load_grid(stored(tmp_path / "moved.nii", shape, moved, "quaternion"))
                assert not other.same_as(image)
                assert not image.same_as(other)
    if signs.count(-1) in (1, 2):
        # The test is about something: half a turn is where quaternions round most.
        assert max(apart) > 0.05


@pytest.mark.parametrize("degrees", [0.15, 0.5, 2.0])
def test_a_turn_that_no_rounding_makes_is_another_grid(degrees: float, tmp_path: Path) -> None:
    shape, spacing = SHAPES[2]
    affine = placed(np.eye(3), (1, 1, 1), shape, spacing)
    image = load_grid(stored(tmp_path / "image.nii", shape, affine, "matrix"))
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_rotvec([0, 0, np.deg2rad(degrees)]).as_matrix()
    about_origin = np.eye(4)
    about_origin[:3, 3] = affine[:3, 3]
    for turned in (turn @ affine, about_origin @ turn @ np.linalg.inv(about_origin) @ affine):
        assert not load_grid(stored(tmp_path / "other.nii", shape, turned, "matrix")).same_as(image)


def test_another_spacing_is_another_grid_although_the_origin_is_the_same(tmp_path: Path) -> None:
    shape, spacing = SHAPES[0]
    affine = placed(np.eye(3), (1, 1, 1), shape, spacing)
    image = load_grid(stored(tmp_path / "image.nii", shape, affine, "matrix"))
    for factor in (1.001, 0.9995):
        other = affine @ np.diag([factor, 1, 1, 1])
        assert not load_grid(stored(tmp_path / "other.nii", shape, other, "matrix")).same_as(image)


UNITS = {"meter": (0.001, "metres"), "micron": (1000.0, "micrometres")}


def in_unit(path: Path, unit: str, factor: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    voxels = np.zeros((6, 5, 4), np.uint8)
    voxels[2, 2, 2] = 1
    image = nib.Nifti1Image(voxels, np.diag([factor, factor, 2 * factor, 1]))
    image.header.set_xyzt_units(unit)
    nib.save(image, path)
    return path


@pytest.mark.parametrize("unit", UNITS)
def test_every_reader_refuses_another_unit_as_check_does(unit: str, tmp_path: Path) -> None:
    factor, name = UNITS[unit]
    file = in_unit(tmp_path / "prediction/p.nii.gz", unit, factor)
    in_unit(tmp_path / "reference/p.nii.gz", "mm", 1.0)
    for read in (load, load_grid, lambda path: evaluate_folders(tmp_path / "reference", path.parent)):
        with pytest.raises(ResiduaError, match=f"in {name} instead of mm: write the spacing and the affine in mm"):
            read(file)  # type: ignore[operator]
    write_images(tmp_path, rows())
    records = rows()
    records[0]["residual"] = "prediction/p.nii.gz"
    problems = check_cohort(study(), write_table(tmp_path, records), voxels=False).problems
    assert [problem.subject for problem in problems if problem.check == "spacing-not-in-mm"] == ["residual"]


@pytest.mark.parametrize("unit", [*UNITS, "mm", "unknown"])
def test_a_spacing_in_mm_is_read_as_mm_whatever_the_header_calls_it(unit: str, tmp_path: Path) -> None:
    in_unit(tmp_path / "prediction/p.nii.gz", unit, 1.0)
    in_unit(tmp_path / "reference/p.nii.gz", "mm", 1.0)
    found = evaluate_folders(tmp_path / "reference", tmp_path / "prediction").cases
    assert found[["predicted_ml", "dice"]].values.tolist() == [[0.002, 1.0]]


def test_a_displaced_mask_is_told_with_the_distance(tmp_path: Path) -> None:
    write_images(tmp_path, rows())
    records = rows()
    affine = np.diag([1.0, 1.0, 2.0, 1.0])
    affine[0, 3] = 1.5
    write_image(tmp_path / records[1]["residual"], np.zeros((4, 5, 3), np.uint8), affine)
    problems = check_cohort(study(), write_table(tmp_path, records), voxels=False).problems
    (problem,) = (problem for problem in problems if problem.check == "label-off-grid")
    assert "but elsewhere in space, 1.5 mm apart" in problem.what
