"""Draw how well the predicted volume tells residual tumour: ROC and precision-recall over the cut-off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from residua.figures.grid import Look, Room, empty, listed_below, look, panel_grid
from residua.figures.models import SPLITS, ShownModel, best_of, named
from residua.figures.style import FAINT, FigureFiles, opened, save_figure
from residua.metrics.classification import has_residual_tumor
from residua.metrics.scored import ScoreCounts, scored_patients
from residua.settings.classification import Classification

_HEIGHT_MM, _MOST_MM = 58.0, 58.0
Points = NDArray[np.float64]


def discrimination_figure(
    cases: pd.DataFrame,
    choice: Mapping[str, str],
    classification: Classification,
    arch_labels: Mapping[str, str],
    out: FigureFiles,
) -> None:
    """Draw a row for each split from ``results/metrics``, each network with its best inputs, and save the figure."""
    models = best_of(cases, choice, "classification", classification, arch_labels)
    room = Room(right=18.0, bottom=12.0 + 3.2 * len(models))
    figure, panels = panel_grid(len(SPLITS), 2, _HEIGHT_MM, room, _MOST_MM)
    cut = classification.residual_tumor_ml
    for (split, title), row in zip(SPLITS.items(), panels, strict=True):
        _draw(row, models, split, title, cut)
    save_figure(figure, caption(models, cut), out)


def roc(scored: ScoreCounts) -> tuple[Points, Points]:
    """Return 1 − specificity and sensitivity, from the highest cut-off to the lowest, each that differs.

    >>> from residua.metrics.scored import scored_patients
    >>> [points.tolist() for points in roc(scored_patients([0.0, 1.0, 2.0], [False, True, True]))]
    [[0.0, 0.0, 0.0, 1.0], [0.0, 0.5, 1.0, 1.0]]
    """
    found, alarms = _counted(scored)
    return np.r_[0.0, alarms / alarms[-1]], np.r_[0.0, found / found[-1]]


def precision_recall(scored: ScoreCounts) -> tuple[Points, Points]:
    """Return recall and precision, from the highest cut-off to the lowest, each that differs; the first twice.

    The precision of a point holds from the recall before it, as average precision counts it.

    >>> from residua.metrics.scored import scored_patients
    >>> [points.round(2).tolist() for points in precision_recall(scored_patients([0, 1, 2], [True, False, True]))]
    [[0.0, 0.5, 0.5, 1.0], [1.0, 1.0, 0.5, 0.67]]
    """
    found, alarms = _counted(scored)
    precision = found / (found + alarms)
    return np.r_[0.0, found / found[-1]], np.r_[precision[0], precision]


def _counted(scored: ScoreCounts) -> tuple[Points, Points]:
    """Count, from the highest score to the lowest, the positives and negatives that reach it."""
    return (
        np.cumsum(scored.positives[::-1]).astype(np.float64),
        np.cumsum(scored.negatives[::-1]).astype(np.float64),
    )


def at_cut(cases: pd.DataFrame, cut_ml: float) -> tuple[float, float, float]:
    """Return 1 − specificity, sensitivity and precision of the decision at a cut-off; NaN where there is none."""
    positive = has_residual_tumor(cases["reference_ml"], cut_ml)
    told = has_residual_tumor(cases["predicted_ml"], cut_ml)
    parts = ((told & ~positive, ~positive), (told & positive, positive), (told & positive, told))
    alarms, found, precision = (part.sum() / of.sum() if of.any() else np.nan for part, of in parts)
    return float(alarms), float(found), float(precision)


def _draw(row: Sequence[Axes], models: Sequence[ShownModel], split: str, title: str, cut_ml: float) -> None:
    judged = [model.of(split) for model in models]
    scored = [scored_patients(own["predicted_ml"], has_residual_tumor(own["reference_ml"], cut_ml)) for own in judged]
    n, positive = (max((int(part(each)) for each in scored), default=0) for part in (_patients, _positives))
    heading = f"{title}: {n} patients, {positive} with residual tumour"
    if not all(each.positives.sum() and each.negatives.sum() for each in scored):
        who = "no patient" if not n else "patients of one class only"
        for axes in row:
            empty(axes, f"{title}:\nnot estimable, {who}")
        return
    areas = [
        _draw_model(row, place, model.name, counts, at_cut(own, cut_ml))
        for place, (model, own, counts) in enumerate(zip(models, judged, scored, strict=True))
    ]
    row[0].plot([0, 1], [0, 1], color=FAINT, linewidth=0.6, zorder=0)
    row[1].axhline(positive / n, color=FAINT, linewidth=0.6, zorder=0)
    row[0].set(xlabel="1 − specificity", ylabel="Sensitivity")
    row[1].set(xlabel="Recall (sensitivity)", ylabel="Precision")
    row[0].set_title(heading, loc="left")
    for axes, lines in zip(row, zip(*areas, strict=True), strict=True):
        axes.set(xlim=(0, 1), ylim=(0, 1))
        opened(axes)
        listed_below(axes, list(lines), _HEIGHT_MM, 12.0)


def _draw_model(
    row: Sequence[Axes], place: int, name: str, counts: ScoreCounts, cut: tuple[float, float, float]
) -> tuple[tuple[Look, str], tuple[Look, str]]:
    """Draw both curves of a network and its decision; return what is written below each."""
    style, (alarms, found, precision) = look(place), cut
    # A dot that covers another leaves its rim.
    dot: dict[str, Any] = {"marker": "o", "color": style["color"], "markersize": max(3.5, 7.5 - 2 * place), "zorder": 4}
    row[0].plot(*roc(counts), **style, clip_on=False)
    row[0].plot([alarms], [found], **dot, clip_on=False)
    row[1].plot(*precision_recall(counts), **style, drawstyle="steps-pre", clip_on=False)
    row[1].plot([found], [precision], **dot, clip_on=False)
    area, average = f"AUROC {counts.auroc:.3f}", f"AP {counts.auprc:.3f}"
    return (style, f"{name}: {area}"), (style, f"{name}: {average}")


def _patients(scored: ScoreCounts) -> int:
    return int(scored.positives.sum() + scored.negatives.sum())


def _positives(scored: ScoreCounts) -> int:
    return int(scored.positives.sum())


def caption(models: Sequence[ShownModel], cut_ml: float) -> str:
    """Write the caption."""
    return (
        "Discrimination (not in the article): residual tumour told from gross total resection by the predicted volume, "
        f"as the cut-off of that volume moves; {named(models)}, each with its best inputs for classification. Left: "
        "receiver operating characteristic with the area under it; grey: no better than chance. Right: precision over "
        "recall with the average precision (AP); grey: the share of patients with residual tumour. Dots: the decision "
        f"of the study, at {cut_ml:g} ml for prediction and reference; a network that tells nobody has no precision. "
        "Above: out-of-fold predictions; below: the hold-out."
    )
