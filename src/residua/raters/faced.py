"""Match each network with the raters who segmented the same patient, against the same reference."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from residua.cohort.table.expertise import GROUPS


def faced(of_reference: pd.DataFrame, arch: str) -> pd.DataFrame:
    """Return one row per patient and rater, of the positive cases of one reference: Jaccard of ``model`` and ``other``.

    Where the reference leaves one rater out, the model is judged by the consensus without that rater too.

    >>> rows = {"scorer": ["r1", "net", "net"], "kind": ["novice", "model", "model"], "jaccard": [0.4, 0.6, 0.5]}
    >>> scores = pd.DataFrame({**rows, "left_out": ["r1", "r1", "r2"], "patient": "P1", "positive": True})
    >>> faced(scores, "net").to_dict("records")
    [{'patient': 'P1', 'rater': 'r1', 'kind': 'novice', 'model': 0.6, 'other': 0.4}]
    """
    # The article's references leave nobody out.
    every = of_reference.assign(left_out=of_reference.get("left_out", "")).fillna({"left_out": ""})
    positive = every[every["positive"].astype(bool)]
    raters = positive[positive["kind"].isin(GROUPS["all"])]
    model = positive[(positive["kind"] == "model") & (positive["scorer"] == arch)]
    keys = ["patient", "left_out"]
    both = raters.merge(model[[*keys, "jaccard"]], on=keys, suffixes=("", "_model"), validate="many_to_one")
    renamed = both.rename(columns={"scorer": "rater", "jaccard": "other", "jaccard_model": "model"})
    return renamed[["patient", "rater", "kind", "model", "other"]]


def opponents_faced(of_reference: pd.DataFrame, met: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Yield each rater and group: name, "rater" or "group", and the ``model`` and ``other`` of each patient.

    A group's are the means over its raters. ``met`` is the result of ``faced``.
    """
    numbers = ["model", "other"]
    for rater in of_reference.loc[of_reference["kind"].isin(GROUPS["all"]), "scorer"].unique():
        yield str(rater), "rater", met[met["rater"] == rater].set_index("patient")[numbers]
    for group, members in GROUPS.items():
        yield group, "group", met[met["kind"].isin(members)].groupby("patient", sort=False)[numbers].mean()
