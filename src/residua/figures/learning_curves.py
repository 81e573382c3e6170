"""Draw the loss of every training over its epochs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from residua.errors import ResiduaError
from residua.figures.grid import LINES, Room, empty, panel_grid
from residua.figures.style import INK, FigureFiles, opened, save_figure
from residua.publishing.publish import manifest_of, verified

_CURVE = "curve.jsonl"
_COLUMNS, _HEIGHT_MM, _IN_A_ROW = 3, 36.0, 8
_DASHED = (0.0, (3.0, 1.0))
Curve = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
"""Epochs, and the loss of training and of validation."""


def learning_curves_figure(
    manifests: Mapping[tuple[str, str, int], str], arch_labels: Mapping[str, str], out: FigureFiles
) -> None:
    """Draw a panel for each network and its inputs with a colour for each fold, and save the figure.

    ``manifests`` holds the manifest of every training by network, input configuration and fold.
    """
    curves: dict[tuple[str, str], dict[int, Curve | None]] = {}
    for (arch, inputs, fold), manifest in manifests.items():
        curves.setdefault((arch, inputs), {})[fold] = curve_of(manifest)
    columns = min(_COLUMNS, len(curves))
    figure, panels = panel_grid(
        -(-len(curves) // columns), columns, _HEIGHT_MM, Room(above=3.0 + 4.0 * _legend_rows(curves)), 60.0
    )
    every = [axes for row in panels for axes in row]
    for axes, ((arch, inputs), of_model) in zip(every, curves.items(), strict=False):
        _draw(axes, f"{arch_labels.get(arch, arch)} {inputs}", of_model)
    for axes in every[len(curves) :]:
        axes.set_axis_off()
    folds = sorted({fold for of_model in curves.values() for fold in of_model})
    handles = [Line2D([], [], color=_colour(fold, folds), linewidth=1.4, label=f"fold {fold}") for fold in folds]
    handles += [
        Line2D([], [], color=INK, linewidth=1.2, label="validation"),
        Line2D([], [], color=INK, linewidth=0.7, linestyle=_DASHED, label="training"),
    ]
    figure.legend(handles=handles, loc="upper center", ncols=min(len(handles), _IN_A_ROW), frameon=False, fontsize=6.5)
    save_figure(figure, caption(curves), out)


def curve_of(manifest: str) -> Curve | None:
    """Read the curve of a training; of an epoch that was repeated after an interruption the last counts.

    None: the network keeps no curve. Raises ``ResiduaError`` for a curve that cannot be read.
    """
    if _CURVE not in manifest_of(manifest)["files"]:
        return None
    file = verified(manifest, lambda name: name == _CURVE)[_CURVE]
    try:
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
        losses = {int(line["epoch"]): (line["train_loss"], line.get("validation_loss")) for line in lines}
    except (ValueError, KeyError, TypeError):
        raise ResiduaError(f"{file}: the learning curve cannot be read; train this model again") from None
    epochs = sorted(losses)
    train, validation = (
        np.array([np.nan if losses[epoch][side] is None else losses[epoch][side] for epoch in epochs], dtype=np.float64)
        for side in (0, 1)
    )
    return np.array(epochs, dtype=np.float64) + 1, train, validation


def _legend_rows(curves: Mapping[tuple[str, str], Mapping[int, Curve | None]]) -> int:
    folds = {fold for of_model in curves.values() for fold in of_model}
    return -(-(len(folds) + 2) // _IN_A_ROW)


def _colour(fold: int, folds: Sequence[int]) -> str:
    return LINES[folds.index(fold) % len(LINES)]


def _draw(axes: Axes, name: str, of_model: Mapping[int, Curve | None]) -> None:
    known = {fold: curve for fold, curve in of_model.items() if curve is not None and curve[0].size}
    if not known:
        empty(axes, f"{name}:\nthe network keeps no learning curve")
        return
    folds = sorted(of_model)
    for fold, (epochs, train, validation) in known.items():
        # A single epoch is no line.
        alone = "o" if epochs.size == 1 else ""
        axes.plot(epochs, train, color=_colour(fold, folds), linewidth=0.7, linestyle=_DASHED, alpha=0.8, marker=alone)
        axes.plot(epochs, validation, color=_colour(fold, folds), linewidth=1.2, marker=alone, markersize=3)
    axes.set(xlabel="Epoch", ylabel="Loss")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_title(name, loc="left")
    opened(axes)


def caption(curves: Mapping[tuple[str, str], Mapping[int, Curve | None]]) -> str:
    """Write the caption."""
    known = [curve for of_model in curves.values() for curve in of_model.values() if curve is not None]
    epochs = sorted({int(curve[0].size) for curve in known})
    span = "" if not epochs else f" of {epochs[0] if len(epochs) == 1 else f'{epochs[0]} to {epochs[-1]}'} epochs"
    return (
        f"Learning curves (not in the article): the loss of {len(known)} trainings{span}, a panel for each network and "
        "its inputs, a colour for each fold. Thick: the fold that is validated; thin and dashed: the patients who "
        "train. Losses of different networks are on different scales. Nothing of the hold-out takes part."
    )
