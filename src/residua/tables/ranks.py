"""Build the table of the ranks of the networks among the raters."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from residua.settings.statistics import Statistics
from residua.tables.cells import interval, number
from residua.tables.parts import level, model_of, with_reasons
from residua.tables.references import reference_name
from residua.tables.render import Cell, Table

_GROUPS = {"novices": "Novices", "experts": "Experts", "all": "All raters"}


def rater_ranks(frame: pd.DataFrame, arch_labels: Mapping[str, str], statistics: Statistics) -> Table:
    """List where every network ranks among the raters, one row per reference, network and group."""
    rows = [
        {
            "Reference": reference_name(row["reference"]),
            "Model": model_of(row, arch_labels),
            "Among": _GROUPS[row["against"]],
            "Mean rank": Cell(
                "not estimable"
                if pd.isna(row["rank"])
                else f"{number(row['rank'])} {interval(row['rank_low'], row['rank_high'])}",
                int(row["n"]),
            ),
            "Of": "not estimable" if pd.isna(row["raters"]) else number(row["raters"] + 1, 1),
            "Raters behind (%)": "not estimable"
            if pd.isna(row["ahead"])
            else f"{number(row['ahead'], 1)} {interval(row['ahead_low'], row['ahead_high'])}",
            "Note": row["note"],
        }
        for row in frame.to_dict("records")
    ]
    caption = (
        "Networks among the raters (not in the article). In each patient a network's rank is 1 plus the raters with a "
        "higher Jaccard, and half of those with the same; the mean rank is over the patients with residual tumour "
        "under the reference (n). Of: ranks that there are, on average; patients may have fewer raters. Raters behind: "
        f"the mean share, ties half: 50 % is a rater in the middle. In brackets: {level(statistics)} BCa intervals "
        "over patients, or persons where some have several scans; the raters are taken as they are. Of the other "
        "raters: each rater, and the network beside, is judged without the rater's own mask; where the rater takes "
        "part in the consensus, the network is put too far down. STAPLE: Warfield, Zou and Wells (2004), over the "
        "whole scan."
    )
    return with_reasons(rows, caption, ("Reference", "Model", "Among"), "there is no network to rank.")
