"""The frames of a DICOM file: one in a classic file, all slices in an enhanced multi-frame file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from residua.importers.dicom.elements import UnreadableError, number, numbers, whole_number

_PERPENDICULAR = 0.01


@dataclass(frozen=True)
class Frame:
    """One slice: its place in the patient, size and timing; empty or None where the file does not say."""

    position: tuple[float, ...]
    orientation: tuple[float, ...]
    pixel_mm: tuple[float, ...]
    size: tuple[int | None, int | None]
    between_mm: float | None
    tr_ms: float | None
    te_ms: float | None
    ti_ms: float | None
    number: int | None


def frames_of(header: Any) -> list[Frame]:
    """Return all frames of a file. Raises ``UnreadableError`` for a number that cannot be used."""
    count = whole_number(header, "NumberOfFrames", least=1) or 1
    groups = header.get("PerFrameFunctionalGroupsSequence") or []
    if groups and len(groups) != count:
        raise UnreadableError(f"NumberOfFrames is {count}, but the file describes {len(groups)} frames")
    shared = list(header.get("SharedFunctionalGroupsSequence") or [])
    if not groups:
        return [_frame(header, [], whole_number(header, "InstanceNumber"))] * count
    return [_frame(header, [group, *shared], index) for index, group in enumerate(groups, start=1)]


def number_in(header: Any, names: tuple[str, ...], least: float = 0.0) -> float | None:
    """Return the first number that a frame has under one of ``names``. Raises ``UnreadableError``."""
    return next((found for name in names if (found := number(header, name, least)) is not None), None)


def _frame(header: Any, groups: list[Any], index: int | None) -> Frame:
    def holder(*names: str) -> Any:
        """Return the part of the file that says one of ``names``: the frame's own, the shared one, or the file."""
        return next((item for item in _items(groups) if any(name in item for name in names)), header)

    te, ti = ("EffectiveEchoTime", "EchoTime"), ("InversionTimes", "InversionTime")
    between = holder("SpacingBetweenSlices"), holder("SliceThickness")
    return Frame(
        position=numbers(holder("ImagePositionPatient"), "ImagePositionPatient", 3),
        orientation=_orientation(holder("ImageOrientationPatient")),
        pixel_mm=numbers(holder("PixelSpacing"), "PixelSpacing", 2, positive=True),
        size=(whole_number(header, "Rows", least=1), whole_number(header, "Columns", least=1)),
        between_mm=number_in(between[0], ("SpacingBetweenSlices",)) or number_in(between[1], ("SliceThickness",)),
        tr_ms=number_in(holder("RepetitionTime"), ("RepetitionTime",)),
        te_ms=number_in(holder(*te), te),
        ti_ms=number_in(holder(*ti), ti),
        number=index,
    )


def _items(groups: list[Any]) -> Iterator[Any]:
    """Yield the functional groups of a frame, without those that a manufacturer keeps for itself."""
    for group in groups:
        for element in group:
            if element.VR == "SQ" and not element.tag.is_private and element.value:
                yield element.value[0]


def _orientation(item: Any) -> tuple[float, ...]:
    found = numbers(item, "ImageOrientationPatient", 6)
    if not found:
        return ()
    row, down = found[:3], found[3:]
    along = sum(a * b for a, b in zip(row, down, strict=True))
    if max(abs(along), abs(math.hypot(*row) - 1), abs(math.hypot(*down) - 1)) > _PERPENDICULAR:
        raise UnreadableError("ImageOrientationPatient is not two directions at a right angle")
    return found
