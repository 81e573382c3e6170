"""Place panels of one size in rows and columns, in mm, with room for what stands around each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from residua.figures.style import FAINT, INK, NOVICE, new_figure

WIDTH_MM = 180.0
LINES = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
"""Colours of networks and folds, of Okabe and Ito's palette; more begin anew."""
OF_SPLIT = {"validation": (LINES[0], "o"), "test": (NOVICE, "D")}
"""Colour and marker of the patients of each split."""


Look = dict[str, Any]
"""The colour, width and dashes of a line."""
_DASHES = ("-", (0, (4, 1.5)), (0, (1.5, 1.2)))


def look(place: int) -> Look:
    """Return how the line of the network number ``place`` looks; dashes tell lines apart that cover each other."""
    return {"color": LINES[place % len(LINES)], "linestyle": _DASHES[place % len(_DASHES)], "linewidth": 1.2}


@dataclass(frozen=True)
class Room:
    """Room around each panel, in mm: for its title, its axes' names and what stands below them."""

    left: float = 13.0
    right: float = 3.0
    top: float = 8.0
    bottom: float = 11.0
    above: float = 1.0
    """Above all panels, for a legend."""


def panel_grid(
    rows: int, columns: int, height_mm: float, room: Room, most_mm: float = 90.0
) -> tuple[Figure, list[list[Axes]]]:
    """Return a figure and its panels by row and column; a panel is ``height_mm`` high and at most ``most_mm`` wide."""
    width = min(most_mm, WIDTH_MM / columns - room.left - room.right)
    step_x, step_y = width + room.left + room.right, height_mm + room.top + room.bottom
    total = (columns * step_x, rows * step_y + room.above)
    figure = new_figure(*total)
    return figure, [
        [
            figure.add_axes(
                (
                    (column * step_x + room.left) / total[0],
                    1 - (room.above + row * step_y + room.top + height_mm) / total[1],
                    width / total[0],
                    height_mm / total[1],
                )
            )
            for column in range(columns)
        ]
        for row in range(rows)
    ]


def empty(axes: Axes, words: str) -> None:
    """Write in a panel why it shows nothing."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", color=FAINT, wrap=True)


def listed_below(axes: Axes, lines: list[tuple[Look, str]], height_mm: float, first_mm: float) -> None:
    """Write lines of text below a panel, each after a line of its look; the first ``first_mm`` below the axes."""
    for place, (style, text) in enumerate(lines):
        y = -(first_mm + 3.2 * place) / height_mm
        sample = Line2D([0, 0.08], [y, y], **style, transform=axes.transAxes, clip_on=False)
        axes.add_artist(sample)
        axes.text(0.11, y, text, transform=axes.transAxes, va="center", fontsize=6.5, color=INK)
