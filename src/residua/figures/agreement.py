"""Contents of Figure 4: the agreement of raters and networks with each reference, and the caption."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from residua.raters.labels import rater_labels
from residua.settings.elsewhere import MADE_ELSEWHERE

REFERENCES = {"reference_standard": "Reference standard", "consensus": "Consensus of the raters"}
"""Panels from left to right and their titles."""

_SHORT = {"reference_standard": "Reference\nstandard", "consensus": "Consensus"}

KINDS = {"novice": "Novice", "expert": "Expert", "model": "Network", "reference": "Other reference"}
"""Groups in the order in which they are drawn."""


@dataclass(frozen=True)
class Scored:
    """Jaccard indices of one rater or network against one reference, over the patients with residual tumour in it."""

    label: str
    kind: str
    jaccard: NDArray[np.float64]


def panels(scores: pd.DataFrame, arch_labels: Mapping[str, str]) -> dict[str, list[Scored]]:
    """List the scorers of each reference in the order drawn: novices, experts, networks, the other reference.

    ``scores`` has ``reference``, ``scorer``, ``kind``, ``inputs``, ``positive`` and ``jaccard``, one row per patient
    and pair. Cases without residual tumour in the reference or with an undefined Jaccard are omitted.
    """
    names = rater_labels(scores)
    return {
        reference: [
            Scored(_label(str(scorer), kind, of, names, arch_labels), kind, _values(of))
            for kind in KINDS
            for scorer, of in scores[(scores["reference"] == reference) & (scores["kind"] == kind)].groupby(
                "scorer", sort=False
            )
        ]
        for reference in REFERENCES
        if (scores["reference"] == reference).any()
    }


def _label(scorer: str, kind: str, rows: pd.DataFrame, names: Mapping[str, str], arch_labels: Mapping[str, str]) -> str:
    if kind == "model":
        name, elsewhere, _ = arch_labels.get(scorer, scorer).partition(f" ({MADE_ELSEWHERE})")
        return f"{name} {rows['inputs'].iloc[0]}" + f"\n({MADE_ELSEWHERE})" * bool(elsewhere)
    return names.get(scorer) or _SHORT.get(scorer, scorer)


def _values(rows: pd.DataFrame) -> NDArray[np.float64]:
    return rows.loc[rows["positive"].astype(bool), "jaccard"].dropna().to_numpy(dtype=np.float64)


def caption(shown: Mapping[str, Sequence[Scored]], residual_tumor_ml: float) -> str:
    """Write the caption of Figure 4."""
    counts = "; ".join(
        f"{REFERENCES[reference].lower()}: n = {_range([len(scored.jaccard) for scored in scorers])}"
        for reference, scorers in shown.items()
    )
    return (
        "Figure 4. Jaccard index of each rater and of each network (with its input configuration) against the "
        "reference standard (left) and against the consensus of the raters (right: voxels that more than half of them "
        f"marked), over the patients with residual tumour (at least {residual_tumor_ml:g} ml) under the reference in "
        f"use ({counts}; n is printed below each). Last in each panel: the other reference. Points: patients; box: "
        "quartiles and median; whiskers: the farthest points within 1.5 interquartile ranges. Jaccard index: shared "
        "voxels over all voxels that either marks, J = D / (2 − D) of Dice D. Raters are numbered within novices and "
        "experts."
    )


def _range(counts: Sequence[int]) -> str:
    low, high = min(counts), max(counts)
    return str(low) if low == high else f"{low} to {high}"
