"""Draw predicted against reference volumes: identity line, and Bland and Altman's differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from residua.figures.grid import OF_SPLIT, Room, empty, panel_grid
from residua.figures.models import SPLITS, ShownModel, best_of, named, sizes
from residua.figures.style import FAINT, INK, OTHER, FigureFiles, opened, save_figure
from residua.settings.classification import Classification
from residua.statistics.bland_altman import bland_altman

_HEIGHT_MM, _MOST_MM = 46.0, 46.0
_LINEAR_ML = 0.1
"""Below this volume the axis is linear, so that nothing left has a place."""


def volumes_figure(
    cases: pd.DataFrame,
    choice: Mapping[str, str],
    classification: Classification,
    arch_labels: Mapping[str, str],
    alpha: float,
    out: FigureFiles,
) -> None:
    """Draw a row for each network from ``results/metrics``, with its best inputs for segmentation; save the figure."""
    models = best_of(cases, choice, "segmentation", classification, arch_labels)
    figure, panels = panel_grid(len(models), 3, _HEIGHT_MM, Room(top=10.0, above=6.0), _MOST_MM)
    most = max(10.0, 1.15 * float(cases[["reference_ml", "predicted_ml"]].to_numpy().max(initial=0.0)))
    for model, row in zip(models, panels, strict=True):
        _draw_volumes(row[0], model, most, classification.residual_tumor_ml)
        for axes, split in zip(row[1:], SPLITS, strict=True):
            _draw_differences(axes, model.of(split), split, most, alpha)
    handles = [
        Line2D(
            [], [], color=OF_SPLIT[split][0], marker=OF_SPLIT[split][1], linestyle="none", markersize=3.5, label=title
        )
        for split, title in SPLITS.items()
    ]
    figure.legend(handles=handles, loc="upper center", ncols=2, frameon=False)
    save_figure(figure, caption(models, alpha, classification.residual_tumor_ml), out)


def _points(axes: Axes, x: pd.Series, y: pd.Series, split: str) -> None:
    colour, marker = OF_SPLIT[split]
    axes.plot(x, y, marker, color=colour, markersize=3, markeredgecolor="white", markeredgewidth=0.3, clip_on=False)


def _scaled(axes: Axes, most: float, *which: str) -> None:
    marks = [mark for mark in (0.0, 0.1, 1.0, 10.0, 100.0, 1000.0) if mark <= most]
    for name in which:
        getattr(axes, f"set_{name}scale")("symlog", linthresh=_LINEAR_ML, linscale=0.5)
        getattr(axes, f"set_{name}lim")(0, most)
        getattr(axes, f"set_{name}ticks")(marks, [f"{mark:g}" for mark in marks])
        getattr(axes, f"{name}axis").set_tick_params(which="minor", length=0)


def _draw_volumes(axes: Axes, model: ShownModel, most: float, cut_ml: float) -> None:
    axes.plot([0, most], [0, most], color=FAINT, linewidth=0.6, zorder=0)
    for line in (axes.axhline, axes.axvline):
        line(cut_ml, color=FAINT, linewidth=0.5, linestyle=":", zorder=0)
    for split in SPLITS:
        own = model.of(split)
        _points(axes, own["reference_ml"], own["predicted_ml"], split)
    _scaled(axes, most, "x", "y")
    axes.set(xlabel="Reference (ml)", ylabel="Network (ml)")
    axes.set_title(model.name, loc="left")
    opened(axes)


def _draw_differences(axes: Axes, own: pd.DataFrame, split: str, most: float, alpha: float) -> None:
    if own.empty:
        empty(axes, f"{SPLITS[split]}:\nno patient")
        return
    differences = own["predicted_ml"] - own["reference_ml"]
    found = bland_altman(own["predicted_ml"], own["reference_ml"], alpha)
    for interval, style in ((found.bias, "-"), (found.lower, "--"), (found.upper, "--")):
        if interval.estimate is not None:
            axes.axhline(interval.estimate, color=INK, linewidth=0.8, linestyle=style)
        if interval.low is not None and interval.high is not None:
            axes.axhspan(interval.low, interval.high, color=OTHER, alpha=0.15, linewidth=0)
    axes.axhline(0, color=FAINT, linewidth=0.5, zorder=0)
    _points(axes, (own["predicted_ml"] + own["reference_ml"]) / 2, differences, split)
    _scaled(axes, most, "x")
    axes.set(xlabel="Mean of both (ml)", ylabel="Network − reference (ml)")
    limits = "limits not estimable"
    if found.lower.estimate is not None and found.upper.estimate is not None:
        limits = f"limits {_signed(found.lower.estimate)} to {_signed(found.upper.estimate)}"
    bias = "no bias" if found.bias.estimate is None else f"bias {_signed(found.bias.estimate)} ml"
    axes.set_title(f"{SPLITS[split]}, n = {len(own)}\n{bias}, {limits}", loc="left", fontsize=6.5)
    opened(axes)


def _signed(number: float) -> str:
    # Adding 0 makes a rounded −0 a plain one.
    return f"{round(number, 2) + 0.0:.2f}".replace("-", "−")


def caption(models: Sequence[ShownModel], alpha: float, cut_ml: float) -> str:
    """Write the caption."""
    level = f"{100 * (1 - alpha):g} %"
    return (
        "Agreement of volumes (not in the article): residual tumour by the network and by the reference, "
        f"{named(models)}, each with its best inputs for segmentation; {sizes(models, 'validation')} patients out of "
        f"fold, {sizes(models, 'test')} of the hold-out. Left: identity (line) and the cut of {cut_ml:g} ml (dotted); "
        f"axes are logarithmic from {_LINEAR_ML:g} ml on and linear below. Middle and right (Bland and Altman): "
        f"difference over the mean of both; lines: bias and {level} limits of agreement, bands: their {level} "
        "intervals. The limits take differences as normal, which volumes seldom are."
    )
