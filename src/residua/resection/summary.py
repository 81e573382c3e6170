"""Compare predicted with reference resections, over the patients of each split and hospital."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from residua.resection.classes import BIOPSY, RAIDIONICS, RANO, is_complete, is_gross_total
from residua.settings.statistics import Statistics
from residua.statistics.bland_altman import bland_altman
from residua.statistics.interval import Interval
from residua.statistics.kappa import weighted_kappa

EVERYONE = ""
"""In place of a hospital: the patients of all hospitals of a split."""
MEASURED = tuple(name for name in RANO if name != BIOPSY)
"""The classes that a volume can show, from the best to the worst."""


def resections(patients: pd.DataFrame, residual_tumor_ml: float, statistics: Statistics) -> pd.DataFrame:
    """Return a row per network, split and hospital, and one over all hospitals; ``patients`` are from ``judged``.

    Extents are in percent: medians, then bias and limits of agreement of predicted minus reference, each with
    ``_low`` and ``_high``. Extents and Raidionics' classes need a tumour before surgery (``n``, without the
    ``undefined``); RANO's do not.

    >>> from residua.resection.patients import judged
    >>> from residua.settings.statistics import BestInputs
    >>> names = {"arch": "nnunet", "inputs": "B", "split": "validation", "fold": 0, "hospital": "STO"}
    >>> volumes = {"reference_ml": [0.0, 1.0, 4.0], "predicted_ml": [0.0, 3.0, 4.0]}
    >>> cases = pd.DataFrame({**names, "patient": ["STO1", "STO2", "STO3"], **volumes})
    >>> best = BestInputs(segmentation={}, classification={}, raters={})
    >>> numbers = {"alpha": 0.05, "bootstrap_resamples": 100, "interval_sd_multiplier": 1.96, "seed": 0}
    >>> patients = judged(cases, dict.fromkeys(cases["patient"], 20.0), {})
    >>> (row,) = resections(patients, 0.175, Statistics(**numbers, best_inputs=best)).to_dict("records")
    >>> row["extent_reference"], row["extent_predicted"], round(row["bias"], 2), row["same_rano"], row["patients"]
    (95.0, 85.0, -3.33, 2, 3)
    """
    return pd.DataFrame(
        [
            {**names, **_extents(group), **_classes(group, residual_tumor_ml), **_agreement(group, statistics)}
            for names, group in _groups(patients)
        ]
    )


def confusion(patients: pd.DataFrame) -> pd.DataFrame:
    """Count patients by the class of RANO resect, for each network and split: a row per pair of classes.

    >>> case = {"arch": "nnunet", "inputs": "B", "split": "test", "hospital": "AMS"}
    >>> patients = pd.DataFrame([{**case, "rano_reference": "2B", "rano_predicted": "3A"}])
    >>> found = confusion(patients)
    >>> found[found["patients"] > 0][["reference", "predicted", "patients"]].values.tolist()
    [['2B', '3A', 1]]
    """
    rows = []
    for names, group in _groups(patients):
        if names.pop("hospital") == EVERYONE:
            pairs = list(zip(group["rano_reference"], group["rano_predicted"], strict=True))
            for reference in MEASURED:
                for predicted in MEASURED:
                    count = pairs.count((reference, predicted))
                    rows.append({**names, "reference": reference, "predicted": predicted, "patients": count})
    return pd.DataFrame(rows)


def _groups(patients: pd.DataFrame) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    for (arch, inputs, split), of_model in patients.groupby(["arch", "inputs", "split"], sort=False):
        names = {"arch": arch, "inputs": inputs, "split": split}
        hospitals = list(of_model.groupby("hospital", sort=False))
        if len(hospitals) > 1:
            for hospital, group in hospitals:
                yield {**names, "hospital": hospital}, group
        yield {**names, "hospital": EVERYONE}, of_model


def _extents(group: pd.DataFrame) -> dict[str, Any]:
    defined = group.dropna(subset=["extent_reference"])
    ranged = defined.dropna(subset=["extent_low"])
    inside = ranged["extent_reference"].between(ranged["extent_low"], ranged["extent_high"])
    return {
        "n": len(defined),
        "undefined": len(group) - len(defined),
        "extent_reference": defined["extent_reference"].median(),
        "extent_predicted": defined["extent_predicted"].median(),
        "range_n": len(ranged),
        "range_median": (ranged["extent_high"] - ranged["extent_low"]).median(),
        "range_holds_reference": int(inside.sum()),
    }


def _classes(group: pd.DataFrame, residual_tumor_ml: float) -> dict[str, Any]:
    counts = {}
    for side in ("reference", "predicted"):
        counts[f"complete_{side}"] = int(is_complete(group[f"{side}_ml"]).sum())
        counts[f"gross_total_{side}"] = int(is_gross_total(group[f"{side}_ml"], residual_tumor_ml).sum())
    by_percent = group.dropna(subset=["raidionics_reference"])
    return {
        "patients": len(group),
        **counts,
        "same_rano": int((group["rano_reference"] == group["rano_predicted"]).sum()),
        "same_raidionics": int((by_percent["raidionics_reference"] == by_percent["raidionics_predicted"]).sum()),
    }


def _agreement(group: pd.DataFrame, statistics: Statistics) -> dict[str, Any]:
    defined = group.dropna(subset=["extent_reference"])
    differences = bland_altman(defined["extent_predicted"], defined["extent_reference"], statistics.alpha)
    settings = (statistics.alpha, statistics.bootstrap_resamples, statistics.seed)
    found = {"bias": differences.bias, "lower": differences.lower, "upper": differences.upper}
    for name, order in (("rano", MEASURED), ("raidionics", RAIDIONICS)):
        classed = group.dropna(subset=[f"{name}_reference"])
        ranks = [classed[f"{name}_{side}"].map(list(order).index) for side in ("reference", "predicted")]
        found[f"kappa_{name}"] = weighted_kappa(ranks[0], ranks[1], *settings)
    flat = {key: value for name, interval in found.items() for key, value in _flat(name, interval).items()}
    reasons = {"bias": "extent", "upper": "limits", "kappa_rano": "κ, RANO", "kappa_raidionics": "κ, Raidionics"}
    notes = [f"{words}: {found[name].note}" for name, words in reasons.items() if found[name].note]
    return {**flat, "note": "; ".join(notes)}


def _flat(name: str, interval: Interval) -> dict[str, float]:
    numbers = {name: interval.estimate, f"{name}_low": interval.low, f"{name}_high": interval.high}
    return {key: np.nan if value is None else value for key, value in numbers.items()}
