"""Compare models with human raters on the same patients: better, worse, or on par within a margin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from residua.raters.faced import faced, opponents_faced
from residua.raters.labels import rater_labels
from residua.raters.persons import of_persons
from residua.settings.statistics import Statistics
from residua.statistics.cliffs_delta import cliffs_delta
from residua.statistics.equivalence import equivalence
from residua.statistics.frames import tidy
from residua.statistics.holm import with_holm
from residua.statistics.mean_interval import mean_interval
from residua.statistics.pairs import noted
from residua.statistics.signed_rank import signed_rank

_FAMILY = ("reference", "arch", "inputs", "kind")
COLUMNS = (
    *("reference", "arch", "inputs", "against", "label", "kind", "n", "mean_difference", "low", "high"),
    *("differing", "p_value", "p_holm", "significant", "cliffs_delta", "rank_biserial"),
    *("margin", "equivalence_low", "equivalence_high", "equivalence_p_value", "equivalent", "note"),
)


def paired_raters(scores: pd.DataFrame, persons: Mapping[str, str], statistics: Statistics) -> pd.DataFrame:
    """Return one row per reference, model and rater or group of raters, of the patients that both segmented.

    The Jaccard (0 to 1) of the model minus the rater's, or minus the mean of the group's raters: mean with its BCa
    interval, Wilcoxon's signed-rank test with Holm's correction over the raters, and over the groups, of one model and
    reference, effect sizes, and the test of equivalence within ``statistics.equivalence_margin``, which is not
    corrected. ``scores`` is the result of ``rate_all``; only its positive cases are compared. ``persons`` holds the
    person of each patient, where some have several scans: a person enters everything with the mean of the scans, and
    ``n`` counts persons.

    >>> from residua.settings.statistics import BestInputs
    >>> best = BestInputs(segmentation={}, classification={}, raters={})
    >>> numbers = {"alpha": 0.05, "bootstrap_resamples": 200, "interval_sd_multiplier": 1.96, "seed": 0}
    >>> scorers = {"scorer": ["nnunet"] * 4 + ["r1"] * 4, "kind": ["model"] * 4 + ["novice"] * 4, "inputs": "B"}
    >>> jaccard = {"jaccard": [0.5, 0.6, 0.7, 0.8, 0.49, 0.61, 0.7, 0.79], "patient": ["P1", "P2", "P3", "P4"] * 2}
    >>> scores = pd.DataFrame({"reference": "consensus", "positive": True, **scorers, **jaccard})
    >>> found = paired_raters(scores, {}, Statistics(**numbers, best_inputs=best)).set_index("label")
    >>> bool(found.loc["Novice 1", "equivalent"]), found.loc["experts", "note"]
    (True, 'mean difference, Wilcoxon, r, delta, equivalence: not estimable: no patient')
    """
    rows: list[dict[str, Any]] = []
    labels = rater_labels(scores)
    for reference, of_reference in scores.groupby("reference", sort=False):
        models = of_reference[of_reference["kind"] == "model"]
        for arch, inputs in models[["scorer", "inputs"]].drop_duplicates().itertuples(index=False):
            for against, kind, both in opponents_faced(of_reference, faced(of_reference, arch)):
                names = {"reference": reference, "arch": arch, "inputs": inputs, "against": against}
                names |= {"label": labels.get(against, against), "kind": kind}
                rows.append({**names, **_compared(of_persons(both, persons), statistics)})
    return tidy(with_holm(rows, _FAMILY, statistics.alpha), COLUMNS)


def _compared(both: pd.DataFrame, statistics: Statistics) -> dict[str, Any]:
    one, other = (both[scorer].to_numpy(float) for scorer in ("model", "other"))
    mean = mean_interval(one - other, statistics.alpha, statistics.bootstrap_resamples, statistics.seed)
    tested, alike = signed_rank(one - other), equivalence(one - other, statistics.equivalence_margin, statistics.alpha)
    delta = cliffs_delta(one, other)
    said = {"mean difference": mean.note, "Wilcoxon, r": tested.note, "delta": tested.note if delta is None else ""}
    said["equivalence"] = alike.note
    return {
        **{"n": mean.n, "mean_difference": mean.estimate, "low": mean.low, "high": mean.high},
        **{"differing": tested.differing, "p_value": tested.p_value},
        **{"rank_biserial": tested.rank_biserial, "cliffs_delta": delta},
        **{"margin": statistics.equivalence_margin, "equivalence_low": alike.low, "equivalence_high": alike.high},
        **{"equivalence_p_value": alike.p_value, "equivalent": alike.equivalent, "note": noted(said)},
    }
