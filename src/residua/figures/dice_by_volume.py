"""Draw Dice against the volume of the reference, of patients and of lesions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter
from scipy import stats

from residua.figures.grid import OF_SPLIT, Room, empty, panel_grid
from residua.figures.models import SPLITS, ShownModel, best_of, named
from residua.figures.style import FigureFiles, opened, save_figure
from residua.metrics.classification import has_residual_tumor
from residua.settings.classification import Classification

_HEIGHT_MM = 42.0
_FEWEST = 3
"""Fewer points have no rank correlation."""


def dice_by_volume_figure(
    cases: pd.DataFrame,
    lesions: pd.DataFrame,
    choice: Mapping[str, str],
    classification: Classification,
    arch_labels: Mapping[str, str],
    out: FigureFiles,
) -> None:
    """Draw a row for each network: its patients with residual tumour, and the lesions of the reference."""
    models = best_of(cases, choice, "segmentation", classification, arch_labels)
    figure, panels = panel_grid(len(models), 2, _HEIGHT_MM, Room(top=11.0, above=6.0))
    for model, row in zip(models, panels, strict=True):
        of_model = model.cases[has_residual_tumor(model.cases["reference_ml"], classification.residual_tumor_ml)]
        found = model.rows_of(lesions)
        _draw(row[0], of_model, f"{model.name}\nPatients", "nobody has residual tumour")
        _draw(row[1], found[found["side"] != "prediction"], f"{model.name}\nLesions", "the reference has none")
    handles = [
        Line2D(
            [], [], color=OF_SPLIT[split][0], marker=OF_SPLIT[split][1], linestyle="none", markersize=3.5, label=title
        )
        for split, title in SPLITS.items()
    ]
    figure.legend(handles=handles, loc="upper center", ncols=2, frameon=False)
    save_figure(figure, caption(models, classification.residual_tumor_ml), out)


def _draw(axes: Axes, rows: pd.DataFrame, name: str, nothing: str) -> None:
    known = rows.dropna(subset=["dice"])
    known = known[known["reference_ml"] > 0]
    if known.empty:
        empty(axes, f"{name}: {nothing}")
        return
    for split, (colour, marker) in OF_SPLIT.items():
        own = known[known["split"] == split]
        style = {"markersize": 3, "markeredgecolor": "white", "markeredgewidth": 0.3}
        axes.semilogx(own["reference_ml"], own["dice"], marker, color=colour, clip_on=False, **style)
    low, high = (float(end(known["reference_ml"])) for end in (np.min, np.max))
    axes.set(xlim=(low / 1.3, high * 1.3), ylim=(0, 1), xlabel="Volume in the reference (ml)", ylabel="Dice")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 30 * low else (1.0,)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_title(f"{name}, n = {len(known)}{_correlation(known)}", loc="left")
    opened(axes)


def _correlation(rows: pd.DataFrame) -> str:
    if len(rows) < _FEWEST or rows["dice"].nunique() == 1 or rows["reference_ml"].nunique() == 1:
        return ""
    rank = float(stats.spearmanr(rows["reference_ml"], rows["dice"]).statistic)
    return f", Spearman's ρ {rank:.2f}".replace("-", "−")


def caption(models: Sequence[ShownModel], cut_ml: float) -> str:
    """Write the caption."""
    return (
        "Dice against volume (not in the article): small remnants are harder, and a voxel more or less weighs more in "
        f"them. {named(models)}, each with its best inputs for segmentation. Left: patients with residual tumour (at "
        f"least {cut_ml:g} ml in the reference). Right: lesions of the reference (groups of lesions that one predicted "
        "lesion touches count as one); 0: missed. Spearman's ρ: rank correlation of both splits together."
    )
