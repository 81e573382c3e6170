"""Structures of DICOM SEG and RTSTRUCT files: their names, and the images on which they were drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from residua.importers.dicom.elements import UnreadableError, text, whole_number

SEGMENTATION, LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"
_STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"
SEG, RTSTRUCT = "SEG", "RTSTRUCT"
KINDS = {SEGMENTATION: SEG, LABEL_MAP: SEG, _STRUCTURE_SET: RTSTRUCT}
"""The kind of an annotation by its SOP class."""


@dataclass(frozen=True)
class Structure:
    """A segment of a SEG, or a region of interest (ROI) of an RTSTRUCT. Its words may contain identity.

    ``parts`` are its frames or contours; ``series``, ``images`` and ``spaces`` the identifiers of series, images and
    frames of reference on which it was drawn.
    """

    kind: str
    file: str
    number: int
    name: str
    meaning: str
    automatic: bool
    parts: int
    series: frozenset[str]
    images: frozenset[str]
    spaces: frozenset[str]


def structures_of(header: Any, file: str) -> list[Structure]:
    """Return the structures of a file; none if it is no annotation. Raises ``UnreadableError``."""
    kind = KINDS.get(text(header, "SOPClassUID"))
    if kind is None:
        return []
    found = list(_segments(header, file) if kind == SEG else _regions(header, file))
    if not found:
        raise UnreadableError(f"the {kind} lists no structure")
    numbers = Counter(structure.number for structure in found)
    if max(numbers.values()) > 1:
        raise UnreadableError(f"the {kind} has two structures of one number")
    return found


def segment_of_frame(group: Any) -> int | None:
    """Return the number of the segment that a frame of a SEG shows; None where the file does not say."""
    return whole_number(next(_items(group, "SegmentIdentificationSequence"), {}), "ReferencedSegmentNumber")


def _items(item: Any, *path: str) -> Iterator[Any]:
    """Yield all items of sequences within sequences."""
    if not path:
        yield item
        return
    for each in item.get(path[0]) or []:
        yield from _items(each, *path[1:])


def _texts(item: Any, *path: str) -> frozenset[str]:
    *sequences, name = path
    return frozenset(text(each, name) for each in _items(item, *sequences)) - {""}


def _segments(header: Any, file: str) -> Iterator[Structure]:
    groups = [*_items(header, "PerFrameFunctionalGroupsSequence")]
    shared = [*_items(header, "SharedFunctionalGroupsSequence")]
    of_all = [number for group in shared if (number := segment_of_frame(group)) is not None]
    said = [segment_of_frame(group) for group in groups]
    frames = Counter(of_all[0] if number is None and of_all else number for number in said)
    sources = ("DerivationImageSequence", "SourceImageSequence", "ReferencedSOPInstanceUID")
    instances = ("ReferencedSeriesSequence", "ReferencedInstanceSequence", "ReferencedSOPInstanceUID")
    images = _texts(header, *instances).union(*(_texts(group, *sources) for group in (*groups, *shared)))
    for segment in _items(header, "SegmentSequence"):
        number = _number(segment, "SegmentNumber")
        # A label map keeps all segments in one frame, and may list the background.
        mapped = text(header, "SOPClassUID") == LABEL_MAP
        if mapped and number == 0:
            continue
        yield Structure(
            kind=SEG,
            file=file,
            number=number,
            name=text(segment, "SegmentLabel"),
            meaning=" ".join(sorted(_texts(segment, "SegmentedPropertyTypeCodeSequence", "CodeMeaning"))),
            automatic=text(segment, "SegmentAlgorithmType").upper() == "AUTOMATIC",
            parts=len(groups) if mapped else frames[number],
            series=_texts(header, "ReferencedSeriesSequence", "SeriesInstanceUID"),
            images=images,
            spaces=_texts(header, "FrameOfReferenceUID"),
        )


def _regions(header: Any, file: str) -> Iterator[Structure]:
    contours = {
        whole_number(region, "ReferencedROINumber"): [*_items(region, "ContourSequence")]
        for region in _items(header, "ROIContourSequence")
    }
    meanings = {
        whole_number(item, "ReferencedROINumber"): text(item, "RTROIInterpretedType")
        for item in _items(header, "RTROIObservationsSequence")
    }
    spaces = [*_items(header, "ReferencedFrameOfReferenceSequence")]
    nested = ("RTReferencedStudySequence", "RTReferencedSeriesSequence", "SeriesInstanceUID")
    for region in _items(header, "StructureSetROISequence"):
        number = _number(region, "ROINumber")
        own = _texts(region, "ReferencedFrameOfReferenceUID") or _texts(header, "FrameOfReferenceUID")
        listed = [space for space in spaces if not own or text(space, "FrameOfReferenceUID") in own]
        drawn = contours.get(number, [])
        yield Structure(
            kind=RTSTRUCT,
            file=file,
            number=number,
            name=text(region, "ROIName"),
            meaning=meanings.get(number, ""),
            automatic=text(region, "ROIGenerationAlgorithm").upper() == "AUTOMATIC",
            parts=len(drawn),
            series=frozenset().union(*(_texts(space, *nested) for space in listed)),
            images=frozenset().union(
                *(_texts(contour, "ContourImageSequence", "ReferencedSOPInstanceUID") for contour in drawn)
            ),
            spaces=own or _texts(header, "ReferencedFrameOfReferenceSequence", "FrameOfReferenceUID"),
        )


def _number(item: Any, name: str) -> int:
    number = whole_number(item, name, least=0)
    if number is None:
        raise UnreadableError(f"a structure has no {name}")
    return number
