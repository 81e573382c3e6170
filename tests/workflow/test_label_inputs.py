"""A label among the inputs, as in the article's configurations D and E, from the cohort to the tables."""

from __future__ import annotations

import csv
import json

import nibabel as nib
import numpy as np
import pytest

from residua.report.article_settings import ARTICLE_INPUTS
from studies import Study, by_rule

E = ARTICLE_INPUTS["E"]
NETWORKS, FOLDS = ("nnunet", "agunet"), (0, 1)


@pytest.mark.timeout(900)
def test_the_articles_inputs_e_are_trained_by_both_networks_to_the_tables(study: Study) -> None:
    study.configure(lambda config: config["sequences"]["moving"].append("post_flair"))
    study.configure(lambda config: config["inputs"].update(E=E))
    assert by_rule(study.planned())["train"] == len(NETWORKS) * len(FOLDS)
    study.run()
    assert study.planned() == []
    results = study.folder / "results"
    models = results / "models"
    for fold in FOLDS:
        described = json.loads((models / f"nnunet/E/fold{fold}/dataset.json").read_text())
        assert list(described["channel_names"].values()) == E
        assert json.loads((models / f"agunet/E/fold{fold}/network.json").read_text())["channels"] == E
    for arch in NETWORKS:
        predicted = sorted((results / "ensemble" / arch / "E").glob("*.nii.gz"))
        assert predicted
        assert all(np.asarray(nib.load(path).dataobj).min() >= 0 for path in predicted)
    with (results / "tables/table3.csv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["Input"] == "E"]
    assert len(rows) == 2 * len(NETWORKS)
