"""Compare the resections of a study by its networks with those by the reference (stage ``compare_resections``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from residua.resection.members import member_records
from residua.resection.patients import judged
from residua.resection.summary import confusion, resections
from residua.settings.classification import Classification
from residua.settings.statistics import Statistics
from residua.statistics.best_inputs import best_inputs
from residua.statistics.cases import read_cases


def compare_resections(
    metrics: Sequence[str],
    members: Mapping[tuple[str, str], str],
    before_ml: Mapping[str, float],
    choice: Mapping[str, str],
    classification: Classification,
    statistics: Statistics,
) -> dict[str, pd.DataFrame]:
    """Return the frames ``patients`` (``judged``), ``resection`` and ``rano`` (``summary``) of each network's inputs.

    Each network enters with its best inputs for segmentation. ``members`` holds the manifest of ``compare_members`` by
    network and inputs; networks of elsewhere have none. ``before_ml`` holds the volume before surgery of the patients
    who have one.

    >>> from residua.publishing.publish import stage, write_json
    >>> from residua.settings.statistics import BestInputs
    >>> names = {"arch": "nnunet", "inputs": "B", "split": "test", "fold": None, "patient": "AMS1", "hospital": "AMS"}
    >>> pd.DataFrame([{**names, "dice": 0.5, "reference_ml": 1.0, "predicted_ml": 2.0}]).to_parquet("B.parquet")
    >>> with stage("members/manifest.json") as part:
    ...     write_json(part / "AMS1.json", {"members_ml": {"fold0": 4.0}, "mean_pairwise_dice": None})
    >>> best = BestInputs(segmentation={"nnunet": "B"}, classification={}, raters={})
    >>> numbers = {"alpha": 0.05, "bootstrap_resamples": 100, "interval_sd_multiplier": 1.96, "seed": 0}
    >>> classification = Classification(residual_tumor_ml=0.175, min_overlap_dice=0)
    >>> settings = (classification, Statistics(**numbers, best_inputs=best))
    >>> files = (["B.parquet"], {("nnunet", "B"): "members/manifest.json"})
    >>> found = compare_resections(*files, {"AMS1": 20.0}, best.segmentation, *settings)
    >>> found["patients"][["extent_low", "extent_high"]].values.tolist()
    [[80.0, 90.0]]
    """
    cases = read_cases(metrics)
    best = best_inputs(cases, choice, "segmentation", classification)
    chosen = pd.concat([cases[(cases["arch"] == arch) & (cases["inputs"] == inputs)] for arch, inputs in best.items()])
    records = {model: member_records(members[model]) for model in best.items() if model in members}
    patients = judged(chosen, before_ml, records)
    summary = resections(patients, classification.residual_tumor_ml, statistics)
    return {"patients": patients, "resection": summary, "rano": confusion(patients)}
