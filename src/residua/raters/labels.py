"""Name raters without their identity, alike in every table and figure."""

from __future__ import annotations

import pandas as pd

ARTICLE = ("reference_standard", "consensus")
"""The references of the article."""

_EXPERTISE = {"novice": "Novice", "expert": "Expert"}


def rater_labels(scores: pd.DataFrame) -> dict[str, str]:
    """Name every rater: "Novice 1", "Expert 2", numbered in the order of ``scores`` (``kind``, ``scorer``)."""
    labels: dict[str, str] = {}
    for kind, name in _EXPERTISE.items():
        raters = scores.loc[scores["kind"] == kind, "scorer"].unique()
        labels |= {str(rater): f"{name} {number + 1}" for number, rater in enumerate(raters)}
    return labels
