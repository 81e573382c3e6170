"""Tests of what the report says where input configurations have different patients (``eligibility: per_inputs``)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from residua.report.build import write_report
from residua.report.cohort import eligibility
from residua.report.methods import methods
from residua.report.patients import Patients
from test_report import LABELS, choosing, make_run, study_of

TEN = [f"P{i}" for i in range(10)]


def held_out(**patients: list[str]) -> pd.DataFrame:
    """Held-out patients of nnU-Net by inputs."""
    rows = [(inputs, patient) for inputs, who in patients.items() for patient in who]
    return pd.DataFrame(rows, columns=["inputs", "patient"]).assign(arch="nnunet", split="test")


@pytest.mark.parametrize(("of_b", "of_c"), [(TEN[1:], TEN[:-1]), (TEN[:5], TEN[5:])])
def test_as_many_patients_are_not_called_the_same_patients(of_b: list[str], of_c: list[str]) -> None:
    said = eligibility("per_inputs", held_out(B=of_b, C=of_c))
    n = len(of_b)
    assert f"B {n} (0 in folds, {n} held out) and C {n} (0 in folds, {n} held out)" in said
    assert "are not of the same patients" in said
    assert "all have the same patients" in eligibility("per_inputs", held_out(B=of_b, C=of_b[::-1]))


def test_models_of_one_split_are_alike_if_each_has_the_patients_of_the_others() -> None:
    everywhere = pd.concat([held_out(B=TEN, C=TEN), held_out(B=["Q1"], C=["Q1"]).assign(split="validation")])
    assert Patients(everywhere).alike
    # Predictions made elsewhere may be of the hold-out alone.
    assert Patients(everywhere[(everywhere["split"] == "test") | (everywhere["inputs"] == "B")]).alike
    assert not Patients(held_out(B=TEN[1:], C=TEN[:-1])).alike


def test_methods_claim_the_same_patients_only_of_complete_ones() -> None:
    def said(eligibility: str) -> str:
        return " ".join(methods(study_of(eligibility=eligibility), LABELS, rated=False, folds=2)[-1].paragraphs)

    assert "although every model sees the same patients. A difference that is not significant" in said("complete")
    assert "every model sees the same patients" not in said("per_inputs")
    assert "although models may share patients. Each input configuration has the patients with" in said("per_inputs")


@pytest.fixture(scope="module")
def different(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a run whose inputs B lack two held-out patients."""
    folder = tmp_path_factory.mktemp("different")
    study = study_of(
        eligibility="per_inputs",
        inputs={"A": ["post_t1ce"], "B": ["post_t1ce", "post_t1"]},
        statistics=choosing("A"),
    )
    sources, making = make_run(folder, study)
    for file in sources.metrics:
        rows = pd.read_parquet(file)
        rows[(rows["inputs"] != "B") | ~rows["patient"].isin(["AMS000", "AMS001"])].to_parquet(file)
    write_report(sources, making, folder / "index.html")
    return " ".join(Path(folder / "index.html").read_text(encoding="utf-8").split())


def test_the_page_does_not_say_that_every_model_sees_the_same_patients(different: str) -> None:
    assert "very model sees the same patients" not in different
    assert "Models have different patients; each comparison is of those whom all of its models have." in different
