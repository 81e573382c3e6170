"""Draw the pipeline (the article's Figure 2) from the configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from matplotlib.axes import Axes

from residua.figures.boxes import PlacedBox, arrow, board, draw_box
from residua.figures.pipeline_words import Row, caption, rows_of
from residua.figures.style import FAINT, FigureFiles, save_figure
from residua.settings.study import Study

_WIDTH_MM, _EDGE_MM, _ACROSS_MM, _DOWN_MM = 180.0, 1.0, 4.0, 8.0


def pipeline_figure(study: Study, folds: int, arch_labels: Mapping[str, str], rated: bool, out: FigureFiles) -> None:
    """Draw a row of boxes for each step, and save the figure."""
    placed, top = [], _EDGE_MM
    for row in rows_of(study, folds, arch_labels, rated):
        placed.append(_placed(row, top))
        top = max(box.bottom for box in placed[-1]) + _DOWN_MM
    figure, axes = board(_WIDTH_MM, top - _DOWN_MM + _EDGE_MM)
    for row_of_boxes in placed:
        height = max(box.height for box in row_of_boxes)
        for box in row_of_boxes:
            draw_box(axes, box, height)
    for above, below in pairwise(placed):
        _connect(axes, above, below)
    save_figure(figure, caption(study), out)


def _placed(row: Row, top: float) -> list[PlacedBox]:
    width = (_WIDTH_MM - 2 * _EDGE_MM - _ACROSS_MM * (len(row) - 1)) / len(row)
    return [PlacedBox(box, _EDGE_MM + place * (width + _ACROSS_MM), top, width) for place, box in enumerate(row)]


def _connect(axes: Axes, above: Sequence[PlacedBox], below: Sequence[PlacedBox]) -> None:
    """Join all boxes of a row to all of the next by a line between them."""
    bottom, top = max(box.bottom for box in above), below[0].top
    level = (bottom + top) / 2
    middles = [box.middle for box in (*above, *below)]
    axes.plot([min(middles), max(middles)], [level, level], color=FAINT, linewidth=0.7)
    for box in above:
        axes.plot([box.middle, box.middle], [bottom, level], color=FAINT, linewidth=0.7)
    for box in below:
        arrow(axes, (box.middle, level), (box.middle, top))
