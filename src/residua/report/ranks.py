"""Tell where the networks of a run rank among the raters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from residua.report.findings import Finding
from residua.report.wording import counted
from residua.settings.statistics import Statistics
from residua.tables.parts import level, model_of
from residua.tables.references import reference_name


def ranks(frame: pd.DataFrame | None, labels: Mapping[str, str], statistics: Statistics) -> Finding | None:
    """Give the mean rank of every network among all raters, by reference; None: the study ranks none."""
    if frame is None:
        return None
    rows = frame[frame["against"] == "all"].to_dict("records")
    return Finding(
        "Where do the networks rank among the raters?",
        (
            "A rater is judged with favour by a consensus in which the rater took part. The consensus of the other "
            "raters judges each rater, and the networks beside, without that rater's own mask.",
            *(_sentence(row, labels, statistics) for row in rows),
        ),
    )


def _sentence(row: Mapping[Any, Any], labels: Mapping[str, str], statistics: Statistics) -> str:
    what = f"{model_of(row, labels)}, {reference_name(row['reference'])}"
    if pd.isna(row["rank"]):
        return f"{what}: the rank is {row['note']}."
    between = (
        "no interval"
        if pd.isna(row["rank_low"])
        else f"{level(statistics)} interval {row['rank_low']:.1f} to {row['rank_high']:.1f}"
    )
    return (
        f"{what}, {counted(row['n'], 'patient')}: mean rank {row['rank']:.1f} of {row['raters'] + 1:.1f} ({between}), "
        f"with {row['ahead']:.0f} % of the raters behind."
    )
