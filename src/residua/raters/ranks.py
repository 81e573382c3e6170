"""Rank each network among the raters who segmented the same patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from residua.cohort.table.expertise import GROUPS
from residua.raters.faced import faced
from residua.raters.labels import ARTICLE
from residua.settings.statistics import Statistics
from residua.statistics.frames import tidy
from residua.statistics.mean_interval import mean_interval

COLUMNS = (
    *("reference", "arch", "inputs", "against", "n", "raters", "rank", "rank_low", "rank_high"),
    *("ahead", "ahead_low", "ahead_high", "note"),
)


def rater_ranks(scores: pd.DataFrame, persons: Mapping[str, str], statistics: Statistics) -> pd.DataFrame:
    """Return one row per reference, network and group of raters: "novices", "experts" or "all".

    The rank in a patient is 1 plus the raters with a higher Jaccard, and half of those with the same; ``rank`` is its
    mean over the patients with residual tumour under the reference, ``raters`` the mean number of raters there.
    ``ahead`` is the mean share (percent) of raters behind, ties half, which does not depend on how many there are.
    Intervals are BCa over patients, or over ``persons``: that of each patient, where some have several scans. The
    references are the article's and those that ``statistics.further_consensus`` names.
    """
    rows: list[dict[str, Any]] = []
    models = scores.loc[scores["kind"] == "model", ["scorer", "inputs"]].drop_duplicates()
    for reference in (*ARTICLE, *statistics.further_consensus):
        of_reference = scores[scores["reference"] == reference]
        for arch, inputs in models.itertuples(index=False):
            met = faced(of_reference, arch)
            for group, members in GROUPS.items():
                names = {"reference": reference, "arch": arch, "inputs": inputs, "against": group}
                why = _why_nobody(scores, of_reference, members)
                rows.append({**names, **_ranked(met[met["kind"].isin(members)], persons, statistics, why)})
    return tidy(rows, COLUMNS)


def _ranked(met: pd.DataFrame, persons: Mapping[str, str], statistics: Statistics, why: str) -> dict[str, Any]:
    if met.empty:
        return {"n": 0, "note": f"not estimable: {why}"}
    behind = met.assign(
        above=(met["other"] > met["model"]) + 0.5 * (met["other"] == met["model"]),
    ).groupby("patient", sort=False)["above"]
    above, raters = behind.sum(), behind.size()
    whose = np.array([persons.get(str(patient), str(patient)) for patient in above.index], dtype=np.str_)
    how = (statistics.alpha, statistics.bootstrap_resamples, statistics.seed)
    rank = mean_interval(1 + above, *how, whose if persons else None)
    ahead = mean_interval(100 * (1 - above / raters), *how, whose if persons else None)
    return {
        **{"n": rank.n, "raters": float(raters.mean())},
        **{"rank": rank.estimate, "rank_low": rank.low, "rank_high": rank.high},
        **{"ahead": ahead.estimate, "ahead_low": ahead.low, "ahead_high": ahead.high, "note": rank.note},
    }


def _why_nobody(scores: pd.DataFrame, of_reference: pd.DataFrame, members: Sequence[str]) -> str:
    """Say why no rater of a group can be compared under a reference."""
    if not scores["kind"].isin(members).any():
        return "no rater of this group"
    raters = of_reference[of_reference["kind"].isin(members)]
    if raters.empty:
        return "no patient was segmented by two raters, so that no other rater votes"
    if not raters["positive"].astype(bool).any():
        return "no case with residual tumour under this reference"
    return "no patient was segmented by both"
