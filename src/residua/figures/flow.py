"""Draw the participant flow as a CONSORT diagram."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyArrowPatch, Rectangle
from matplotlib.textpath import text_to_path

from residua.figures.flow_words import FlowBox, boxes, caption
from residua.figures.style import FAINT, INK, MM, FigureFiles, new_figure, save_figure

_WIDTH_MM, _COLUMN_MM, _GAP_MM, _EDGE_MM = 180.0, 86.0, 6.0, 1.0
_LINE_MM, _HEAD_MM, _PADDING_MM = 3.3, 4.2, 2.0
_FONT = FontProperties(family="DejaVu Sans", size=7)
_POINT_MM = 1 / 72 / MM
_PLAIN: dict[str, Any] = {"va": "top", "parse_math": False}
"""Reasons are free text: a dollar begins no formula."""


@dataclass(frozen=True)
class _Placed:
    """A box with its place: left edge, upper edge and size in mm, y downwards."""

    box: FlowBox
    left: float
    top: float
    width: float

    @property
    def lines(self) -> list[str]:
        return self.box.wrapped(self.width - 2 * _PADDING_MM, _width_mm)

    @property
    def height(self) -> float:
        return 2 * _PADDING_MM + _HEAD_MM + _LINE_MM * len(self.lines)

    @property
    def bottom(self) -> float:
        return self.top + self.height

    @property
    def middle(self) -> float:
        return self.left + self.width / 2


def _width_mm(text: str) -> float:
    return float(text_to_path.get_text_width_height_descent(text, _FONT, ismath=False)[0]) * _POINT_MM


def flow_figure(flow: Mapping[str, Any], out: FigureFiles) -> None:
    """Draw ``results/cohort/flow.json`` and save the figure."""
    save_figure(drawn(flow), caption(flow), out)


def drawn(flow: Mapping[str, Any]) -> Figure:
    """Draw the figure; its height follows the number of lines."""
    placed = _placed(flow)
    height = max(each.bottom for each in placed.values()) + _EDGE_MM
    figure = new_figure(_WIDTH_MM, height)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(0, _WIDTH_MM)
    axes.set_ylim(height, 0)
    axes.set_axis_off()
    for each in placed.values():
        _draw(axes, each)
    _connect(axes, placed)
    return figure


def _placed(flow: Mapping[str, Any]) -> dict[str, _Placed]:
    shown = boxes(flow)
    left, right = _EDGE_MM, _WIDTH_MM - _EDGE_MM - _COLUMN_MM
    placed = {"assessed": _Placed(shown.assessed, left, _EDGE_MM, _COLUMN_MM)}
    # Beside the arrow from the patients assessed to those included, which must be long enough for it.
    placed["left_out"] = _Placed(shown.left_out, right, placed["assessed"].bottom + _GAP_MM / 2, _COLUMN_MM)
    placed["included"] = _Placed(shown.included, left, placed["left_out"].bottom + _GAP_MM / 2, _COLUMN_MM)
    below = placed["included"].bottom + _GAP_MM
    placed["cross_validation"] = _Placed(shown.cross_validation, left, below, _COLUMN_MM)
    placed["holdout"] = _Placed(shown.holdout, right, below, _COLUMN_MM)
    if shown.inputs:
        below = max(placed["cross_validation"].bottom, placed["holdout"].bottom) + _GAP_MM
        placed["inputs"] = _Placed(shown.inputs, left, below, _WIDTH_MM - 2 * _EDGE_MM)
    return placed


def _draw(axes: Axes, placed: _Placed) -> None:
    frame = Rectangle((placed.left, placed.top), placed.width, placed.height, fill=False, edgecolor=INK, linewidth=0.7)
    axes.add_patch(frame)
    x, y = placed.left + _PADDING_MM, placed.top + _PADDING_MM
    axes.text(x, y, placed.box.heading, fontsize=8, weight="bold", **_PLAIN)
    for number, line in enumerate(placed.lines):
        axes.text(x, y + _HEAD_MM + _LINE_MM * number, line, fontproperties=_FONT, **_PLAIN)


def _connect(axes: Axes, placed: Mapping[str, _Placed]) -> None:
    assessed, included, out = placed["assessed"], placed["included"], placed["left_out"]
    _arrow(axes, (assessed.middle, assessed.bottom), (assessed.middle, included.top))
    beside = out.top + out.height / 2
    _arrow(axes, (assessed.middle, beside), (out.left, beside))
    branch = included.bottom + _GAP_MM / 2
    for name in ("cross_validation", "holdout"):
        target = placed[name]
        if name == "holdout":
            axes.plot([included.middle, target.middle], [branch, branch], color=FAINT, linewidth=0.7)
        start = included.bottom if name == "cross_validation" else branch
        _arrow(axes, (target.middle, start), (target.middle, target.top))


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    style: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 6, "shrinkA": 0, "shrinkB": 0}
    axes.add_patch(FancyArrowPatch(start, end, color=FAINT, linewidth=0.7, **style))
