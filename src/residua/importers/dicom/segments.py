"""Read the frames of a segment of a DICOM SEG, whatever their order and whichever are left out."""

from __future__ import annotations

from typing import Any

import numpy as np

from residua.importers.dicom.annotations import LABEL_MAP, segment_of_frame
from residua.importers.dicom.elements import UnreadableError, number, text
from residua.importers.dicom.frames import frames_of
from residua.importers.dicom.planes import OffGridError, inside, voxels_of

_HALF = 0.5


def fill_segment(segmentation: Any, segment: int, mask: Any) -> None:
    """Set the voxels of a mask (an ``Image`` of booleans) that a segment covers; of a fraction, at least half.

    Raises ``OffGridError``, ``UnreadableError``, and what pydicom raises for a damaged file.
    """
    frames = frames_of(segmentation)
    pixels = segmentation.pixel_array
    pixels = pixels if pixels.ndim == len(("frame", "row", "column")) else pixels[None]
    for index in _frames_of_segment(segmentation, segment, len(frames)):
        covered = _covered(segmentation, pixels[index], segment)
        # An empty frame may lie anywhere.
        if covered.any():
            voxels = voxels_of(frames[index], mask.grid)[covered]
            if not inside(voxels, mask.grid):
                raise OffGridError
            mask.data[tuple(voxels.T)] = True


def _frames_of_segment(segmentation: Any, segment: int, count: int) -> list[int]:
    if text(segmentation, "SOPClassUID") == LABEL_MAP:
        return list(range(count))
    groups = segmentation.get("PerFrameFunctionalGroupsSequence") or [{}] * count
    shared = [segment_of_frame(group) for group in segmentation.get("SharedFunctionalGroupsSequence") or []]
    of_all = next((found for found in shared if found is not None), None)
    of_frame = [of_all if (said := segment_of_frame(group)) is None else said for group in groups]
    if None in of_frame:
        raise UnreadableError("a frame does not say which segment it shows")
    return [index for index, found in enumerate(of_frame) if found == segment]


def _covered(segmentation: Any, pixels: Any, segment: int) -> Any:
    if text(segmentation, "SOPClassUID") == LABEL_MAP:
        return pixels == segment
    if text(segmentation, "SegmentationType").upper() != "FRACTIONAL":
        return pixels > 0
    most = number(segmentation, "MaximumFractionalValue", positive=True) or np.iinfo(pixels.dtype).max
    return pixels >= _HALF * most
