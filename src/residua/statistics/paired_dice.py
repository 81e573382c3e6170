"""Compare models by the Dice of the same patients: inputs of each network, and the networks with their best inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from residua.settings.classification import Classification
from residua.settings.statistics import Statistics
from residua.statistics.cases import by_person, persons_of, positive
from residua.statistics.cliffs_delta import cliffs_delta
from residua.statistics.cluster_bootstrap import cluster_interval
from residua.statistics.detectable import detectable
from residua.statistics.frames import tidy
from residua.statistics.friedman import friedman
from residua.statistics.holm import with_holm
from residua.statistics.mean_interval import mean_interval
from residua.statistics.pairs import COLUMNS as NAMES
from residua.statistics.pairs import SPLITS, clusters_of, matched, noted, pairs
from residua.statistics.signed_rank import signed_rank

COLUMNS = (
    *(*NAMES, "n", "persons", "mean_difference", "low", "high"),
    *("hospitals", "hospital_low", "hospital_high", "person_low", "person_high"),
    *("differing", "w_plus", "p_value", "p_holm", "significant", "cliffs_delta", "rank_biserial"),
    *("sd_of_differences", "detectable", "note"),
)
FRIEDMAN_COLUMNS = (
    *("family", "split", "arch", "inputs", "n", "chi_squared", "freedom", "kendalls_w"),
    *("p_value", "significant", "note"),
)


def paired_dice(
    cases: pd.DataFrame, choice: Mapping[str, str], classification: Classification, statistics: Statistics
) -> pd.DataFrame:
    """Return one row per split and pair of models: Dice (a fraction) of DSC-P, of the patients that both have.

    The first minus the second: mean with its BCa interval, the same with hospitals and with persons drawn as clusters,
    Wilcoxon's signed-rank test with Holm's correction within the family, effect sizes, and the smallest difference that
    these patients could have shown. Tests take one value of each person, the mean of the scans.

    >>> from residua.settings.statistics import BestInputs
    >>> models = {"inputs": ["A"] * 6 + ["B"] * 6, "dice": [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.5, 0.5, 0.5, 0.1, 0.2, 0.3]}
    >>> patients = {"patient": [f"AMS{n}" for n in range(6)] * 2, "hospital": "AMS", "reference_ml": 2.0}
    >>> cases = pd.DataFrame({"arch": "nnunet", "split": "test", **models, **patients})
    >>> best = BestInputs(segmentation={"nnunet": "A"}, classification={}, raters={})
    >>> numbers = {"alpha": 0.05, "bootstrap_resamples": 200, "interval_sd_multiplier": 1.96, "seed": 0}
    >>> rule, how = Classification(residual_tumor_ml=0.175, min_overlap_dice=0), Statistics(**numbers, best_inputs=best)
    >>> (row,) = paired_dice(cases, best.segmentation, rule, how).to_dict("records")
    >>> row["n"], round(row["mean_difference"], 2), row["p_value"], row["rank_biserial"]
    (6, 0.3, 0.03125, 1.0)
    """
    rows = []
    for pair in pairs(cases, choice, "segmentation", classification):
        first, second = matched(cases, pair)
        first = positive(first, classification)
        rows.append({**pair.names, **_compared(first, second.loc[first.index], statistics)})
    return tidy(with_holm(rows, ("family", "split"), statistics.alpha), COLUMNS)


def _compared(first: pd.DataFrame, second: pd.DataFrame, statistics: Statistics) -> dict[str, Any]:
    about = first.assign(difference=first["dice"].to_numpy(float) - second["dice"].to_numpy(float))
    of_persons = by_person(about, "difference").to_numpy(float)
    how = (statistics.alpha, statistics.bootstrap_resamples, statistics.seed)
    mean = mean_interval(about["difference"], *how, persons_of(about))
    tested, (smallest, why_not) = signed_rank(of_persons), detectable(of_persons, statistics.alpha)
    clustered, notes = _clustered(about, how)
    delta = cliffs_delta(by_person(first, "dice"), by_person(second, "dice"))
    said = {"mean difference": mean.note, **notes, "Wilcoxon, r": tested.note}
    said |= {"delta": tested.note if delta is None else "", "detectable": why_not}
    return {
        "n": mean.n,
        "persons": of_persons.size,
        "mean_difference": mean.estimate,
        **{"low": mean.low, "high": mean.high, **clustered},
        **{"differing": tested.differing, "w_plus": tested.w_plus, "p_value": tested.p_value},
        "cliffs_delta": delta,
        "rank_biserial": tested.rank_biserial,
        "sd_of_differences": float(of_persons.std(ddof=1)) if of_persons.size > 1 else None,
        **{"detectable": smallest, "note": noted(said)},
    }


def _clustered(
    about: pd.DataFrame, how: tuple[float, int, int]
) -> tuple[dict[str, float | int | None], dict[str, str]]:
    """Return the intervals over hospitals and over persons, and why one is missing."""
    found: dict[str, float | int | None] = {"hospitals": int(about["hospital"].nunique())}
    notes = {}
    for cluster, names in clusters_of(about).items():
        of = cluster_interval(about["difference"], names, cluster, *how)
        found |= {f"{cluster}_low": of.low, f"{cluster}_high": of.high}
        notes[f"over {cluster}s"] = of.note
    return found, notes


def friedman_of_inputs(cases: pd.DataFrame, classification: Classification, alpha: float) -> pd.DataFrame:
    """Return one row per split and network: Friedman's test of its inputs, of the patients that all of them have.

    A network with a single input configuration has no row.

    >>> models = {"inputs": ["A"] * 4 + ["B"] * 4 + ["C"] * 4, "dice": [0.9] * 4 + [0.5] * 4 + [0.1] * 4}
    >>> patients = {"patient": ["AMS1", "AMS2", "AMS3", "AMS4"] * 3, "reference_ml": 2.0}
    >>> cases = pd.DataFrame({"arch": "nnunet", "split": "test", **models, **patients})
    >>> rule = Classification(residual_tumor_ml=0.175, min_overlap_dice=0)
    >>> (row,) = friedman_of_inputs(cases, rule, alpha=0.05).to_dict("records")
    >>> row["inputs"], row["chi_squared"], row["kendalls_w"], row["significant"]
    ('A, B, C', 8.0, 1.0, True)
    """
    rows = []
    for split in SPLITS:
        of_split = positive(cases[cases["split"] == split], classification)
        for arch, of_arch in of_split.groupby("arch", sort=False):
            inputs = [str(name) for name in of_arch["inputs"].unique()]
            if len(inputs) < 2:
                continue
            found = friedman(_table(of_arch))
            rows.append(
                {
                    **{"family": f"inputs of {arch}", "split": split, "arch": arch, "inputs": ", ".join(inputs)},
                    **{"n": found.n, "chi_squared": found.chi_squared, "freedom": found.freedom},
                    **{"kendalls_w": found.kendalls_w, "p_value": found.p_value},
                    "significant": None if found.p_value is None else found.p_value < alpha,
                    "note": found.note,
                }
            )
    return tidy(rows, FRIEDMAN_COLUMNS)


def _table(of_arch: pd.DataFrame) -> pd.DataFrame:
    """Return the Dice of the patients, or persons, that all inputs have: a row each, a column per inputs."""
    by_inputs = [rows.set_index("patient", drop=False) for _, rows in of_arch.groupby("inputs", sort=False)]
    shared = set.intersection(*(set(rows.index) for rows in by_inputs))
    values = [by_person(rows[rows["patient"].isin(shared)], "dice") for rows in by_inputs]
    return pd.concat(values, axis=1)
