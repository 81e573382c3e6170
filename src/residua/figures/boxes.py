"""Draw boxes of a heading and lines, and arrows between them, on axes in mm whose y points downwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyArrowPatch, Rectangle
from matplotlib.textpath import text_to_path

from residua.figures.flow_words import FlowBox
from residua.figures.style import FAINT, INK, MM, new_figure

_LINE_MM, _HEAD_MM, _PADDING_MM = 3.3, 4.2, 2.0
_FONT = FontProperties(family="DejaVu Sans", size=7)
_POINT_MM = 1 / 72 / MM
_PLAIN: dict[str, Any] = {"va": "top", "parse_math": False}
"""Reasons are free text: a dollar begins no formula."""


@dataclass(frozen=True)
class PlacedBox:
    """A box with its place: left edge, upper edge and size in mm, y downwards."""

    box: FlowBox
    left: float
    top: float
    width: float

    @property
    def lines(self) -> list[str]:
        """Return the lines as they are broken."""
        return self.box.wrapped(self.width - 2 * _PADDING_MM, _width_mm)

    @property
    def height(self) -> float:
        """Return the height in mm."""
        return 2 * _PADDING_MM + _HEAD_MM + _LINE_MM * len(self.lines)

    @property
    def bottom(self) -> float:
        """Return the lower edge in mm."""
        return self.top + self.height

    @property
    def middle(self) -> float:
        """Return the middle from left to right in mm."""
        return self.left + self.width / 2


def _width_mm(text: str) -> float:
    return float(text_to_path.get_text_width_height_descent(text, _FONT, ismath=False)[0]) * _POINT_MM


def board(width_mm: float, height_mm: float) -> tuple[Figure, Axes]:
    """Return a figure of this size and axes that fill it, in mm from its upper left corner."""
    figure = new_figure(width_mm, height_mm)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(0, width_mm)
    axes.set_ylim(height_mm, 0)
    axes.set_axis_off()
    return figure, axes


def draw_box(axes: Axes, placed: PlacedBox, height_mm: float | None = None) -> None:
    """Draw the frame and the text of a box, as high as the text needs or higher."""
    size = (placed.width, height_mm or placed.height)
    frame = Rectangle((placed.left, placed.top), *size, fill=False, edgecolor=INK, linewidth=0.7)
    axes.add_patch(frame)
    x, y = placed.left + _PADDING_MM, placed.top + _PADDING_MM
    axes.text(x, y, placed.box.heading, fontsize=8, weight="bold", **_PLAIN)
    for number, line in enumerate(placed.lines):
        axes.text(x, y + _HEAD_MM + _LINE_MM * number, line, fontproperties=_FONT, **_PLAIN)


def arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw an arrow that touches both ends."""
    style: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 6, "shrinkA": 0, "shrinkB": 0}
    axes.add_patch(FancyArrowPatch(start, end, color=FAINT, linewidth=0.7, **style))
