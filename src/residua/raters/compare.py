"""Compare models with human raters by the Jaccard scores of the rated patients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from residua.cohort.table.expertise import GROUPS
from residua.raters.labels import rater_labels
from residua.raters.persons import of_persons
from residua.statistics.mann_whitney import mann_whitney

_TYPES = {
    **dict.fromkeys(("median_model", "median_other", "u_statistic", "p_value"), "float64"),
    "significant": "boolean",
}


def compare_raters(scores: pd.DataFrame, persons: Mapping[str, str], alpha: float) -> pd.DataFrame:
    """Compare every model with every rater and group of raters, for each reference: Mann-Whitney U of Jaccard scores.

    ``scores`` is the result of ``rate_all``; only its positive cases are compared. A group's score of a patient is the
    mean over its raters who rated the patient, so that n counts patients, not ratings. ``persons`` holds
    the person of each patient, where some have several scans: a person enters with the mean of the scans, and n counts
    persons. Columns: reference, arch, inputs, against (rater, "novices", "experts" or "all"), label (the same without a
    rater's identity), kind ("rater" or "group"), n_model, n_other, median_model, median_other, u_statistic, p_value,
    significant, note (why a number is missing or uncertain).
    """
    rows, labels = [], rater_labels(scores)
    for reference, of_reference in scores.groupby("reference", sort=False):
        positive = of_reference[of_reference["positive"]]
        models = of_reference[of_reference["kind"] == "model"]
        for arch, inputs in models[["scorer", "inputs"]].drop_duplicates().itertuples(index=False):
            own = positive[(positive["kind"] == "model") & (positive["scorer"] == arch)]
            model = of_persons(own.set_index("patient")["jaccard"], persons)
            for against, kind, others in opponents(of_reference, positive):
                names = {"reference": reference, "arch": arch, "inputs": inputs, "against": against}
                names |= {"label": labels.get(against, against), "kind": kind}
                rows.append({**names, **_compared(model, of_persons(others, persons), alpha)})
    return pd.DataFrame(rows).astype(_TYPES)


def opponents(of_reference: pd.DataFrame, positive: pd.DataFrame) -> Iterator[tuple[str, str, pd.Series]]:
    """Yield each opponent of a model: name, "rater" or "group", and its Jaccard by patient among the positive cases.

    >>> rows = {"scorer": ["r1", "r2"], "kind": ["novice", "novice"], "patient": "AMS1", "jaccard": [0.4, 0.6]}
    >>> scores = pd.DataFrame(rows)
    >>> [(name, kind, of.to_dict()) for name, kind, of in opponents(scores, scores)][1:3]
    [('r2', 'rater', {'AMS1': 0.6}), ('novices', 'group', {'AMS1': 0.5})]
    """
    raters = positive[positive["kind"].isin(GROUPS["all"])]
    for rater in of_reference.loc[of_reference["kind"].isin(GROUPS["all"]), "scorer"].unique():
        yield str(rater), "rater", raters[raters["scorer"] == rater].set_index("patient")["jaccard"]
    for group, members in GROUPS.items():
        of_group = raters[raters["kind"].isin(members)]
        yield group, "group", of_group.groupby("patient", sort=False)["jaccard"].mean()


def _compared(model: pd.Series, others: pd.Series, alpha: float) -> dict[str, Any]:
    found = mann_whitney(model.to_numpy(), others.to_numpy(), alpha)
    return {
        "n_model": found.n_1,
        "n_other": found.n_2,
        "median_model": found.median_1,
        "median_other": found.median_2,
        "u_statistic": found.u_statistic,
        "p_value": found.p_value,
        "significant": found.significant,
        "note": "; ".join(note for note in (_few(found.n_1, found.n_2), found.note) if note),
    }


def _few(models: int, others: int) -> str:
    if models == 0:
        return "no case with residual tumour under this reference"
    if others == 0:
        return "none of the cases with residual tumour was rated"
    return "one case only" if min(models, others) == 1 else ""
