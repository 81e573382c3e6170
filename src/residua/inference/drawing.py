"""Draw the pictures of a new patient, for the page and for the sheet."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from residua.figures.panels import bare, mark_sides, note, outline, scale_bar, show_slice
from residua.figures.style import PREDICTION, new_figure
from residua.inference.panels import Panel, Shown

COLUMNS = 4
WIDTH_MM, ROW_MM = 190.0, 57.0
_LARGEST_SPREAD, _LEAST_SPREAD = 0.5, 0.02
_DPI = 200


def rows_of(shown: Shown) -> int:
    """Return how many rows the panels fill."""
    return -(-len(shown.panels) // COLUMNS)


def draw(figure: Figure | SubFigure, shown: Shown) -> None:
    """Draw the panels in rows."""
    grid = figure.subplots(rows_of(shown), COLUMNS, squeeze=False)
    figure.subplots_adjust(left=0, right=1, bottom=0.01, top=0.94, wspace=0.03, hspace=0.12)
    for axes, panel in zip(grid.flat, shown.panels, strict=False):
        _draw(axes, panel)
    for axes in grid.flat[len(shown.panels) :]:
        axes.set_visible(False)


def _draw(axes: Axes, panel: Panel) -> None:
    show_slice(axes, panel.pixels, panel.pixel_mm, panel.window, panel.field)
    axes.set_title(panel.title, fontsize=6.5, pad=2.5)
    if panel.spread is not None:
        _draw_spread(axes, panel)
    outline(axes, panel.outline, panel.pixel_mm, PREDICTION, 0.9)
    if panel.sides:
        mark_sides(axes)
    else:
        note(axes, 0.03, 0.97, "A", ha="left", va="top")
        note(axes, 0.97, 0.97, "P", ha="right", va="top")
    scale_bar(axes, 10.0 if panel.field.width_mm < 100 else 50.0)


def _draw_spread(axes: Axes, panel: Panel) -> None:
    assert panel.spread is not None
    height, width = panel.spread.shape
    extent = (0.0, width * panel.pixel_mm[0], height * panel.pixel_mm[1], 0.0)
    seen = np.ma.masked_less(panel.spread, _LEAST_SPREAD)
    # A smooth picture would lose a rim that is one voxel wide: between a value and none there is none.
    look: dict[str, Any] = {"cmap": "viridis", "vmin": 0, "vmax": _LARGEST_SPREAD, "alpha": 0.8}
    drawn = axes.imshow(seen, extent=extent, interpolation="nearest", **look)
    beside = axes.inset_axes((0.05, 0.08, 0.36, 0.035))
    bare(beside)
    beside.imshow(np.linspace(0, 1, 64)[np.newaxis], cmap=drawn.get_cmap(), aspect="auto")
    note(axes, 0.05, 0.13, "SD 0", 5.5, ha="left", va="bottom")
    note(axes, 0.41, 0.13, f"{_LARGEST_SPREAD:g}", 5.5, ha="right", va="bottom")


def embedded(shown: Shown) -> str:
    """Return the panels as a PNG in a data URI."""
    figure = new_figure(WIDTH_MM, ROW_MM * rows_of(shown))
    draw(figure, shown)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=_DPI, metadata={"Software": None})
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"
