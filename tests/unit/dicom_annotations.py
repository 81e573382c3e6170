"""Write SEG and RTSTRUCT files of known masks; masks are (column, row, slice) on the slices of a series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import highdicom as hd
import nibabel as nib
import numpy as np
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, RTStructureSetStorage, generate_uid

from dicom_trees import OBLIQUE, decimals

RING = [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)]


def write_seg(file: Path, series: Sequence[Path], masks: Mapping[str, Any], **options: Any) -> Any:
    """Write a SEG of the named masks, which may overlap, and return it.

    ``automatic``: made by a program. ``kind``: BINARY, FRACTIONAL or LABELMAP. ``keep_empty``: with empty frames.
    """
    images = [pydicom.dcmread(path) for path in series]
    for image in images:
        for name in ("AccessionNumber", "StudyID", "ReferringPhysicianName", "PositionReferenceIndicator"):
            setattr(image, name, image.get(name))
    kind = options.get("kind", "BINARY")
    drawn_by = hd.seg.SegmentAlgorithmTypeValues.MANUAL
    program = None
    if options.get("automatic"):
        drawn_by = hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC
        program = hd.AlgorithmIdentificationSequence(
            name="P", version="1", family=codes.DCM.ArtificialIntelligence, parameters={}
        )
    segments = [
        hd.seg.SegmentDescription(
            segment_number=number,
            segment_label=name,
            segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
            segmented_property_type=codes.SCT.Hemorrhage,
            algorithm_type=drawn_by,
            algorithm_identification=program,
        )
        for number, name in enumerate(masks, start=1)
    ]
    pixels: Any = np.stack([np.asarray(mask).transpose(2, 1, 0) for mask in masks.values()], axis=-1)
    pixels = pixels.astype(np.float32 if kind == "FRACTIONAL" else np.uint8)
    segmentation = hd.seg.Segmentation(
        source_images=images,
        pixel_array=pixels,
        segmentation_type=kind,
        segment_descriptions=segments,
        series_instance_uid=generate_uid(),
        series_number=90,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer="Nobody",
        manufacturer_model_name="Nothing",
        software_versions="1",
        device_serial_number="0",
        content_label="MASK",
        omit_empty_frames=not options.get("keep_empty", False),
    )
    segmentation.save_as(file)
    return segmentation


def shuffle_frames(file: Path) -> None:
    """Put the frames of a binary SEG into another order."""
    segmentation = pydicom.dcmread(file)
    pixels = segmentation.pixel_array
    order = np.random.default_rng(5).permutation(len(pixels))
    groups = list(segmentation.PerFrameFunctionalGroupsSequence)
    segmentation.PerFrameFunctionalGroupsSequence = [groups[index] for index in order]
    segmentation.PixelData = np.packbits(pixels[order].ravel(), bitorder="little").tobytes()
    segmentation.save_as(file)


def outlines(mask: Any) -> list[Any]:
    """Return the closed outlines (n, 2) along the edges of a slice's pixels (column, row): around holes too."""
    edges: dict[tuple[float, float], list[tuple[float, float]]] = {}
    for column, row in np.argwhere(mask):
        for (x, y), (u, v) in zip(RING, [*RING[1:], RING[0]], strict=True):
            beside = (round(column + x + u), round(row + y + v))
            if not (0 <= beside[0] < mask.shape[0] and 0 <= beside[1] < mask.shape[1]) or not mask[beside]:
                edges.setdefault((column + x, row + y), []).append((column + u, row + v))
    found = []
    while edges:
        start = point = next(iter(edges))
        ring = []
        while not ring or point != start:
            ring.append(point)
            onward = edges[point].pop()
            if not edges[point]:
                del edges[point]
            point = onward
        found.append(np.array(ring))
    return found


def write_rtstruct(
    file: Path, series: Sequence[Path], regions: Mapping[str, Any], affine: Any = OBLIQUE, **changes: Any
) -> Any:
    """Write an RTSTRUCT and return it: each region is a list of contours (n, 3; column, row, slice).

    ``kind`` is the type of the contours. ``space`` is another frame of reference, ``named`` another series than the
    one drawn on; ``places`` are decimals of a millimetre.
    """
    source = pydicom.dcmread(series[0], stop_before_pixels=True)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = RTStructureSetStorage, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made = FileDataset(None, {}, file_meta=meta, preamble=bytes(128))
    made.SOPClassUID, made.SOPInstanceUID = RTStructureSetStorage, meta.MediaStorageSOPInstanceUID
    for name in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate"):
        setattr(made, name, source[name].value)
    made.SeriesInstanceUID, made.Modality, made.SeriesNumber = generate_uid(), "RTSTRUCT", 91
    made.StructureSetLabel = "Plan of Jane"
    space = changes.get("space", source.FrameOfReferenceUID)
    of_series, study, reference = pydicom.Dataset(), pydicom.Dataset(), pydicom.Dataset()
    of_series.SeriesInstanceUID = changes.get("named", source.SeriesInstanceUID)
    study.RTReferencedSeriesSequence = [of_series]
    reference.FrameOfReferenceUID, reference.RTReferencedStudySequence = space, [study]
    made.ReferencedFrameOfReferenceSequence = [reference]
    made.StructureSetROISequence, made.ROIContourSequence = [], []
    for number, (name, contours) in enumerate(regions.items(), start=1):
        region, drawn = pydicom.Dataset(), pydicom.Dataset()
        region.ROINumber, region.ROIName, region.ReferencedFrameOfReferenceUID = number, name, space
        region.ROIGenerationAlgorithm = changes.get("algorithm", "MANUAL")
        drawn.ReferencedROINumber, drawn.ContourSequence = number, []
        for contour in contours:
            item = pydicom.Dataset()
            points = nib.affines.apply_affine(np.vstack([affine, [0, 0, 0, 1]]), contour)
            item.ContourGeometricType = changes.get("kind", "CLOSED_PLANAR")
            item.NumberOfContourPoints = len(points)
            item.ContourData = decimals(np.round(points, changes.get("places", 10)).ravel())
            drawn.ContourSequence.append(item)
        made.StructureSetROISequence.append(region)
        made.ROIContourSequence.append(drawn)
    made.save_as(file, enforce_file_format=True)
    return made


def contours_of(mask: Any) -> list[Any]:
    """Return the outlines (n, 3; column, row, slice) of a mask."""
    return [
        np.column_stack([ring, np.full(len(ring), float(index))])
        for index in range(mask.shape[2])
        for ring in outlines(mask[:, :, index])
    ]
