"""Draw the reliability of the probability map, voxel by voxel, and of the decision on a patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from residua.figures.grid import Look, Room, empty, listed_below, look, panel_grid
from residua.figures.models import SPLITS, ShownModel, best_of, named
from residua.figures.style import FAINT, FigureFiles, opened, save_figure
from residua.metrics.classification import has_residual_tumor
from residua.settings.classification import Classification
from residua.statistics.calibration import reliability_bins

_HEIGHT_MM, _MOST_MM = 58.0, 58.0
Points = NDArray[np.float64]


def calibration_figure(
    cases: pd.DataFrame,
    maps: pd.DataFrame,
    bins: pd.DataFrame,
    choice: Mapping[str, str],
    classification: Classification,
    arch_labels: Mapping[str, str],
    out: FigureFiles,
) -> None:
    """Draw a row for each split, each network with its best inputs for classification, and save the figure.

    ``maps`` are the rows of ``results/probability/…/patients.parquet``, ``bins`` those of ``calibration.parquet``.
    """
    models = best_of(cases, choice, "classification", classification, arch_labels)
    figure, panels = panel_grid(len(SPLITS), 2, _HEIGHT_MM, Room(right=18.0, bottom=12.0 + 3.2 * len(models)), _MOST_MM)
    for (split, title), (left, right) in zip(SPLITS.items(), panels, strict=True):
        of_voxels = [of_map(_of_split(model.rows_of(bins), split)) for model in models]
        of_patients = [
            of_decision(model.of(split), _of_split(model.rows_of(maps), split), classification.residual_tumor_ml)
            for model in models
        ]
        names = [model.name for model in models]
        _draw(left, dict(zip(names, of_voxels, strict=True)), f"{title}: voxels")
        _draw(right, dict(zip(names, of_patients, strict=True)), f"{title}: patients")
        left.set(xlabel="Mean probability of the map", ylabel="Share of the reference")
        right.set(xlabel="Mean of the largest probability", ylabel="Share with residual tumour")
    save_figure(figure, caption(models, classification.residual_tumor_ml), out)


def _of_split(rows: pd.DataFrame, split: str) -> pd.DataFrame:
    return rows[rows["split"] == split]


def of_map(bins: pd.DataFrame) -> tuple[Points, Points, Points]:
    """Put the voxels of all patients together: mean probability, share of the reference and voxels of each bin.

    >>> bins = pd.DataFrame({"bin": [0, 0, 1], "voxels": [30, 10, 0], "predicted": [0.1, 0.02, np.nan]})
    >>> [points.round(3).tolist() for points in of_map(bins.assign(observed=[0.0, 0.4, np.nan]))]
    [[0.08], [0.1], [40.0]]
    """
    filled = bins[bins["voxels"] > 0]
    weighted = filled[["predicted", "observed"]].mul(filled["voxels"], axis=0).groupby(filled["bin"]).sum()
    voxels = filled.groupby("bin")["voxels"].sum().to_numpy(dtype=np.float64)
    return (weighted["predicted"].to_numpy() / voxels, weighted["observed"].to_numpy() / voxels, voxels)


def of_decision(cases: pd.DataFrame, maps: pd.DataFrame, cut_ml: float) -> tuple[Points, Points, Points]:
    """Return mean largest probability, share with residual tumour and patients, of bins of about equal numbers."""
    together = cases.merge(maps[["patient", "largest_probability"]], on="patient").dropna(
        subset=["largest_probability"]
    )
    if together.empty:
        nothing = np.array([])
        return nothing, nothing, nothing
    observed = has_residual_tumor(together["reference_ml"], cut_ml).astype(np.float64)
    found = reliability_bins(together["largest_probability"].to_numpy(dtype=np.float64), observed)
    numbers = [(each.predicted, each.observed, each.patients) for each in found]
    predicted, share, patients = np.array(numbers, dtype=np.float64).T
    return predicted, share, patients


def _draw(axes: Axes, curves: Mapping[str, tuple[Points, Points, Points]], title: str) -> None:
    known = {name: curve for name, curve in curves.items() if curve[0].size}
    if not known:
        empty(axes, f"{title}:\nthere are no maps of probabilities")
        return
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=0.6, zorder=0)
    lines: list[tuple[Look, str]] = []
    for place, (name, (predicted, observed, numbers)) in enumerate(known.items()):
        style = look(place)
        axes.plot(predicted, observed, **style, marker="o", markersize=3.5, markeredgecolor="white", clip_on=False)
        error = float(np.sum(numbers * np.abs(predicted - observed)) / numbers.sum())
        lines.append((style, f"{name}: n = {_number(numbers.sum())}, ECE {error:.2g}"))
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.set_title(title, loc="left")
    opened(axes)
    listed_below(axes, lines, _HEIGHT_MM, 12.0)


def _number(count: float) -> str:
    return f"{count / 1e6:.1f} million" if count >= 1e6 else f"{count:.0f}"


def caption(models: Sequence[ShownModel], cut_ml: float) -> str:
    """Write the caption."""
    return (
        f"Calibration (not in the article) of {named(models)}, each with its best inputs for classification; on the "
        "grey line probabilities say what is. n: voxels, patients. Left: the map, all voxels of all brains together in "
        "ten bins of equal width; nearly all of them are background, so that the error by voxels says little of the "
        "tumour's edge. Right: the largest probability of a patient's map against residual tumour "
        f"(at least {cut_ml:g} ml), in bins of about equal numbers of patients; with few patients there is one bin. "
        "ECE: expected calibration error, the mean distance from the line, weighted by what a bin holds. Above: "
        "out-of-fold predictions; below: the hold-out."
    )
