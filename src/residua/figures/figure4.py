"""Draw Figure 4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from residua.figures.agreement import KINDS, REFERENCES, Scored, caption, panels
from residua.figures.style import EXPERT, FAINT, INK, MODEL, NOVICE, OTHER, FigureFiles, new_figure, opened, save_figure

_COLOURS = {"novice": NOVICE, "expert": EXPERT, "model": MODEL, "reference": OTHER}
_WIDTH_MM, _HEIGHT_MM = 180.0, 88.0
_BOTTOM_MM, _TOP_MM, _LETTER_MM = 17.6, 12.32, 1.33
"""Room for the names below, for title and legend above, and of a letter; longer names make the figure higher."""
_BOX, _SPREAD, _NEAR = 0.58, 0.09, 0.02


def figure4(
    scores: pd.DataFrame,
    arch_labels: Mapping[str, str],
    residual_tumor_ml: float,
    out: FigureFiles,
) -> None:
    """Draw a panel for each reference from ``results/raters/scores.parquet``, and save the figure."""
    shown = panels(scores, arch_labels)
    below = max(_BOTTOM_MM, _LETTER_MM * _longest_name(shown))
    height = _HEIGHT_MM + below - _BOTTOM_MM
    figure = new_figure(_WIDTH_MM, height)
    top, bottom = 1 - _TOP_MM / height, below / height
    grid = figure.add_gridspec(1, len(shown), left=0.065, right=0.995, top=top, bottom=bottom, wspace=0.06)
    for index, (reference, scorers) in enumerate(shown.items()):
        axes = figure.add_subplot(grid[0, index])
        _draw(axes, scorers)
        axes.set_title(f"Against: {REFERENCES[reference].lower()}", fontsize=8, pad=5)
        if index:
            axes.set_yticklabels([])
        else:
            axes.set_ylabel("Jaccard index")
    there = {scored.kind for scorers in shown.values() for scored in scorers}
    handles = [
        Line2D([], [], color=_COLOURS[kind], marker="o", markersize=4, linewidth=2, label=label)
        for kind, label in KINDS.items()
        if kind in there
    ]
    figure.legend(handles=handles, loc="upper center", ncols=len(handles), frameon=False, fontsize=7)
    save_figure(figure, caption(shown, residual_tumor_ml), out)


def _longest_name(shown: Mapping[str, Sequence[Scored]]) -> int:
    lines = [line for scorers in shown.values() for scored in scorers for line in scored.label.split("\n")]
    return 2 + max((len(line) for line in lines), default=0)


def _draw(axes: Axes, scorers: Sequence[Scored]) -> None:
    for place, scored in enumerate(scorers):
        _draw_scorer(axes, place, scored)
        axes.text(place, -0.045, f"{len(scored.jaccard)}", ha="center", va="center", fontsize=6, color=INK)
    axes.text(-0.72, -0.045, "n", ha="center", va="center", fontsize=6, color=INK, style="italic")
    for place in range(1, len(scorers)):
        if scorers[place].kind != scorers[place - 1].kind:
            axes.axvline(place - 0.5, color="#d8d8d8", linewidth=0.6, zorder=0)
    axes.set_xticks(range(len(scorers)), [scored.label for scored in scorers], rotation=90)
    axes.tick_params(axis="x", length=0, pad=3)
    axes.set_xlim(-0.95, len(scorers) - 0.4)
    axes.set_ylim(-0.085, 1.02)
    axes.set_yticks(np.arange(0, 1.01, 0.2))
    axes.axhline(0, color=FAINT, linewidth=0.5, zorder=0)
    opened(axes)


def _draw_scorer(axes: Axes, place: int, scored: Scored) -> None:
    if not scored.jaccard.size:
        axes.text(place, 0.02, "no case", rotation=90, ha="center", va="bottom", fontsize=6, color=FAINT)
        return
    colour = _COLOURS[scored.kind]
    axes.boxplot(
        [scored.jaccard],
        positions=[place],
        widths=_BOX,
        showfliers=False,
        manage_ticks=False,
        patch_artist=True,
        boxprops={"facecolor": f"{colour}33", "edgecolor": colour, "linewidth": 0.8},
        medianprops={"color": colour, "linewidth": 1.8},
        whiskerprops={"color": colour, "linewidth": 0.8},
        capprops={"color": colour, "linewidth": 0.8},
    )
    axes.plot(
        place + _beside(scored.jaccard),
        scored.jaccard,
        linestyle="none",
        marker="o",
        markersize=2.4,
        markerfacecolor=colour,
        markeredgecolor="white",
        markeredgewidth=0.3,
        zorder=3,
    )


def _beside(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shift each point from the middle so that near values do not hide each other; without random numbers."""
    places = np.arange(int(_BOX / _SPREAD))
    # 0, 1, -1, 2, -2, …: as near to the middle as there is room.
    shifts = np.where(places % 2, (places + 1) // 2, -(places // 2)) * _SPREAD
    chosen = np.zeros(len(values))
    order = np.argsort(values, kind="stable")
    for rank, index in enumerate(order):
        lower = [other for other in order[:rank] if values[index] - values[other] < _NEAR]
        taken = {round(float(chosen[other]), 6) for other in lower}
        chosen[index] = next((shift for shift in shifts if round(float(shift), 6) not in taken), 0.0)
    return chosen
