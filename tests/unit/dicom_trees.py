"""Write small DICOM exports; persons and numbers are invented."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import EnhancedMRImageStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid

NAME, IDENTITY, BIRTH, PLACE = "DOE^JANE", "MRN4711", "19500203", "St. Elsewhere"
SHAPE, SPACING_MM, THICK_MM = (24, 20, 12), (1.5, 2.0), 3.0
TILT = np.deg2rad(20)
ROW, DOWN = (1.0, 0.0, 0.0), (0.0, float(np.cos(TILT)), float(np.sin(TILT)))
NORMAL = np.cross(ROW, DOWN)
ORIGIN = np.array([-18.0, -19.0, -10.0])
OBLIQUE = np.column_stack([SPACING_MM[0] * np.array(ROW), SPACING_MM[1] * np.array(DOWN), THICK_MM * NORMAL, ORIGIN])
"""Place of a voxel (column, row, slice, 1) in mm, LPS+."""

T1, T1CE = (
    {"RepetitionTime": 2000, "EchoTime": 3},
    {"RepetitionTime": 2000, "EchoTime": 3, "ContrastBolusAgent": "Dotarem"},
)
FLAIR = {"RepetitionTime": 9000, "EchoTime": 120, "InversionTime": 2500}


def volume(seed: int) -> Any:
    """Draw voxels (column, row, slice) that differ from every other series."""
    return np.random.default_rng(seed).integers(0, 2000, SHAPE).astype(np.uint16)


def decimals(numbers: Any) -> list[float]:
    """Round numbers so that each fits the 16 letters that DICOM gives it."""
    return [round(float(number), 10) for number in numbers]


def write_series(
    folder: Path, description: str, when: str, study: str, number: int = 1, patient: str = IDENTITY, **tags: Any
) -> Any:
    """Write one series below ``folder``, ``when`` as 20200101 1030; return its voxels.

    ``missing`` are indices of slices to omit; a tag of None is omitted. ``voxels`` and ``affine`` are others than those
    of a made-up oblique volume.
    """
    voxels = tags.pop("voxels", None)
    voxels = volume(zlib.crc32(f"{description} {when}".encode())) if voxels is None else voxels
    slices, missing, affine = tags.pop("slices", voxels.shape[2]), tags.pop("missing", ()), tags.pop("affine", OBLIQUE)
    column_mm, row_mm, thick_mm = np.linalg.norm(affine[:, :3], axis=0)
    series, (date, time) = generate_uid(), when.split()
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(slices):
        if index in missing:
            continue
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = MRImageStorage, generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image = FileDataset(None, {}, file_meta=meta, preamble=bytes(128))
        image.SOPClassUID, image.SOPInstanceUID = MRImageStorage, meta.MediaStorageSOPInstanceUID
        image.PatientName, image.PatientID, image.PatientBirthDate, image.PatientSex = NAME, patient, BIRTH, "F"
        image.InstitutionName, image.Manufacturer, image.MagneticFieldStrength = PLACE, "Siemens", 1.5
        image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = study, series, study
        image.StudyDate = image.SeriesDate = image.AcquisitionDate = date
        image.StudyTime = image.SeriesTime = image.AcquisitionTime = f"{time}00"
        image.Modality, image.SeriesDescription, image.SeriesNumber = "MR", description, number
        image.ImageType, image.InstanceNumber = ["ORIGINAL", "PRIMARY", "M"], index + 1
        image.PixelSpacing, image.SliceThickness = decimals([row_mm, column_mm]), decimals([thick_mm])[0]
        image.ImageOrientationPatient = decimals([*affine[:, 0] / column_mm, *affine[:, 1] / row_mm])
        image.ImagePositionPatient = decimals(affine[:, 3] + index * affine[:, 2])
        image.Columns, image.Rows = voxels.shape[:2]
        image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
        image.BitsAllocated = image.BitsStored = 16
        image.HighBit, image.PixelRepresentation = 15, 0
        image.PixelData = voxels[:, :, index].T.tobytes()
        for name, value in tags.items():
            if value is None:
                image.pop(name, None)
            else:
                setattr(image, name, value)
        image.save_as(folder / f"{number:03d}_{index:04d}", enforce_file_format=True)
    return voxels


def edit(folder: Path, old: bytes, new: bytes) -> None:
    """Replace bytes in all files of a series by as many others, which may be values that no library writes."""
    assert len(old) == len(new)
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        content = path.read_bytes()
        assert old in content
        path.write_bytes(content.replace(old, new))


def drop_preamble(folder: Path) -> None:
    """Write the files of a series as bare data sets, without preamble and file meta information."""
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        image = pydicom.dcmread(path)
        bare = pydicom.Dataset(image)
        bare.save_as(path, implicit_vr=True, little_endian=True, enforce_file_format=False)


def write_enhanced(folder: Path, description: str, when: str, study: str, number: int = 1, **groups: Any) -> Any:
    """Write one enhanced multi-frame file; return its voxels. Timing is in shared groups, or in each frame's own.

    ``groups`` are elements of MRTimingAndRelatedParametersSequence (RepetitionTime), MREchoSequence (EffectiveEchoTime)
    and MRModifierSequence (InversionTimes); ``missing`` are indices of slices to omit; ``per_frame`` puts
    the timing into the groups of each frame.
    """
    voxels, (day, clock) = volume(zlib.crc32(f"{description} {when}".encode())), when.split()
    missing = groups.pop("missing", ())
    there = [index for index in range(SHAPE[2]) if index not in missing]
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = EnhancedMRImageStorage, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image = FileDataset(None, {}, file_meta=meta, preamble=bytes(128))
    image.SOPClassUID, image.SOPInstanceUID = EnhancedMRImageStorage, meta.MediaStorageSOPInstanceUID
    image.PatientName, image.PatientID, image.PatientBirthDate, image.PatientSex = NAME, IDENTITY, BIRTH, "F"
    image.Manufacturer, image.MagneticFieldStrength = "Philips Medical Systems", 3.0
    image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = study, generate_uid(), generate_uid()
    image.StudyDate, image.StudyTime, image.AcquisitionDateTime = day, f"{clock}00", f"{day}{clock}00.00"
    image.Modality, image.SeriesDescription, image.SeriesNumber, image.InstanceNumber = "MR", description, number, 1
    image.ImageType = ["ORIGINAL", "PRIMARY", "T1", "NONE"]
    image.Columns, image.Rows, image.NumberOfFrames = SHAPE[0], SHAPE[1], len(there)
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated = image.BitsStored = 16
    image.HighBit, image.PixelRepresentation = 15, 0
    per_frame = groups.pop("per_frame", False)
    image.SharedFunctionalGroupsSequence = [_shared({} if per_frame else groups)]
    image.PerFrameFunctionalGroupsSequence = [
        _of_frame(index, place, groups if per_frame else {}) for place, index in enumerate(there, start=1)
    ]
    image.PixelData = np.ascontiguousarray(voxels[:, :, there].transpose(2, 1, 0)).tobytes()
    folder.mkdir(parents=True, exist_ok=True)
    image.save_as(folder / f"{number:03d}_enhanced", enforce_file_format=True)
    return voxels


def _item(**elements: Any) -> Any:
    item = pydicom.Dataset()
    for name, value in elements.items():
        setattr(item, name, value)
    return item


def _timed(group: Any, timing: dict[str, Any]) -> Any:
    for sequence, name in (
        ("MRTimingAndRelatedParametersSequence", "RepetitionTime"),
        ("MREchoSequence", "EffectiveEchoTime"),
        ("MRModifierSequence", "InversionTimes"),
    ):
        if name in timing:
            setattr(group, sequence, [_item(**{name: timing[name]})])
    return group


def _shared(timing: dict[str, Any]) -> Any:
    pixels = _item(PixelSpacing=[SPACING_MM[1], SPACING_MM[0]], SliceThickness=THICK_MM)
    plane = _item(ImageOrientationPatient=decimals([*ROW, *DOWN]))
    return _timed(_item(PixelMeasuresSequence=[pixels], PlaneOrientationSequence=[plane]), timing)


def _of_frame(index: int, place: int, timing: dict[str, Any]) -> Any:
    position = decimals(ORIGIN + index * THICK_MM * NORMAL)
    content = _item(StackID="1", InStackPositionNumber=place, DimensionIndexValues=[1, place])
    frame = _item(PlanePositionSequence=[_item(ImagePositionPatient=position)], FrameContentSequence=[content])
    return _timed(frame, timing)


def world_mm(column: float, row: float, slice_: float) -> Any:
    """Return the place of a voxel in NIfTI's RAS+ mm, by DICOM's definition (PS3.3 C.7.6.2.1.1, in LPS+)."""
    lps = (
        ORIGIN
        + column * SPACING_MM[0] * np.array(ROW)
        + row * SPACING_MM[1] * np.array(DOWN)
        + slice_ * THICK_MM * NORMAL
    )
    return lps * [-1, -1, 1]


def write_export(folder: Path) -> dict[str, Any]:
    """Write one person before and 20 h after surgery, with additional files of a PACS; return voxels by column."""
    before, after = str(generate_uid()), str(generate_uid())
    found = {
        "pre_t1ce": write_series(folder / "A", "t1 mprage KM Jane", "20200101 0900", before, 3, **T1CE),
        "post_t1": write_series(folder / "B", "T1 MPRAGE nativ", "20200103 0900", after, 2, **T1),
        "post_t1ce": write_series(folder / "B", "T1 MPRAGE +GD", "20200103 0930", after, 5, **T1CE),
        "post_flair": write_series(folder / "B", "FLAIR tra", "20200103 0945", after, 6, **FLAIR),
    }
    write_series(folder / "B", "localizer", "20200103 0845", after, 1, slices=3, **T1)
    write_series(
        folder / "B", "T1 MPR tra", "20200103 0950", after, 7, ImageType=["DERIVED", "SECONDARY", "MPR"], **T1CE
    )
    write_series(folder / "B", "ep2d_diff ADC", "20200103 0955", after, 8, RepetitionTime=5000, EchoTime=90)
    write_series(folder / "B", "tumour", "20200103 1000", after, 9, Modality="SEG")
    (folder / "B" / "readme.txt").write_text("burnt by nobody\n" * 30)
    (folder / "B" / "broken").write_bytes(bytes(128) + b"DICM" + b"\x02\x00\x00\x00UL\x04\x00")
    (folder / "surgery.csv").write_text(f"patient_id;surgery\n{IDENTITY};2020-01-02 13:00\n")
    return found


def uids(folder: Path) -> set[str]:
    """Return the identifiers of every instance, series and study of an export."""
    found = set()
    for path in folder.rglob("0*"):
        header = pydicom.dcmread(path, stop_before_pixels=True)
        found |= {str(header.StudyInstanceUID), str(header.SeriesInstanceUID), str(header.SOPInstanceUID)}
    return found
