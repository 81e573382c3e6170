"""Tell how optimistic the out-of-fold performance of a run is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from residua.report.findings import Finding
from residua.report.wording import percent, points

_MEASURES = {"segmentation": "mean Dice of the patients with residual tumour", "classification": "balanced accuracy"}
_CHOSEN = {"threshold": "the threshold is", "threshold and inputs": "threshold and input configuration are"}


def nested(frame: pd.DataFrame, labels: Mapping[str, str]) -> Finding:
    """Compare performance by choices on all folds with that by choices without the fold that is judged."""
    sentences = [_sentence(row, labels) for row in frame.to_dict("records")]
    return Finding(
        "How optimistic is the out-of-fold performance?",
        (*sentences, "The hold-out took part in none of these choices."),
    )


def _sentence(row: Mapping[Any, Any], labels: Mapping[str, str]) -> str:
    what = f"{labels.get(row['arch'], row['arch'])}, {_MEASURES[row['experiment']]}"
    chosen = _CHOSEN[row["chosen"]]
    if pd.isna(row["nested"]):
        return f"{what}, if {chosen} chosen without the fold that is judged: {row['note']}."
    return (
        f"{what}: {percent(row['pooled'] / 100)} if {chosen} chosen on all folds ({row['inputs']}), "
        f"{percent(row['nested'] / 100)} if {chosen} chosen without the fold that is judged: an optimism of "
        f"{points(row['optimism'] / 100)} points."
    )
