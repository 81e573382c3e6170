"""Draw the confusion matrices of the decision on a patient: residual tumour or gross total resection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from residua.figures.grid import Room, empty, panel_grid
from residua.figures.models import SPLITS, ShownModel, best_of, named
from residua.figures.style import INK, FigureFiles, save_figure
from residua.metrics.classification import Counts, count, rates
from residua.settings.classification import Classification
from residua.statistics.cases import outcomes_of
from residua.words import listed

_HEIGHT_MM = 30.0
_CLASSES = ("Residual", "GTR")


def confusion_figure(
    cases: pd.DataFrame,
    choice: Mapping[str, str],
    classification: Classification,
    arch_labels: Mapping[str, str],
    out: FigureFiles,
) -> None:
    """Draw a row for each network with its best inputs for classification, a column for each split; save the figure."""
    models = best_of(cases, choice, "classification", classification, arch_labels)
    room = Room(left=26.0, right=15.0, top=18.0, bottom=11.0)
    figure, panels = panel_grid(len(models), len(SPLITS), _HEIGHT_MM, room, 48.0)
    for model, row in zip(models, panels, strict=True):
        for axes, (split, title) in zip(row, SPLITS.items(), strict=True):
            own = model.of(split)
            if own.empty:
                empty(axes, f"{model.name}\n{title}: no patient")
            else:
                _draw(axes, count(outcomes_of(own, classification)), f"{model.name}\n{title}, n = {len(own)}")
    save_figure(figure, caption(models, classification), out)


def _draw(axes: Axes, counts: Counts, title: str) -> None:
    matrix = np.array([[counts.tp, counts.fn], [counts.fp, counts.tn]])
    sums = matrix.sum(axis=1, keepdims=True)
    share = np.divide(matrix, sums, out=np.zeros(matrix.shape), where=sums > 0)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1.6, aspect="auto", interpolation="nearest")
    for (row, column), number in np.ndenumerate(matrix):
        percent = f"\n{100 * share[row, column]:.0f} %" if sums[row, 0] else ""
        axes.text(column, row, f"{number}{percent}", ha="center", va="center", color=INK)
    axes.set_xticks(range(2), _CLASSES)
    axes.set_yticks(range(2), _CLASSES)
    axes.tick_params(length=0)
    axes.set(xlabel="By the network", ylabel="By the reference")
    found = rates(counts)
    named_rates = (("sensitivity", found.sensitivity), ("specificity", found.specificity))
    known = [f"{name} {value:.1f} %" for name, value in named_rates if not np.isnan(value)]
    unknown = [f"{name} not estimable" for name, value in named_rates if np.isnan(value)]
    axes.set_title("\n".join([title, *known, *unknown]), loc="left", fontsize=6.5)


def caption(models: Sequence[ShownModel], classification: Classification) -> str:
    """Write the caption."""
    overlap = classification.min_overlap_dice
    also = f" and a Dice of {overlap:g} or more where the reference has it, too" if overlap else ""
    return (
        "Confusion matrices (not in the article) of the decision on a patient: residual tumour (at least "
        f"{classification.residual_tumor_ml:g} ml{also}) or gross total resection (GTR). {named(models)}, each with "
        f"its best inputs for classification, {listed([title.lower() for title in SPLITS.values()])}. Numbers: "
        "patients, with their percentage of the row, which the shade repeats."
    )
