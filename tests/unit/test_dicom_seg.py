"""A mask as DICOM SEG: read back with highdicom it is the mask, voxel for voxel, on the slices of the series."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import highdicom as hd
import nibabel as nib
import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid

from dicom_masks import apart_mm, places, places_of_nifti, places_of_seg
from dicom_trees import OBLIQUE, ORIGIN, SHAPE, T1CE, drop_preamble, write_enhanced, write_series
from residua.errors import ResiduaError
from residua.importers.dicom.convert import convert_series
from residua.importers.dicom.headers import read_header
from residua.inference.dicom_seg import Algorithm, write_dicom_seg

ALGORITHM = Algorithm("nnunet B", "0" * 64, 0.7)


def facing(row: list[float], down: list[float], through: list[float]) -> Any:
    """The place of voxels whose column, row and slice go along these directions (LPS+), times their distances in mm."""
    return np.column_stack([1.5 * np.array(row), 2.0 * np.array(down), 3.0 * np.array(through), ORIGIN])


DOUBLY_OBLIQUE = np.linalg.qr(np.array([[1.0, 0.2, 0.1], [-0.1, 0.9, 0.3], [0.2, -0.3, 1.0]]))[0].T
AFFINES = {
    "axial": facing([1, 0, 0], [0, 1, 0], [0, 0, 1]),
    "axial from above": facing([1, 0, 0], [0, 1, 0], [0, 0, -1]),
    "sagittal": facing([0, 1, 0], [0, 0, -1], [-1, 0, 0]),
    "sagittal from the left": facing([0, 1, 0], [0, 0, -1], [1, 0, 0]),
    "coronal": facing([1, 0, 0], [0, 0, -1], [0, 1, 0]),
    "oblique": OBLIQUE,
    "oblique backwards": OBLIQUE * [1, 1, -1, 1],
    "doubly oblique": facing(*DOUBLY_OBLIQUE.tolist()),
}


def written(tmp_path: Path, kind: str, least: int = 1500, **tags: Any) -> tuple[Path, list[Path], Any]:
    """A DICOM SEG of all voxels above ``least``, the files of its series, and these voxels (column, row, slice)."""
    folder, study = tmp_path / "series", str(generate_uid())
    if kind == "enhanced":
        voxels = write_enhanced(folder, "T1 +GD", "20200103 0930", study, RepetitionTime=2000)
    else:
        given = {"FrameOfReferenceUID": generate_uid(), **T1CE, **tags}
        voxels = write_series(folder, "T1 +GD", "20200103 0930", study, **given)
    if kind == "bare":
        drop_preamble(folder)
    files = sorted(folder.iterdir())
    convert_series(files, voxels.size, tmp_path / "image.nii.gz")
    image: Any = nib.load(tmp_path / "image.nii.gz")
    mask = (np.asarray(image.dataobj) > least).astype(np.uint8)
    nib.save(nib.Nifti1Image(mask, image.affine), tmp_path / "mask.nii.gz")
    write_dicom_seg(tmp_path / "mask.nii.gz", files, ALGORITHM, tmp_path / "mask.dcm")
    return tmp_path / "mask.dcm", files, voxels > least


@pytest.mark.parametrize("kind", ["classic", "bare", "enhanced"])
@pytest.mark.parametrize("least", [1500, 1990, 5000])
def test_read_back_it_is_the_mask_on_every_slice(tmp_path: Path, kind: str, least: int) -> None:
    file, files, mask = written(tmp_path, kind, least)
    segmentation = hd.seg.segread(file)
    uids = [read_header(each)[0].SOPInstanceUID for each in files]
    if kind == "enhanced":
        found = segmentation.get_pixels_by_source_frame(
            uids[0], list(range(1, SHAPE[2] + 1)), assert_missing_frames_are_empty=True
        )
    else:
        found = segmentation.get_pixels_by_source_instance(uids, assert_missing_frames_are_empty=True)
    assert np.array_equal(found[..., 0].astype(bool), mask.transpose(2, 1, 0))


@pytest.mark.parametrize("way", list(AFFINES))
@pytest.mark.parametrize("order", ["as acquired", "shuffled"])
def test_it_lies_where_the_mask_lies_whatever_the_direction_and_the_order_of_the_slices(
    tmp_path: Path, way: str, order: str
) -> None:
    file, files, mask = written(tmp_path, "classic", affine=AFFINES[way])
    if order == "shuffled":
        file = tmp_path / "again.dcm"
        shuffled = [files[place] for place in np.random.default_rng(1).permutation(len(files))]
        write_dicom_seg(tmp_path / "mask.nii.gz", shuffled, ALGORITHM, file)
    ours = places_of_nifti(tmp_path / "mask.nii.gz")
    assert apart_mm(places_of_seg(file), ours) < 0.01
    # The direct way from the voxels that were written, by DICOM's own definition.
    assert apart_mm(places(mask, np.vstack([AFFINES[way], [0, 0, 0, 1]])), ours) < 0.01
    uids = [read_header(each)[0].SOPInstanceUID for each in files]
    found = hd.seg.segread(file).get_pixels_by_source_instance(uids, assert_missing_frames_are_empty=True)
    assert np.array_equal(found[..., 0].astype(bool), mask.transpose(2, 1, 0))


def test_an_empty_mask_keeps_every_slice_because_the_standard_asks_for_one(tmp_path: Path) -> None:
    file, files, _ = written(tmp_path, "classic", 5000)
    segmentation = hd.seg.segread(file)
    assert (segmentation.NumberOfFrames, int(segmentation.pixel_array.sum())) == (len(files), 0)


def test_it_refers_to_the_series_and_says_what_it_is(tmp_path: Path) -> None:
    named = {"SpecificCharacterSet": "ISO_IR 100", "PatientName": "MÜLLER^RENÉE"}
    file, files, _ = written(tmp_path, "classic", **named)
    source, segmentation = read_header(files[0])[0], hd.seg.segread(file)
    for name in ("PatientID", "PatientName", "PatientBirthDate", "StudyInstanceUID", "FrameOfReferenceUID"):
        assert segmentation[name].value == source[name].value, name
    assert str(segmentation.PatientName) == "MÜLLER^RENÉE"
    assert segmentation.SeriesInstanceUID != source.SeriesInstanceUID
    assert "esearch use only" in segmentation.ContentDescription + segmentation.SeriesDescription
    (segment,) = segmentation.SegmentSequence
    for sequence, code in (("Category", ("49755003", "SCT")), ("Type", ("C113842", "NCIt"))):
        (item,) = segment[f"SegmentedProperty{sequence}CodeSequence"].value
        assert (item.CodeValue, item.CodingSchemeDesignator) == code
    assert "Research use only" in segment.SegmentDescription
    assert segment.SegmentAlgorithmType == "AUTOMATIC"
    (algorithm,) = segment.SegmentationAlgorithmIdentificationSequence
    assert algorithm.AlgorithmName == "Residua nnunet B"
    assert f"bundle={'0' * 64}" in algorithm.AlgorithmParameters


def test_the_same_mask_has_the_same_identifiers_and_is_written_once(tmp_path: Path) -> None:
    file, files, _ = written(tmp_path, "classic")
    write_dicom_seg(tmp_path / "mask.nii.gz", files, ALGORITHM, tmp_path / "again.dcm")
    first, second = pydicom.dcmread(file), pydicom.dcmread(tmp_path / "again.dcm")
    assert (first.SOPInstanceUID, first.SeriesInstanceUID) == (second.SOPInstanceUID, second.SeriesInstanceUID)
    before = file.stat().st_mtime_ns
    write_dicom_seg(tmp_path / "mask.nii.gz", files, ALGORITHM, file)
    assert file.stat().st_mtime_ns == before
    write_dicom_seg(tmp_path / "mask.nii.gz", files, Algorithm("nnunet B", "0" * 64, 0.6), file)
    assert pydicom.dcmread(file).SOPInstanceUID != first.SOPInstanceUID


@pytest.mark.parametrize("moved", ["shifted", "fewer"])
def test_a_series_that_does_not_fit_the_mask_is_refused(tmp_path: Path, moved: str) -> None:
    _, files, _ = written(tmp_path, "classic")
    mask = tmp_path / "mask.nii.gz"
    if moved == "shifted":
        image: Any = nib.load(mask)
        data, affine = np.asarray(image.dataobj), image.affine.copy()
        affine[0, 3] += 0.4
        mask = tmp_path / "other.nii.gz"
        nib.save(nib.Nifti1Image(data, affine), mask)
    with pytest.raises(ResiduaError, match="no DICOM SEG is written"):
        write_dicom_seg(mask, files if moved == "shifted" else files[:-2], ALGORITHM, tmp_path / "no.dcm")
    assert not (tmp_path / "no.dcm").exists()


def test_a_series_without_what_the_standard_asks_for_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ResiduaError, match=r"does not allow a DICOM SEG .*Frame Of Reference UID.*none is written"):
        written(tmp_path, "classic", FrameOfReferenceUID=None)
    assert not (tmp_path / "mask.dcm").exists()


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("PatientSex", "unknown", ""),
        ("StudyDate", "heute", ""),
        ("StudyTime", "25:99", ""),
        ("PatientName", None, ""),
        ("PatientName", "Yamada^Tarou=山田^太郎", "Yamada^Tarou=山田^太郎"),
        ("PatientBirthDate", "", ""),
    ],
)
def test_what_a_careless_export_says_of_the_patient_is_taken_where_it_can_be_read(
    tmp_path: Path, name: str, value: str | None, found: str
) -> None:
    file, _, mask = written(tmp_path, "classic", **{"SpecificCharacterSet": "ISO_IR 192", name: value})
    assert str(pydicom.dcmread(file)[name].value or "") == found
    assert hd.seg.segread(file).get_volume().array.sum() == mask.sum()


def test_slices_without_a_thickness_are_as_thick_as_their_distance(tmp_path: Path) -> None:
    file, _, _ = written(tmp_path, "classic", SliceThickness=None)
    (shared,) = hd.seg.segread(file).SharedFunctionalGroupsSequence
    assert shared.PixelMeasuresSequence[0].SliceThickness == pytest.approx(3.0)


@pytest.mark.parametrize("kind", ["classic", "enhanced"])
@pytest.mark.parametrize("least", [1500, 5000])
def test_dciodvfy_finds_no_error(tmp_path: Path, kind: str, least: int) -> None:
    if shutil.which("dciodvfy") is None and os.environ.get("RESIDUA_DCIODVFY") != "required":
        pytest.skip("DICOM SEG NOT VALIDATED: dciodvfy is missing; apt-get install dicom3tools")
    file, _, _ = written(tmp_path, kind, least)
    done = subprocess.run(["dciodvfy", str(file)], capture_output=True, text=True)
    said = (done.stdout + done.stderr).splitlines()
    assert [line for line in said if line.startswith("Error")] == []
    assert done.returncode == 0
