"""Draw forest plots: mean Dice with its interval, of every hospital and of every other subgroup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon

from residua.figures.forest_lines import (
    HOLDOUT,
    OUT_OF_FOLD,
    SUMMARY,
    ForestLine,
    ForestMark,
    caption_of_hospitals,
    caption_of_subgroups,
    hospital_lines,
    subgroup_lines,
)
from residua.figures.style import FAINT, INK, MODEL, NOVICE, OTHER, FigureFiles, new_figure, save_figure
from residua.settings.statistics import Statistics

_COLOURS = {OUT_OF_FOLD: MODEL, HOLDOUT: NOVICE, SUMMARY: OTHER}
_MARKERS = {OUT_OF_FOLD: "o", HOLDOUT: "s", SUMMARY: "D"}
_WIDTH_MM, _ROW_MM, _TOP_MM, _BOTTOM_MM = 180.0, 4.6, 14.0, 11.0
_N_AT = 1.02
"""Where the numbers of patients stand, as a share of the axes' width."""


def hospitals_figure(
    subgroups: pd.DataFrame,
    hospitals: pd.DataFrame,
    arch_labels: Mapping[str, str],
    statistics: Statistics,
    out: FigureFiles,
) -> None:
    """Draw every hospital, the hold-out's marked, and their random-effects summary, a panel for each network."""
    lines = hospital_lines(subgroups, hospitals)
    _draw(lines, arch_labels, caption_of_hospitals(lines, hospitals, arch_labels, statistics), out)


def subgroups_figure(
    subgroups: pd.DataFrame, arch_labels: Mapping[str, str], statistics: Statistics, out: FigureFiles
) -> None:
    """Draw every group of the other covariates, out of fold and hold-out, a panel for each network."""
    _draw(subgroup_lines(subgroups), arch_labels, caption_of_subgroups(subgroups, statistics), out)


def _draw(lines: Sequence[ForestLine], arch_labels: Mapping[str, str], caption: str, out: FigureFiles) -> None:
    archs = list(dict.fromkeys(mark.arch for line in lines for mark in line.marks))
    height = _TOP_MM + _BOTTOM_MM + _ROW_MM * max(len(lines), 3)
    figure = new_figure(_WIDTH_MM, height)
    if not archs:
        figure.text(0.5, 0.5, "no subgroup is known", ha="center", color=FAINT)
        save_figure(figure, caption, out)
        return
    sides = {"left": 0.2, "right": 0.93, "top": 1 - _TOP_MM / height, "bottom": _BOTTOM_MM / height}
    grid = figure.add_gridspec(1, len(archs), **sides, wspace=0.24)
    for column, arch in enumerate(archs):
        axes = figure.add_subplot(grid[0, column])
        for place, line in enumerate(lines):
            _draw_line(axes, -place, [mark for mark in line.marks if mark.arch == arch])
        _dress(axes, lines, column == 0)
        axes.set_title(arch_labels.get(arch, arch), loc="left", pad=10)
    kinds = [kind for kind in _COLOURS if any(mark.kind == kind for line in lines for mark in line.marks)]
    handles = [Line2D([], [], color=_COLOURS[kind], marker=_MARKERS[kind], markersize=4, label=kind) for kind in kinds]
    figure.legend(handles=handles, loc="upper center", ncols=len(handles), frameon=False, fontsize=7)
    save_figure(figure, caption, out)


def _draw_line(axes: Axes, place: float, marks: Sequence[ForestMark]) -> None:
    for number, mark in enumerate(marks):
        # Two marks of one line stand above and below it.
        at = place + (0.18 * (1 - 2 * number) if len(marks) > 1 else 0.0)
        colour = _COLOURS[mark.kind]
        if mark.kind == SUMMARY:
            _draw_summary(axes, at, mark)
        elif mark.estimate is not None:
            if mark.low is not None and mark.high is not None:
                axes.plot([mark.low, mark.high], [at, at], color=colour, linewidth=1.0)
            axes.plot(mark.estimate, at, _MARKERS[mark.kind], color=colour, markersize=3.2)
        elif len(marks) == 1:
            _write(axes, at, "too few patients")
    counts = " / ".join(mark.count for mark in marks)
    if counts:
        axes.text(_N_AT, place, counts, transform=axes.get_yaxis_transform(), va="center", fontsize=6, color=INK)


def _draw_summary(axes: Axes, at: float, mark: ForestMark) -> None:
    if mark.estimate is None or mark.low is None or mark.high is None:
        # The reason stands in the table: a sentence would reach into the next panel.
        _write(axes, at, "not estimable")
        return
    if mark.outer is not None:
        axes.plot(mark.outer, [at, at], color=_COLOURS[SUMMARY], linewidth=0.8, linestyle=(0, (2, 1.5)))
    corners = [(mark.low, at), (mark.estimate, at + 0.28), (mark.high, at), (mark.estimate, at - 0.28)]
    axes.add_patch(Polygon(corners, closed=True, facecolor=_COLOURS[SUMMARY], edgecolor=INK, linewidth=0.5))


def _write(axes: Axes, at: float, text: str) -> None:
    axes.text(1, at, text, va="center", fontsize=6, color=FAINT)


def _dress(axes: Axes, lines: Sequence[ForestLine], first: bool) -> None:
    axes.set_ylim(-len(lines) + 0.4, 0.6)
    axes.set_xlim(0, 100)
    axes.set_xlabel("Mean Dice of patients with residual tumour (%)", fontsize=6.5)
    axes.set_yticks([-place for place in range(len(lines))], [line.label if first else "" for line in lines])
    for label, line in zip(axes.get_yticklabels(), lines, strict=True):
        label.set_fontweight("bold" if line.heading else "normal")
    axes.tick_params(axis="y", length=0)
    for place, line in enumerate(lines):
        if line.heading and place:
            axes.axhline(-place + 0.5, color="#d8d8d8", linewidth=0.6, zorder=0)
    axes.set_xticks([0, 25, 50, 75, 100])
    for at in (25, 50, 75):
        axes.axvline(at, color="#ececec", linewidth=0.5, zorder=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.text(_N_AT, 1.0, "n", transform=axes.transAxes, va="bottom", fontsize=6, color=INK, style="italic")
