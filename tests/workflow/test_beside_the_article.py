"""What stands beside the article's results: it is made of a finished study, and trains nothing."""

from __future__ import annotations

import csv
from typing import Any

import pandas as pd
import pytest

from micro_study import forget
from residua.settings.figures import FURTHER
from studies import Study, by_rule

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


def with_all_beside(config: dict[str, Any]) -> None:
    """Add every stage that can be switched off and trains nothing."""
    config["statistics"].update(subgroups=["hospital", "sex"], least_in_subgroup=2)
    config["statistics"].update(further_consensus=["leave_one_out", "staple"])
    config.update(report={"cases": 2}, figures={"further": list(FURTHER)}, combinations=COMBINATIONS)
    config.update(conventions=["authors-code-2023", "brats-lesionwise"])


@pytest.fixture(scope="module")
def beside(finished: Study, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The finished study with inputs B, to which all of it was added afterwards."""
    study = finished.copied(tmp_path_factory.mktemp("beside") / "study")
    forget(study, "A")
    tell_survival(study)
    study.configure(with_all_beside)
    planned = by_rule(study.planned(*TARGETS))
    assert not {"register", "prepare_stripped", "train", "predict"} & set(planned)
    assert planned["combine"] == 2 * len(COMBINATIONS)
    assert planned["choose_threshold"] == 1, "a mean chooses one, a gate none"
    # A gate leads to the tables as a mean does; test_everything.py makes both.
    study.configure(lambda config: config["combinations"].pop("both"))
    study.run(*TARGETS)
    return study


def test_all_of_it_runs_and_has_nothing_to_do_afterwards(beside: Study) -> None:
    assert beside.planned(*TARGETS) == []


def test_every_model_is_judged_by_every_convention(beside: Study) -> None:
    conventions = pd.read_csv(beside.folder / "results/tables/conventions.csv")
    assert set(conventions["Convention"]) == {"this study", "authors-code-2023", "brats-lesionwise"}
    assert len(set(conventions["Arch."])) == 2 + 1, "two networks and the gate"


def test_no_table_shows_what_is_no_number(beside: Study) -> None:
    tables = list(beside.folder.glob("results/tables/*.csv"))
    assert not [path.name for path in tables if "nan" in path.read_text(encoding="utf-8").lower().split()]
