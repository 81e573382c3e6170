"""Test whether Dice, and the difference of Dice between networks, depend on a covariate: one test each, stated before.

The tests are exploratory. Holm's method corrects over all covariates of one question on one split.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import pandas as pd

from residua.settings.classification import Classification
from residua.settings.statistics import Statistics
from residua.statistics.cases import by_person, positive
from residua.statistics.covariates import Subgroups
from residua.statistics.frames import tidy
from residua.statistics.groups import UNKNOWN
from residua.statistics.holm import with_holm
from residua.statistics.kruskal_wallis import kruskal_wallis
from residua.statistics.pairs import Pair, matched
from residua.statistics.subgroups import Judged, estimable

_QUESTION = ("split", "arch_1", "inputs_1", "arch_2", "inputs_2")
COLUMNS = (
    *(
        "covariate",
        *_QUESTION,
        "groups",
        "groups_left_out",
        "n",
        "statistic",
        "freedom",
        "p_value",
        "p_holm",
        "significant",
    ),
    "note",
)


def subgroup_tests(
    models: list[Judged], groups: Subgroups, classification: Classification, statistics: Statistics
) -> pd.DataFrame:
    """Return one row per question and covariate: the Kruskal-Wallis test of Dice of DSC-P over its groups.

    A question is about one network (``arch_2`` is empty), or about the interaction of two: the difference of Dice of
    the same patients, the first minus the second. Persons enter once, with the mean of their scans in a group. Groups
    of fewer than ``statistics.least_in_subgroup`` and the unknown take no part; ``groups_left_out`` counts them.

    >>> from residua.statistics.covariates import Subgroups
    >>> from residua.settings.statistics import BestInputs
    >>> best = BestInputs(segmentation={}, classification={}, raters={})
    >>> numbers = {"alpha": 0.05, "bootstrap_resamples": 100, "interval_sd_multiplier": 1.96, "seed": 0}
    >>> how = Statistics(**numbers, best_inputs=best, subgroups=("sex",), least_in_subgroup=2)
    >>> rule = Classification(residual_tumor_ml=0.175, min_overlap_dice=0)
    >>> patients = {"patient": ["P1", "P2", "P3", "P4"], "hospital": ["STO", "STO", "GOT", "GOT"]}
    >>> cases = pd.DataFrame({**patients, "reference_ml": 2.0, "dice": [0.8, 0.7, 0.3, 0.4]})
    >>> models = [Judged("nnunet", "B", "segmentation", "validation", cases)]
    >>> groups = Subgroups({"sex": dict(zip(patients["patient"], "FFMM"))}, {"sex": ("F", "M")}, {})
    >>> (row,) = subgroup_tests(models, groups, rule, how).to_dict("records")
    >>> row["covariate"], row["groups"], round(row["statistic"], 1), round(row["p_holm"], 4)
    ('sex', 2, 2.4, 0.1213)
    """
    rows = [
        {"covariate": covariate, **names, **_tested(cases, of, groups.order[covariate], statistics)}
        for names, cases in _questions(models, classification)
        for covariate, of in groups.of.items()
    ]
    return tidy(with_holm(rows, _QUESTION, statistics.alpha), COLUMNS)


def _tested(cases: pd.DataFrame, of: Mapping[str, str], order: Sequence[str], statistics: Statistics) -> dict[str, Any]:
    known = values_of_persons(cases, cases["patient"].map(of))
    taken = estimable(known["value"], known["group"], statistics.least_in_subgroup)
    found = kruskal_wallis([taken[name] for name in order if name in taken])
    return {
        **{"groups": found.groups, "groups_left_out": known["group"].nunique() - len(taken), "n": found.n},
        **{"statistic": found.statistic, "freedom": found.freedom, "p_value": found.p_value},
        "note": _why(found.note, found.groups, cases, statistics),
    }


def _questions(models: list[Judged], classification: Classification) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    """Yield the names of each question and its patients with residual tumour, whose numbers are ``value``."""
    segmenting = [model for model in models if model.experiment == "segmentation"]
    for model in segmenting:
        of = positive(model.cases, classification)
        names = (model.split, model.arch, model.inputs, "", "")
        yield dict(zip(_QUESTION, names, strict=True)), of.assign(value=of["dice"])
    for one, other in combinations(segmenting, 2):
        if one.split != other.split:
            continue
        pair = Pair("networks", one.split, (one.arch, one.inputs), (other.arch, other.inputs))
        first, second = matched(pd.concat([one.cases, other.cases], ignore_index=True), pair)
        differing = first.assign(value=first["dice"] - second["dice"])
        names = (one.split, one.arch, one.inputs, other.arch, other.inputs)
        yield dict(zip(_QUESTION, names, strict=True)), positive(differing, classification)


def values_of_persons(cases: pd.DataFrame, group: pd.Series) -> pd.DataFrame:
    """Return ``value`` of each person in each known ``group``.

    >>> cases = pd.DataFrame({"person": ["x", "x", "y"], "value": [0.4, 0.6, 0.9]})
    >>> values_of_persons(cases, pd.Series(["F", "F", "unknown"])).values.tolist()
    [[0.5, 'F']]
    """
    known = cases.assign(group=group)[(group != UNKNOWN) & group.notna()]
    found = [by_person(of, "value").to_frame("value").assign(group=name) for name, of in known.groupby("group")]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame({"value": [], "group": []}, dtype=object)


def _why(note: str, groups: int, cases: pd.DataFrame, statistics: Statistics) -> str:
    if groups > 1:
        return note
    return f"not estimable: {'one group only' if groups else 'no group'} {large_enough(cases, statistics)}"


def large_enough(cases: pd.DataFrame, statistics: Statistics) -> str:
    """Say how many patients with residual tumour a group needs, or persons where some have several scans.

    >>> from residua.settings.statistics import BestInputs
    >>> best = BestInputs(segmentation={}, classification={}, raters={})
    >>> numbers = {"alpha": 0.05, "bootstrap_resamples": 100, "interval_sd_multiplier": 1.96, "seed": 0}
    >>> large_enough(pd.DataFrame({"patient": ["P1"]}), Statistics(**numbers, best_inputs=best))
    'with at least 5 patients with residual tumour'
    """
    who = "persons" if "person" in cases else "patients"
    return f"with at least {statistics.least_in_subgroup} {who} with residual tumour"
