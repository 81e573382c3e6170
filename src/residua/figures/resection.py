"""Draw the figure of the resections: extents against each other, their differences, and classes of RANO resect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from residua.figures.extents import LEAST, caption
from residua.figures.style import FAINT, INK, MODEL, OTHER, FigureFiles, new_figure, opened, save_figure
from residua.resection.summary import EVERYONE, MEASURED

_WIDTH_MM, _ROW_MM = 180.0, 62.0


def resection_figure(
    patients: pd.DataFrame, summary: pd.DataFrame, arch_labels: Mapping[str, str], alpha: float, out: FigureFiles
) -> None:
    """Draw a row for each network, over the patients of the hold-out, and save the figure.

    ``patients`` and ``summary`` are the frames of ``residua.resection.compare``.
    """
    test = patients[patients["split"] == "test"]
    models = list(test.groupby(["arch", "inputs"], sort=False))
    height = _ROW_MM * max(len(models), 1)
    figure = new_figure(_WIDTH_MM, height)
    sides = {"left": 0.065, "right": 0.99, "top": 1 - 7 / height, "bottom": 11 / height}
    grid = figure.add_gridspec(max(len(models), 1), 3, **sides, wspace=0.3, hspace=0.42)
    for row, ((arch, inputs), of_model) in enumerate(models):
        name = f"{arch_labels.get(str(arch), str(arch))} {inputs}"
        axes = [figure.add_subplot(grid[row, column]) for column in range(3)]
        numbers = _numbers(summary, str(arch), str(inputs))
        _draw_extents(axes[0], of_model, name)
        _draw_differences(axes[1], of_model, numbers)
        _draw_classes(axes[2], of_model, numbers)
    if not models:
        figure.text(0.5, 0.5, "no patient of the hold-out", ha="center", color=FAINT)
    save_figure(figure, caption(test, alpha), out)


def _numbers(summary: pd.DataFrame, arch: str, inputs: str) -> Mapping[Any, Any]:
    chosen = (summary["arch"] == arch) & (summary["inputs"] == inputs)
    chosen &= (summary["split"] == "test") & (summary["hospital"] == EVERYONE)
    (numbers,) = summary[chosen].to_dict("records")
    return numbers


def _draw_extents(axes: Axes, patients: pd.DataFrame, name: str) -> None:
    known = patients.dropna(subset=["extent_reference"])
    reference, predicted = _shown(known["extent_reference"]), _shown(known["extent_predicted"])
    low, high = _shown(known["extent_low"]), _shown(known["extent_high"])
    every = np.concatenate([reference, predicted, low[~np.isnan(low)]])
    ends = [float(every.min(initial=80.0)) - 3, 103.0]
    axes.plot(ends, ends, color=FAINT, linewidth=0.6, zorder=0)
    axes.vlines(reference, low, high, color=MODEL, linewidth=0.9, alpha=0.45)
    axes.plot(reference, predicted, "o", markersize=2.6, color=MODEL, markeredgecolor="white", markeredgewidth=0.3)
    axes.set(xlim=ends, ylim=ends, xlabel="Extent by the reference (%)", ylabel="Extent by the network (%)")
    axes.set_title(name, loc="left")
    opened(axes)


def _draw_differences(axes: Axes, patients: pd.DataFrame, numbers: Mapping[Any, Any]) -> None:
    known = patients.dropna(subset=["extent_reference"])
    reference, predicted = (known[f"extent_{side}"].to_numpy(dtype=float) for side in ("reference", "predicted"))
    for name, style in (("bias", "-"), ("lower", "--"), ("upper", "--")):
        if not np.isnan(numbers[name]):
            axes.axhline(numbers[name], color=INK, linewidth=0.8, linestyle=style)
        if not np.isnan(numbers[f"{name}_low"]):
            axes.axhspan(numbers[f"{name}_low"], numbers[f"{name}_high"], color=OTHER, alpha=0.15, linewidth=0)
    axes.axhline(0, color=FAINT, linewidth=0.5, zorder=0)
    axes.plot((reference + predicted) / 2, predicted - reference, "o", markersize=2.6, color=MODEL)
    axes.set(xlabel="Mean of both (%)", ylabel="Network − reference (points)")
    axes.set_title(f"n = {len(known)}", loc="left")
    opened(axes)


def _draw_classes(axes: Axes, patients: pd.DataFrame, numbers: Mapping[Any, Any]) -> None:
    counts = np.zeros((len(MEASURED), len(MEASURED)), dtype=int)
    for reference, predicted in zip(patients["rano_reference"], patients["rano_predicted"], strict=True):
        counts[MEASURED.index(reference), MEASURED.index(predicted)] += 1
    axes.imshow(counts, cmap="Blues", vmin=0, vmax=max(1, 1.4 * counts.max()), aspect="auto", interpolation="nearest")
    for (row, column), count in np.ndenumerate(counts):
        axes.text(column, row, str(count), ha="center", va="center", color=INK if count else FAINT)
    axes.set_xticks(range(len(MEASURED)), MEASURED)
    axes.set_yticks(range(len(MEASURED)), MEASURED)
    axes.tick_params(length=0)
    axes.set(xlabel="Class by the network", ylabel="Class by the reference")
    kappa, low, high = (numbers[f"kappa_rano{end}"] for end in ("", "_low", "_high"))
    span = "" if np.isnan(low) else f" [{low:.2f}, {high:.2f}]"
    axes.set_title("" if np.isnan(kappa) else f"weighted κ {kappa:.2f}{span}", loc="left")


def _shown(extents: pd.Series) -> NDArray[np.float64]:
    return np.asarray(np.maximum(extents.to_numpy(dtype=np.float64), LEAST))
