"""Compare how models classify the same patients, and how their predicted volumes order them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from residua.metrics.classification import has_residual_tumor
from residua.settings.classification import Classification
from residua.settings.statistics import Statistics
from residua.statistics.auroc import auroc, auroc_difference
from residua.statistics.bca import paired_interval
from residua.statistics.cases import outcomes_of, persons_of
from residua.statistics.cluster_bootstrap import cluster_interval
from residua.statistics.detectable import detectable_of_classes
from residua.statistics.frames import tidy
from residua.statistics.holm import with_holm
from residua.statistics.mcnemar import mcnemar
from residua.statistics.pairs import COLUMNS as NAMES
from residua.statistics.pairs import SPLITS, clusters_of, matched, noted, pairs, rows_of

COLUMNS = (
    *(*NAMES, "n", "first_alone", "second_alone", "p_value", "p_holm", "significant"),
    *("mean_difference", "low", "high", "hospitals", "hospital_low", "hospital_high", "person_low", "person_high"),
    "detectable",
    *("auroc_difference", "auroc_low", "auroc_high", "auroc_p_value", "auroc_p_holm", "auroc_significant", "note"),
)
AUROC_COLUMNS = ("arch", "inputs", "split", "n_positive", "n_negative", "auroc", "low", "high", "note")
_RIGHT = ("TP", "TN")
_FAMILY = ("family", "split")


def paired_classification(
    cases: pd.DataFrame, choice: Mapping[str, str], classification: Classification, statistics: Statistics
) -> pd.DataFrame:
    """Return one row per split and pair of models, of the patients that both have.

    McNemar's exact test of the patients about whom one alone is right; the difference of balanced accuracy (points)
    with its BCa interval, and with hospitals and persons drawn as clusters; the difference of the areas under the ROC
    curve of the predicted volume (DeLong). Both tests are corrected by Holm's method within the family.

    >>> from residua.settings.statistics import BestInputs
    >>> models = {"inputs": ["A"] * 6 + ["B"] * 6, "predicted_ml": [2, 3, 4, 0, 0, 1] + [0, 0, 4, 0, 3, 1]}
    >>> patients = {"patient": [f"AMS{n}" for n in range(6)] * 2, "reference_ml": [2, 2, 2, 0, 0, 0] * 2, "dice": 0.5}
    >>> cases = pd.DataFrame({"arch": "nnunet", "split": "test", "hospital": "AMS", **models, **patients})
    >>> best = BestInputs(segmentation={}, classification={"nnunet": "A"}, raters={})
    >>> numbers = {"alpha": 0.05, "bootstrap_resamples": 200, "interval_sd_multiplier": 1.96, "seed": 0}
    >>> rule, how = Classification(residual_tumor_ml=0.175, min_overlap_dice=0), Statistics(**numbers, best_inputs=best)
    >>> (row,) = paired_classification(cases, best.classification, rule, how).to_dict("records")
    >>> row["first_alone"], row["second_alone"], row["p_value"], row["mean_difference"]
    (3, 0, 0.25, 50.0)
    """
    rows = [
        {**pair.names, **_compared(*matched(cases, pair), classification, statistics)}
        for pair in pairs(cases, choice, "classification", classification)
    ]
    rows = with_holm(rows, _FAMILY, statistics.alpha)
    of_areas = ("auroc_p_value", "auroc_p_holm", "auroc_significant")
    return tidy(with_holm(rows, _FAMILY, statistics.alpha, of_areas), COLUMNS)


def _compared(
    first: pd.DataFrame, second: pd.DataFrame, classification: Classification, statistics: Statistics
) -> dict[str, Any]:
    one, other = (outcomes_of(rows, classification) for rows in (first, second))
    how, persons = (statistics.alpha, statistics.bootstrap_resamples, statistics.seed), persons_of(first)
    test = mcnemar(np.isin(one, _RIGHT), np.isin(other, _RIGHT))
    rate = paired_interval(other, one, "balanced_accuracy", *how, persons)
    change = pd.DataFrame({"points": 100.0 * np.isin(one, _RIGHT) - 100.0 * np.isin(other, _RIGHT)})
    change["positive"] = np.isin(one, ("TP", "FN"))
    clustered, notes = _clustered(first, change, how)
    smallest, why_not = _detectable(change, persons, statistics.alpha)
    positive = has_residual_tumor(first["reference_ml"], classification.residual_tumor_ml)
    area = auroc_difference(first["predicted_ml"], second["predicted_ml"], positive, statistics.alpha, persons)
    said = {"McNemar": _of_scans(test.note, persons), "bAcc": rate.note, **notes, "detectable": why_not}
    said["AUROC"] = area.difference.note
    return {
        **{"n": len(first), "first_alone": test.first_alone, "second_alone": test.second_alone},
        **{"p_value": test.p_value, "mean_difference": rate.estimate, "low": rate.low, "high": rate.high, **clustered},
        "detectable": smallest,
        **{"auroc_difference": area.difference.estimate, "auroc_low": area.difference.low},
        **{"auroc_high": area.difference.high, "auroc_p_value": area.p_value, "note": noted(said)},
    }


def _of_scans(note: str, persons: NDArray[np.str_] | None) -> str:
    return note or ("" if persons is None else "takes the scans of one person as independent")


def _detectable(change: pd.DataFrame, persons: NDArray[np.str_] | None, alpha: float) -> tuple[float | None, str]:
    """Return the smallest difference of balanced accuracy (points) that is found; a person counts once in a class."""
    if persons is None:
        return detectable_of_classes(change["points"], change["positive"], alpha)
    change = change.assign(person=persons).groupby(["person", "positive"])[["points"]].mean().reset_index()
    return detectable_of_classes(change["points"], change["positive"], alpha, change["person"].to_numpy(np.str_))


def _clustered(
    about: pd.DataFrame, change: pd.DataFrame, how: tuple[float, int, int]
) -> tuple[dict[str, float | int | None], dict[str, str]]:
    """Return the intervals (points) over hospitals and over persons, and why one is missing."""
    found: dict[str, float | int | None] = {"hospitals": int(about["hospital"].nunique())}
    notes = {}
    for cluster, names in clusters_of(about).items():
        if change["positive"].nunique() < 2:
            found |= {f"{cluster}_low": None, f"{cluster}_high": None}
            continue
        of = cluster_interval(change["points"], names, cluster, *how, change["positive"])
        found |= {f"{cluster}_low": of.low, f"{cluster}_high": of.high}
        notes[f"bAcc over {cluster}s"] = of.note
    return found, notes


def areas(cases: pd.DataFrame, classification: Classification, alpha: float) -> pd.DataFrame:
    """Return one row per model and split: the area under the ROC curve of the predicted volume, from 0 to 1.

    >>> volumes = {"reference_ml": [2, 2, 0, 0], "predicted_ml": [3, 1, 2, 0]}
    >>> cases = pd.DataFrame({"arch": "nnunet", "inputs": "A", "split": "test", **volumes})
    >>> (row,) = areas(cases, Classification(residual_tumor_ml=0.175, min_overlap_dice=0), 0.05).to_dict("records")
    >>> row["auroc"], row["n_positive"], row["n_negative"]
    (0.75, 2, 2)
    """
    rows = []
    for (arch, inputs), of_model in cases.groupby(["arch", "inputs"], sort=False):
        for split in SPLITS:
            own = rows_of(of_model, (str(arch), str(inputs)), split)
            if own.empty:
                continue
            positive = has_residual_tumor(own["reference_ml"], classification.residual_tumor_ml)
            found = auroc(own["predicted_ml"], positive, alpha, persons_of(own))
            sizes = {"n_positive": int(positive.sum()), "n_negative": int((~positive).sum())}
            numbers = {"auroc": found.estimate, "low": found.low, "high": found.high, "note": found.note}
            rows.append({"arch": arch, "inputs": inputs, "split": split, **sizes, **numbers})
    return tidy(rows, AUROC_COLUMNS)
