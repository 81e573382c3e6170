"""Draw a case: the reference scan with the reference standard, and closer with the mask of each network."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from residua.figures.panels import mark_sides, outline, scale_bar, show_slice
from residua.figures.slices import FieldOfView, busiest_level, field_around, picture, resized
from residua.figures.style import PREDICTION, REFERENCE, new_figure
from residua.images import volumes
from residua.images.display import window

Files = Mapping[str, str | PathLike[str]]
_TILE_MM, _GAP_MM, _TOP_MM = 55.0, 1.5, 5.0
_MARGIN_MM, _SMALLEST_MM = 12.0, 60.0
_DPI, _QUALITY = 130, 85


@dataclass(frozen=True)
class _Slice:
    """One axial slice of a patient: grey values and masks as pictures, and what of them to show."""

    pixels: NDArray[np.floating]
    pixel_mm: tuple[float, float]
    window: tuple[float, float]
    reference: NDArray[np.bool_]
    predictions: Mapping[str, NDArray[np.bool_]]
    whole: FieldOfView
    close: FieldOfView


def case_picture(image: str, reference: str, brain: str | PathLike[str], predictions: Files) -> str:
    """Return the picture of a patient as a JPEG in a data URI.

    ``predictions`` holds the mask of each network under the title of its panel. The slice is the axial one on which
    reference and predictions differ most.
    """
    shown = _slice_of(image, reference, brain, predictions)
    panels = 1 + len(shown.predictions)
    figure = new_figure(panels * (_TILE_MM + _GAP_MM) - _GAP_MM, _TILE_MM + _TOP_MM)
    _draw_whole(_axes(figure, 0, panels), shown)
    for number, (title, mask) in enumerate(shown.predictions.items(), start=1):
        _draw_close(_axes(figure, number, panels), shown, title, mask)
    stream = io.BytesIO()
    figure.savefig(stream, format="jpeg", dpi=_DPI, pil_kwargs={"quality": _QUALITY})
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"


def _slice_of(image: str, reference: str, brain: str | PathLike[str], predictions: Files) -> _Slice:
    scan, manual = volumes.load(image), volumes.load_mask(reference).data
    head = volumes.load_mask(brain).data
    found = {title: volumes.load_mask(file).data for title, file in predictions.items()}
    differ = np.sum([mask ^ manual for mask in found.values()], axis=0, dtype=np.int64) if found else manual
    marked = np.logical_or.reduce([manual, *found.values()])
    level = int(differ.sum(axis=(0, 1)).argmax()) if differ.any() else busiest_level(marked)
    x, y, _ = scan.grid.spacing_mm
    # The whole brain, not its slice alone: a high slice would be shown larger than the others.
    whole = field_around(picture(np.any(head, axis=2, keepdims=True), 0), (x, y), _MARGIN_MM / 2)
    side = max(whole.width_mm, whole.height_mm)
    seen = picture(marked, level)
    around = field_around(seen, (x, y), _MARGIN_MM) if seen.any() else resized(whole, _SMALLEST_MM, _SMALLEST_MM)
    close = max(around.width_mm, around.height_mm, _SMALLEST_MM)
    return _Slice(
        pixels=picture(scan.data, level),
        pixel_mm=(x, y),
        window=window(scan.data, head, manual),
        reference=picture(manual, level),
        predictions={title: picture(mask, level) for title, mask in found.items()},
        whole=resized(whole, side, side),
        close=resized(around, close, close),
    )


def _axes(figure: Figure, number: int, panels: int) -> Axes:
    width, height = panels * (_TILE_MM + _GAP_MM) - _GAP_MM, _TILE_MM + _TOP_MM
    return figure.add_axes((number * (_TILE_MM + _GAP_MM) / width, 0, _TILE_MM / width, _TILE_MM / height))


def _draw_whole(axes: Axes, shown: _Slice) -> None:
    show_slice(axes, shown.pixels, shown.pixel_mm, shown.window, shown.whole)
    outline(axes, shown.reference, shown.pixel_mm, REFERENCE, 0.8)
    (column, row), side = shown.close.centre_mm, shown.close.width_mm
    frame = Rectangle((column - side / 2, row - side / 2), side, side, fill=False, edgecolor="white", linewidth=0.5)
    axes.add_patch(frame)
    axes.set_title("Whole slice", fontsize=7, pad=3)
    mark_sides(axes)
    scale_bar(axes, 50.0)


def _draw_close(axes: Axes, shown: _Slice, title: str, mask: NDArray[np.bool_]) -> None:
    show_slice(axes, shown.pixels, shown.pixel_mm, shown.window, shown.close)
    outline(axes, shown.reference, shown.pixel_mm, REFERENCE, 1.3)
    outline(axes, mask, shown.pixel_mm, PREDICTION, 1.0)
    axes.set_title(title, fontsize=7, pad=3)
    mark_sides(axes)
    scale_bar(axes, 10.0)
