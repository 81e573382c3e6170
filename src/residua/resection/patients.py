"""Judge every patient's resection by the reference and by the prediction: extent, its interval, and classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from residua.resection.classes import raidionics_class, rano_class
from residua.resection.extent import extent_of_resection
from residua.resection.members import extent_range

_KEYS = ("arch", "inputs", "split", "fold", "patient", "hospital")


def judged(
    cases: pd.DataFrame,
    before_ml: Mapping[str, float],
    members: Mapping[tuple[str, str], Mapping[str, Mapping[str, Any]]],
) -> pd.DataFrame:
    """Return a row per measured case whose patient has a volume in ``before_ml``, in the order of ``cases``.

    ``members`` holds, by network and inputs and by patient, the record of ``segmentation.members``. From the lowest to
    the highest extent that the ensemble and each of its members find goes ``extent_low`` to ``extent_high``; both are
    NaN out of fold, where one model predicts. An extent is in percent; without tumour before surgery it is NaN, and the
    class of Raidionics, which goes by percent, None.

    >>> case = {"arch": "nnunet", "inputs": "B", "split": "test", "fold": None, "patient": "AMS1", "hospital": "AMS"}
    >>> cases = pd.DataFrame([{**case, "reference_ml": 1.0, "predicted_ml": 2.0}])
    >>> record = {"members_ml": {"fold0": 1.5, "fold1": 4.0}, "mean_pairwise_dice": 0.5}
    >>> (row,) = judged(cases, {"AMS1": 20.0}, {("nnunet", "B"): {"AMS1": record}}).to_dict("records")
    >>> [row[name] for name in ("extent_reference", "extent_predicted", "extent_low", "extent_high", "rano_predicted")]
    [95.0, 90.0, 80.0, 92.5, '3A']
    """
    known = cases[cases["patient"].isin(list(before_ml))].reset_index(drop=True)
    found = known[list(_KEYS)].copy()
    found["before_ml"] = known["patient"].map(before_ml).astype(float)
    for side in ("reference", "predicted"):
        found[f"{side}_ml"] = known[f"{side}_ml"].astype(float)
        found[f"extent_{side}"] = extent_of_resection(found["before_ml"], found[f"{side}_ml"])
    models = zip(known["arch"], known["inputs"], strict=True)
    records = [
        members.get(model, {}).get(patient, {}) if split == "test" else {}
        for model, patient, split in zip(models, known["patient"], known["split"], strict=True)
    ]
    ends = [_ends(row, record) for row, record in zip(found.to_dict("records"), records, strict=True)]
    found[["extent_low", "extent_high"]] = pd.DataFrame(ends, columns=["low", "high"], dtype=float)
    found["members_dice"] = pd.Series([record.get("mean_pairwise_dice") for record in records], dtype=float)
    for side in ("reference", "predicted"):
        found[f"rano_{side}"] = rano_class(found[f"{side}_ml"])
        found[f"raidionics_{side}"] = raidionics_class(found["before_ml"], found[f"{side}_ml"])
    return found


def _ends(row: Mapping[Any, Any], record: Mapping[str, Any]) -> tuple[float, float]:
    volumes_ml: Sequence[float] = list(record.get("members_ml", {}).values())
    if not volumes_ml:
        return float("nan"), float("nan")
    return extent_range(row["before_ml"], [*volumes_ml, row["predicted_ml"]])
