"""Give a mask as DICOM segmentation (SEG) of the series that its scan was converted from."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.valuerep import DA, TM

from residua.errors import ResiduaError
from residua.images.volumes import Image, load_mask
from residua.importers.dicom.elements import text
from residua.importers.dicom.frames import Frame, frames_of
from residua.importers.dicom.headers import UnusedError, read_header
from residua.importers.dicom.planes import OffGridError, inside, voxels_of
from residua.importers.dicom.slices import slice_distance_mm
from residua.publishing.publish import digest, record_digest, writing
from residua.version import __version__

_MAY_BE_EMPTY: dict[str, Callable[[str], object]] = {
    **dict.fromkeys(("AccessionNumber", "PatientName", "StudyID", "ReferringPhysicianName"), str),
    "PositionReferenceIndicator": str,
    **dict.fromkeys(("PatientBirthDate", "StudyDate"), DA),
    "StudyTime": TM,
    "PatientSex": {"F": "F", "M": "M", "O": "O"}.get,
}
"""By name what reads a value; what cannot be read is left empty."""
_SERIES_NUMBER = 9000
_DESCRIPTION = "Residual contrast-enhancing tumour after surgery. Research use only; Residua is not a medical device."


@dataclass(frozen=True)
class Algorithm:
    """What made a mask: the model by name, the digest of its bundle, and the threshold of its probabilities."""

    model: str
    bundle: str
    threshold: float


def write_dicom_seg(mask: Path, series: Sequence[Path], algorithm: Algorithm, out: Path) -> None:
    """Write a mask as DICOM SEG that refers to the images of a series, slice by slice; nothing is resampled.

    ``mask`` is on the grid that dcm2niix made from ``series``. Repeated with the same mask it has the same identifiers,
    so that an archive does not keep it twice, and a file that has them already stays. Raises ``ResiduaError`` when the
    slices do not fit the grid, or the series lacks what the standard asks for.
    """
    images = [read_header(file)[0] for file in series]
    uids = sorted(text(image, "SOPInstanceUID") for image in images)
    key = record_digest([digest(mask), uids, asdict(algorithm), __version__])
    if _is_written(out, _uid(key, "image")):
        return
    voxels = on_slices(load_mask(mask), images)
    _complete(images)
    try:
        with writing(out, suffix=".dcm") as part, warnings.catch_warnings():
            # Values of the source that are longer than the standard allows are copied as they are.
            warnings.simplefilter("ignore")
            _segmentation(images, voxels, algorithm, key).save_as(part, enforce_file_format=True)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # highdicom says in many ways that an element is missing, or is not what the standard allows.
        raise ResiduaError(f"the DICOM series does not allow a DICOM SEG ({error}); none is written") from error


def _uid(key: str, of: str) -> str:
    from pydicom.uid import generate_uid

    return str(generate_uid(entropy_srcs=[key, of]))


def _is_written(out: Path, uid: str) -> bool:
    try:
        return bool(read_header(out)[0].SOPInstanceUID == uid)
    except (UnusedError, AttributeError):
        return False


def _complete(images: Sequence[Any]) -> None:
    """Give images the elements that may be empty, where a careless export left them out or wrote what is none."""
    between = slice_distance_mm([frame for image in images for frame in frames_of(image)])
    for image in images:
        for name, reads in _MAY_BE_EMPTY.items():
            if not _is_read(image, name, reads):
                setattr(image, name, None)
        if "PerFrameFunctionalGroupsSequence" not in image and not image.get("SliceThickness"):
            image.SliceThickness = between


def _is_read(image: Any, name: str, reads: Callable[[str], object]) -> bool:
    try:
        return name in image and bool(reads(text(image, name)))
    except ValueError:
        return False


def on_slices(mask: Image, images: Sequence[Any]) -> NDArray[np.uint8]:
    """Return the voxels of a mask as (slice, row, column), in the order of the images or of the frames of one.

    Raises ``ResiduaError`` when the slices do not fit the grid of the mask.
    """
    frames = [frame for image in images for frame in frames_of(image)]
    found = np.stack([_slice(mask, frame) for frame in frames])
    if found.sum() != mask.data.sum():
        raise ResiduaError("the DICOM series does not hold every slice of the mask; no DICOM SEG is written")
    return found


def _slice(mask: Image, frame: Frame) -> NDArray[np.uint8]:
    """Return the voxels of a frame as (row, column)."""
    try:
        voxels = voxels_of(frame, mask.grid)
    except OffGridError:
        voxels = None
    if voxels is None or not inside(voxels, mask.grid):
        raise ResiduaError("the slices of the DICOM series do not lie on the grid of the mask; no DICOM SEG is written")
    return np.asarray(mask.data[tuple(np.moveaxis(voxels, -1, 0))], dtype=np.uint8)


def _segmentation(images: Sequence[Any], voxels: NDArray[np.uint8], algorithm: Algorithm, key: str) -> Any:
    import highdicom as hd
    from pydicom.sr.codedict import codes

    made_by = hd.AlgorithmIdentificationSequence(
        name=f"Residua {algorithm.model}",
        version=__version__,
        family=codes.DCM.ArtificialIntelligence,
        parameters={"threshold": f"{algorithm.threshold:g}", "bundle": algorithm.bundle},
    )
    segment = hd.seg.SegmentDescription(
        segment_number=1,
        segment_label="Residual enhancing tumour",
        segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
        segmented_property_type=codes.NCIt.EnhancingLesion,
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=made_by,
        anatomic_regions=[codes.SCT.Brain],
        tracking_uid=_uid(key, "segment"),
        tracking_id="Residua residual tumour",
    )
    segment.SegmentDescription = _DESCRIPTION
    return hd.seg.Segmentation(
        source_images=images,
        pixel_array=voxels,
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[segment],
        series_instance_uid=_uid(key, "series"),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=_uid(key, "image"),
        instance_number=1,
        manufacturer="Residua",
        manufacturer_model_name="residua predict",
        software_versions=__version__,
        device_serial_number="0",
        content_label="RESIDUAL",
        content_description="Research use only",
        series_description="Residual tumour (research use only)",
        omit_empty_frames=bool(voxels.any()),
    )
