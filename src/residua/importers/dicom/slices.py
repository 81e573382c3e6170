"""Judge whether the slices of a series form one volume, and name what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from residua.importers.dicom.frames import Frame

_SAME_DIRECTION = 1e-3
_SAME_PLACE_MM = 1e-2
_UNEQUAL = 0.1
_SHOWN = 5
Point = tuple[float, ...]


def volume_fault(frames: Sequence[Frame]) -> str:
    """Return why the frames do not form one volume; empty if they do."""
    if not all(frame.position and frame.orientation for frame in frames):
        return "slices without a position or an orientation (ImagePositionPatient, ImageOrientationPatient)"
    if not all(frame.pixel_mm for frame in frames):
        return "slices without PixelSpacing"
    orientations = _distinct([frame.orientation for frame in frames])
    if orientations > 1:
        return f"slices of {orientations} orientations in one series"
    shapes = {(frame.size, tuple(round(mm, 4) for mm in frame.pixel_mm)) for frame in frames}
    if len(shapes) > 1:
        return f"slices of {len(shapes)} sizes in one series"
    return _repeated(frames) or _gaps(frames)


def slice_distance_mm(frames: Sequence[Frame]) -> float | None:
    """Return the distance of neighbouring slices by their positions; by the header where positions do not tell."""
    if all(frame.position and frame.orientation for frame in frames):
        steps = [after - before for before, after in pairwise(sorted(_depths(frames)))]
        apart = [step for step in steps if step > _SAME_PLACE_MM]
        if apart:
            return median(apart)
    return frames[0].between_mm if frames else None


def lost_at_an_end(frames: Sequence[Frame], expected: int | None) -> str:
    """Return a sign that slices are missing at an end, where positions cannot show it; empty if there is none."""
    first = min((frame.number for frame in frames if frame.number is not None), default=1)
    if first > 1:
        return f"InstanceNumber begins at {first}: is a slice missing at an end?"
    if expected and expected > len(frames):
        return f"ImagesInAcquisition is {expected}, but {len(frames)} are there: are slices missing?"
    return ""


def _repeated(frames: Sequence[Frame]) -> str:
    places = Counter(tuple(round(mm / _SAME_PLACE_MM) for mm in frame.position) for frame in frames)
    if len(places) == len(frames):
        return ""
    echoes = sorted({frame.te_ms for frame in frames if frame.te_ms is not None})
    times = f" with echo times {', '.join(f'{te:g}' for te in echoes)} ms" if len(echoes) > 1 else ""
    return f"{len(frames)} slices at {len(places)} positions{times}: several volumes in one series"


def _gaps(frames: Sequence[Frame]) -> str:
    """Name the positions at which slices are missing, or say that the distances differ."""
    ordered = [frame for _, frame in sorted(zip(_depths(frames), frames, strict=True), key=lambda pair: pair[0])]
    if (ordered[0].number or 0) > (ordered[-1].number or 0):
        ordered.reverse()
    steps = [abs(after - before) for before, after in pairwise(_depths(ordered))]
    if not steps or max(steps) - min(steps) <= _UNEQUAL * median(steps):
        return ""
    unit = min(steps)
    parts = [step / max(unit, _SAME_PLACE_MM) for step in steps]
    lost = [round(part) - 1 for part in parts]
    if any(abs(part - round(part)) > 2 * _UNEQUAL for part in parts):
        return f"slices lie {min(steps):.3g} to {max(steps):.3g} mm apart: one volume has equal distances"
    total, index, named = len(frames) + sum(lost), 0, []
    for (before, after), n in zip(pairwise(ordered), lost, strict=True):
        index += 1
        for k in range(1, n + 1):
            index += 1
            named.append(f"slice {index} of {total} at {_between(before.position, after.position, k / (n + 1))} mm")
    more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
    are = "is" if len(named) == 1 else "are"
    return f"{', '.join(named[:_SHOWN])}{more} {are} missing"


def _between(before: Point, after: Point, part: float) -> str:
    place = (a + part * (b - a) for a, b in zip(before, after, strict=True))
    return f"({', '.join(f'{mm:.1f}' for mm in place)})"


def _depths(frames: Sequence[Frame]) -> list[float]:
    """Return how far each frame lies along the normal of the first."""
    (a, b, c), (d, e, f) = frames[0].orientation[:3], frames[0].orientation[3:]
    normal = (b * f - c * e, c * d - a * f, a * e - b * d)
    return [sum(x * n for x, n in zip(frame.position, normal, strict=True)) for frame in frames]


def _distinct(directions: Sequence[Point]) -> int:
    found: list[Point] = []
    for direction in directions:
        if not any(max(abs(a - b) for a, b in zip(direction, one, strict=True)) < _SAME_DIRECTION for one in found):
            found.append(direction)
    return len(found)
