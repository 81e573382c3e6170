"""Draw the participant flow as a CONSORT diagram."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from residua.figures.boxes import PlacedBox, arrow, board, draw_box
from residua.figures.flow_words import boxes, caption
from residua.figures.style import FAINT, FigureFiles, save_figure

_WIDTH_MM, _COLUMN_MM, _GAP_MM, _EDGE_MM = 180.0, 86.0, 6.0, 1.0


def flow_figure(flow: Mapping[str, Any], out: FigureFiles) -> None:
    """Draw ``results/cohort/flow.json`` and save the figure."""
    save_figure(drawn(flow), caption(flow), out)


def drawn(flow: Mapping[str, Any]) -> Figure:
    """Draw the figure; its height follows the number of lines."""
    placed = _placed(flow)
    height = max(each.bottom for each in placed.values()) + _EDGE_MM
    figure, axes = board(_WIDTH_MM, height)
    for each in placed.values():
        draw_box(axes, each)
    _connect(axes, placed)
    return figure


def _placed(flow: Mapping[str, Any]) -> dict[str, PlacedBox]:
    shown = boxes(flow)
    left, right = _EDGE_MM, _WIDTH_MM - _EDGE_MM - _COLUMN_MM
    placed = {"assessed": PlacedBox(shown.assessed, left, _EDGE_MM, _COLUMN_MM)}
    # Beside the arrow from the patients assessed to those included, which must be long enough for it.
    placed["left_out"] = PlacedBox(shown.left_out, right, placed["assessed"].bottom + _GAP_MM / 2, _COLUMN_MM)
    placed["included"] = PlacedBox(shown.included, left, placed["left_out"].bottom + _GAP_MM / 2, _COLUMN_MM)
    below = placed["included"].bottom + _GAP_MM
    placed["cross_validation"] = PlacedBox(shown.cross_validation, left, below, _COLUMN_MM)
    placed["holdout"] = PlacedBox(shown.holdout, right, below, _COLUMN_MM)
    if shown.inputs:
        below = max(placed["cross_validation"].bottom, placed["holdout"].bottom) + _GAP_MM
        placed["inputs"] = PlacedBox(shown.inputs, left, below, _WIDTH_MM - 2 * _EDGE_MM)
    return placed


def _connect(axes: Axes, placed: Mapping[str, PlacedBox]) -> None:
    assessed, included, out = placed["assessed"], placed["included"], placed["left_out"]
    arrow(axes, (assessed.middle, assessed.bottom), (assessed.middle, included.top))
    beside = out.top + out.height / 2
    arrow(axes, (assessed.middle, beside), (out.left, beside))
    branch = included.bottom + _GAP_MM / 2
    for name in ("cross_validation", "holdout"):
        target = placed[name]
        if name == "holdout":
            axes.plot([included.middle, target.middle], [branch, branch], color=FAINT, linewidth=0.7)
        start = included.bottom if name == "cross_validation" else branch
        arrow(axes, (target.middle, start), (target.middle, target.top))
