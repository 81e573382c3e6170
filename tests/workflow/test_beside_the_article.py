"""What stands beside the article's results is made where it is asked; the small studies of the tests do without."""

from __future__ import annotations

import csv

import pandas as pd

from residua.settings.figures import FURTHER
from studies import Study

COMBINATIONS = {"both": {"mean": ["nnunet", "agunet"]}, "gated": {"gate": "agunet", "draw": "nnunet"}}
TABLES = ("conventions", "subgroups", "subgroup_tests", "between_hospitals", "rater_ranks", "survival", "prognosis")
FIGURES = (*FURTHER, "hospitals", "subgroups", "kaplan_meier")
TARGETS = (
    "results/report/cases/manifest.json",
    *(f"results/tables/{table}.html" for table in TABLES),
    *(f"results/figures/{figure}.pdf" for figure in FIGURES),
)


def tell_survival(study: Study) -> None:
    table = study.folder / "cohort/cohort.tsv"
    with table.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [*rows[0], "survival_days", "death"], delimiter="\t")
        writer.writeheader()
        writer.writerows({**row, "survival_days": 100 + 50 * n, "death": n % 2} for n, row in enumerate(rows))


def test_every_stage_beside_the_article_runs_and_has_nothing_to_do_afterwards(study: Study) -> None:
    tell_survival(study)
    further = {
        "subgroups": ["hospital", "sex"],
        "least_in_subgroup": 2,
        "further_consensus": ["leave_one_out", "staple"],
    }
    study.configure(lambda config: config["statistics"].update(further))
    study.configure(lambda config: config.update(report={"cases": 2}, figures={"further": list(FURTHER)}))
    study.configure(lambda config: config.update(conventions=["authors-code-2023", "brats-lesionwise"]))
    study.configure(lambda config: config.update(combinations=COMBINATIONS))
    study.run(*TARGETS)
    assert study.planned(*TARGETS) == []
    results = study.folder / "results"
    conventions = pd.read_csv(results / "tables/conventions.csv")
    assert set(conventions["Convention"]) == {"this study", "authors-code-2023", "brats-lesionwise"}
    assert len(set(conventions["Arch."])) == 2 + len(COMBINATIONS)
    assert not any("nan" in path.read_text(encoding="utf-8").lower().split() for path in results.glob("tables/*.csv"))
