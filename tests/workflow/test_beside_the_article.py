"""All that a study can have, in one run: labels among the inputs, and what stands beside the article's results.

The small studies of the other tests do without these.
"""

from __future__ import annotations

import csv
import json
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from residua.report.article_settings import ARTICLE_INPUTS
from residua.settings.figures import FURTHER
from studies import Study, by_rule

E = ARTICLE_INPUTS["E"]
NETWORKS, FOLDS = ("nnunet", "agunet"), (0, 1)

COMBINATIONS = {"both": {"mean": ["nnunet", "agunet"]}, "gated": {"gate": "agunet", "draw": "nnunet"}}
TABLES = ("conventions", "subgroups", "subgroup_tests", "between_hospitals", "rater_ranks", "survival", "prognosis")
FIGURES = (*FURTHER, "hospitals", "subgroups", "kaplan_meier")
TARGETS = (
    "results/report/cases/manifest.json",
    *(f"results/tables/{table}.html" for table in TABLES),
    *(f"results/figures/{figure}.pdf" for figure in FIGURES),
)

PUBLISHED = ("results/report/index.html", "results/tables/table3.csv", "results/tables/table4.csv")
CHANNELS_OF = {
    "nnunet": lambda model: list(json.loads((model / "dataset.json").read_text())["channel_names"].values()),
    "agunet": lambda model: json.loads((model / "network.json").read_text())["channels"],
}


def tell_survival(study: Study) -> None:
    table = study.folder / "cohort/cohort.tsv"
    with table.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [*rows[0], "survival_days", "death"], delimiter="\t")
        writer.writeheader()
        writer.writerows({**row, "survival_days": 100 + 50 * n, "death": n % 2} for n, row in enumerate(rows))


def with_everything(config: dict[str, Any]) -> None:
    """Add the article's inputs E, of which one channel is a label, and every stage that can be switched off."""
    config["sequences"]["moving"].append("post_flair")
    config["inputs"]["E"] = E
    config["statistics"].update(subgroups=["hospital", "sex"], least_in_subgroup=2)
    config["statistics"].update(further_consensus=["leave_one_out", "staple"])
    config.update(report={"cases": 2}, figures={"further": list(FURTHER)}, combinations=COMBINATIONS)
    config.update(conventions=["authors-code-2023", "brats-lesionwise"])


@pytest.fixture(scope="module")
def everything(finished: Study, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The finished study, to which all of it was added afterwards."""
    study = finished.copied(tmp_path_factory.mktemp("everything") / "study")
    tell_survival(study)
    study.configure(with_everything)
    assert by_rule(study.planned(*TARGETS, *PUBLISHED))["train"] == len(NETWORKS) * len(FOLDS)
    study.run(*TARGETS, *PUBLISHED)
    return study


@pytest.mark.timeout(900)
def test_all_of_it_runs_and_has_nothing_to_do_afterwards(everything: Study) -> None:
    assert everything.planned(*TARGETS, *PUBLISHED) == []


def test_every_model_is_judged_by_every_convention(everything: Study) -> None:
    results = everything.folder / "results"
    conventions = pd.read_csv(results / "tables/conventions.csv")
    assert set(conventions["Convention"]) == {"this study", "authors-code-2023", "brats-lesionwise"}
    assert len(set(conventions["Arch."])) == len(NETWORKS) + len(COMBINATIONS)


def test_no_table_shows_what_is_no_number(everything: Study) -> None:
    tables = list(everything.folder.glob("results/tables/*.csv"))
    assert not [path.name for path in tables if "nan" in path.read_text(encoding="utf-8").lower().split()]


@pytest.mark.parametrize("arch", NETWORKS)
def test_the_articles_inputs_e_are_trained_by_both_networks_to_the_tables(everything: Study, arch: str) -> None:
    results = everything.folder / "results"
    for fold in FOLDS:
        model = results / f"models/{arch}/E/fold{fold}"
        assert CHANNELS_OF[arch](model) == E
    predicted = sorted((results / "ensemble" / arch / "E").glob("*.nii.gz"))
    assert predicted
    assert all(np.asarray(nib.load(path).dataobj).min() >= 0 for path in predicted)
    rows = pd.read_csv(results / "tables/table3.csv")
    assert len(rows[rows["Input"] == "E"]) == 2 * (len(NETWORKS) + len(COMBINATIONS))
