"""Draw the Kaplan-Meier curves of patients with and without residual tumour, with the numbers at risk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MultipleLocator

from residua.figures.style import EXPERT, INK, NOVICE, FigureFiles, new_figure, opened, save_figure
from residua.figures.survival_words import caption
from residua.statistics.kaplan_meier import DAYS_OF_A_MONTH, survival_at

_GROUPS = {"residual tumour": NOVICE, "gross total resection": EXPERT}
_COLUMNS, _WIDTH_MM, _ROW_MM = 3, 180.0, 72.0
_LEFT_MM, _RIGHT_MM, _TOP_MM, _BELOW_MM, _BETWEEN_MM = 18.0, 3.0, 16.0, 21.0, 10.0
_TICKS = 4
_STEPS = (1, 2, 3, 6, 12, 24, 48)
"""Months between two marks of the axis: the first with which there are few enough."""


def kaplan_meier_figure(
    curves: pd.DataFrame,
    prognosis: pd.DataFrame,
    arch_labels: Mapping[str, str],
    alpha: float,
    residual_tumor_ml: float,
    out: FigureFiles,
) -> None:
    """Draw a panel for the manual segmentation and one for each network; the frames are of ``prognosis.analyse``."""
    judged = prognosis[prognosis["predictor"] == "gross_total"].to_dict("records")
    rows = max(1, -(-len(judged) // _COLUMNS))
    height, step = rows * _ROW_MM, _step(curves)
    figure = new_figure(_WIDTH_MM, height)
    inside = (_WIDTH_MM - _LEFT_MM - _RIGHT_MM - (_COLUMNS - 1) * _BETWEEN_MM) / _COLUMNS
    for place, row in enumerate(judged):
        below, across = divmod(place, _COLUMNS)
        left = (_LEFT_MM + across * (inside + _BETWEEN_MM)) / _WIDTH_MM
        bottom = (height - (below + 1) * _ROW_MM + _BELOW_MM) / height
        size = (inside / _WIDTH_MM, (_ROW_MM - _TOP_MM - _BELOW_MM) / height)
        axes = figure.add_axes((left, bottom, *size))
        own = curves[(curves["source"] == row["source"]) & (curves["inputs"] == row["inputs"])]
        _draw(axes, own, row, arch_labels, step)
        if not across:
            axes.set_ylabel("Alive (%)")
    handles = [Line2D([], [], color=colour, linewidth=1.6, label=name) for name, colour in _GROUPS.items()]
    figure.legend(handles=handles, loc="upper center", ncols=2, frameon=False)
    save_figure(figure, caption(prognosis, alpha, residual_tumor_ml), out)


def _step(curves: pd.DataFrame) -> int:
    """Return how many months apart the marks of the axis are."""
    most = max(1.0, curves["day"].max() / DAYS_OF_A_MONTH) if len(curves) else 1.0
    return next((step for step in _STEPS if most / step <= _TICKS), 12 * int(np.ceil(most / _TICKS / 12)))


def _draw(axes: Axes, curves: pd.DataFrame, row: Mapping[Any, Any], labels: Mapping[str, str], step: int) -> None:
    ends = step * (1 + max(1, int(curves["day"].max() / DAYS_OF_A_MONTH / step)) if len(curves) else 1)
    for place, (group, colour) in enumerate(_GROUPS.items()):
        own = curves[curves["group"] == group]
        _draw_curve(axes, own, colour)
        _write_at_risk(axes, own, colour, place, np.arange(0, ends + 1, step))
    axes.set(xlim=(0, ends), ylim=(0, 102), xlabel="Months after surgery")
    axes.xaxis.set_major_locator(MultipleLocator(step))
    axes.text(-0.02, -0.33, "At risk", transform=axes.transAxes, ha="right", fontsize=6, color=INK)
    name = f"{labels.get(row['source'], row['source'])} {row['inputs']}" if row["inputs"] else "Manual segmentation"
    axes.set_title(f"{name}\n{_numbers(row)}", loc="left", fontsize=7)
    opened(axes)


def _draw_curve(axes: Axes, curve: pd.DataFrame, colour: str) -> None:
    if curve.empty:
        return
    months = curve["day"].to_numpy(dtype=float) / DAYS_OF_A_MONTH
    survival, low, high = (100 * curve[name].to_numpy(dtype=float) for name in ("survival", "low", "high"))
    axes.fill_between(months, low, high, step="post", color=colour, alpha=0.18, linewidth=0)
    axes.step(months, survival, where="post", color=colour, linewidth=1.2)
    censored = curve["censored"].to_numpy() > 0
    axes.plot(months[censored], survival[censored], "|", color=colour, markersize=4, markeredgewidth=0.8)


def _write_at_risk(axes: Axes, curve: pd.DataFrame, colour: str, place: int, months: Any) -> None:
    level = -0.43 - 0.1 * place
    across = axes.get_xaxis_transform()
    for month in months:
        followed, *_ = survival_at(curve, month * DAYS_OF_A_MONTH)
        axes.text(month, level, str(followed), transform=across, ha="center", fontsize=6, color=colour)


def _numbers(row: Mapping[Any, Any]) -> str:
    if pd.isna(row["ratio"]):
        ratio = "HR not estimable"
    else:
        ratio = f"HR {row['ratio']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"
    if not pd.isna(row["log_rank_p"]):
        return f"{ratio}, p = {row['log_rank_p']:.3f}".replace("p = 0.000", "p < 0.001")
    return ratio if pd.isna(row["ratio"]) else f"{ratio}, p not estimable"
