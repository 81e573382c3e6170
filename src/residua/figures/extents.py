"""Contents of the figure of the resections that need no drawing: its limits and its caption."""

from __future__ import annotations

import pandas as pd

LEAST = -50.0
"""Lower extents in percent are drawn here: one patient far below would press all others together."""


def caption(test: pd.DataFrame, alpha: float) -> str:
    """Write the caption; ``test`` holds the judged patients of the hold-out."""
    what = "Extent of resection (not in the article)."
    if test.empty:
        return f"{what} No patient of the hold-out set has a mask of the tumour before surgery."
    level = f"{100 * (1 - alpha):g} %"
    counts = test.groupby(["arch", "inputs"], sort=False)["patient"].size()
    low = int((test[["extent_reference", "extent_predicted"]] < LEAST).any(axis=1).sum())
    clipped = f" {low} point(s) below {LEAST:g} % are drawn at that edge on the left." if low else ""
    return (
        f"{what} Hold-out patients whose tumour before surgery was drawn (n = {_range(list(counts))}), each network "
        "with its best inputs for segmentation. Extent: 100 · (V before − V after) / V before, each volume in its own "
        "scan; undefined without tumour before surgery. Left: the extent by the network against that by the reference; "
        "bar: from the lowest to the highest extent that the ensemble and each of its folds' models find. The bar "
        f"shows how far the models disagree and is no confidence interval.{clipped} Middle (Bland and Altman): "
        f"difference of both over their mean; lines: bias and {level} limits of agreement, bands: their {level} "
        "intervals. Right: classes of RANO resect by the volume left (1/2A: 0 cm³, 2B: at most 1 cm³, 3A: at most "
        f"5 cm³, 3B: more), with the quadratically weighted kappa and its {level} bootstrap interval."
    )


def _range(counts: list[int]) -> str:
    return str(min(counts)) if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
