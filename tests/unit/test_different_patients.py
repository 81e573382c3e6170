"""Tests of what the report says where input configurations have different patients (``eligibility: per_inputs``)."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from residua.report.abstract import abstract
from residua.report.build import write_report
from residua.report.cohort import cohort_facts, eligibility
from residua.report.findings import conservative, t1w_gain
from residua.report.methods import methods
from residua.report.patients import Patients
from residua.report.significance import significance
from residua.statistics.compare_architectures import compare_architectures
from residua.statistics.compare_inputs import compare_inputs
from residua.tables.supplement import supplementary_table
from test_report import LABELS, cases_of, choosing, make_run, split_of, study_of

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


def without_t1w_of_the_hard() -> pd.DataFrame:
    """Forty held-out patients, of whom twenty, the hard ones, have no T1w; with T1w Dice is lower."""
    rows = []
    for i in range(40):
        dice = (0.1 if i >= 20 else 0.8) + 0.01 * (i % 5)
        inputs = {"A": dice} if i >= 20 else {"A": dice, "B": dice - 0.02}
        rows += [{"inputs": name, "patient": f"P{i}", "dice": value} for name, value in inputs.items()]
    volumes = {"reference_ml": 2.0, "predicted_ml": 2.0}
    return pd.DataFrame(rows).assign(arch="nnunet", split="test", fold=None, **volumes)


@pytest.mark.parametrize("order", [["A", "B"], ["B", "A"]])
def test_a_test_of_other_patients_is_not_told_of_the_shared_ones(order: list[str]) -> None:
    study, cases = study_of(archs=("nnunet",)), without_t1w_of_the_hard()
    cases = cases.sort_values("inputs", ascending=order[0] == "A")
    found = t1w_gain(cases, study, LABELS, compare_inputs(cases, study.classification, 0.05))
    assert found is not None
    assert "n = 20 with residual tumour: mean Dice 80.0 % with B and 82.0 % with A" in found.sentences[1]
    assert found.sentences[3].startswith("nnU-Net: Tukey's range test on the hold-out compares all patients of each, ")
    assert (
        "n = 20 with B and 40 with A, a difference of +33.0 percentage points. It finds this difference significant"
        in found.sentences[3]
    )


def test_the_abstract_counts_the_patients_behind_each_number() -> None:
    """Six are held out; inputs B have five of them."""
    study = study_of(archs=("nnunet",))
    cases = cases_of(study)
    lacking = cases[(cases["inputs"] != "B") | (cases["patient"] != "AMS000")]
    facts = cohort_facts(split_of())
    every, fewer = (
        abstract(study_of(archs=("nnunet",), statistics=choosing("B")), facts, rows, LABELS)
        for rows in (cases, lacking)
    )
    assert "tested on 6 patients of the hold-out" in every
    assert [re.findall(r"\(n = (\d)\)", text) for text in (every, fewer)] == [["4", "6"], ["3", "5"]]
    of_persons = abstract(study, replace(facts, persons=facts.patients - 1), cases, LABELS)
    assert "with 12 scans in all, and tested on 6 scans of the hold-out" in of_persons


def test_inputs_without_a_shared_patient_are_not_taken_for_a_set_without_tumour() -> None:
    study, cases = study_of(archs=("nnunet",)), without_t1w_of_the_hard()
    apart = cases[(cases["inputs"] == "B") | ~cases["patient"].isin(cases.loc[cases["inputs"] == "B", "patient"])]
    found = t1w_gain(apart, study, LABELS, compare_inputs(apart, study.classification, 0.05))
    assert found is not None
    assert found.sentences[:3] == (
        "No patient with residual tumour has both A and B, so there is no Dice to compare.",
        "nnU-Net: no hold-out patient with residual tumour has both A and B, so there is no Dice to compare.",
        "nnU-Net: no out-of-fold patient has residual tumour, so there is no Dice to compare.",
    )


def classified(shared: range, right: range) -> pd.DataFrame:
    """Forty held-out patients of nnU-Net B, of whom AGU-Net E has some; nnU-Net sees tumour in those it is wrong of."""
    rows = []
    for i in range(40):
        reference = 2.0 if i % 2 else 0.0
        rows.append(("nnunet", "B", f"P{i}", reference, reference if i in right else 1.0))
        if i in shared:
            rows.append(("agunet", "E", f"P{i}", reference, reference))
    frame = pd.DataFrame(rows, columns=["arch", "inputs", "patient", "reference_ml", "predicted_ml"])
    return frame.assign(split="test", fold=None, dice=0.5)


def judged(cases: pd.DataFrame) -> list[str]:
    """What is said of the networks on the hold-out, compared by an interval of their specificity."""
    inputs = {name: {"nnunet": "B", "agunet": "E"} for name in ("segmentation", "classification", "raters")}
    study = study_of(statistics={**choosing("B"), "best_inputs": inputs})
    pair = {"arch_1": "nnunet", "inputs_1": "B", "arch_2": "agunet", "inputs_2": "E"}
    overlap = pd.DataFrame([{"split": "test", "rate": "specificity", **pair, "significant": True}])
    return list(conservative(cases, study, LABELS, overlap).sentences)


def test_networks_are_called_conservative_by_the_patients_of_both() -> None:
    alike = judged(classified(shared=range(20), right=range(20)))
    assert "specificity 50.0 % (10 of 20 without)" in alike[0]
    assert alike[2:4] == [
        "On the hold-out set (the 20 patients of both models) neither is the more conservative: both rates are the "
        "same.",
        "Compared by their intervals (of different patients: 40 and 20, 20 in both): specificity significantly "
        "different.",
    ]
    assert alike[4].startswith("AGU-Net E, there are few patients: one patient with residual tumour changes sensitiv")
    different = judged(classified(shared=range(20), right=range(10)))
    assert different[2].startswith(
        "AGU-Net is the more conservative on the hold-out set (the 20 patients of both models): higher specificity and"
    )
    everybody = judged(classified(shared=range(40), right=range(20)))
    assert everybody[2].startswith("AGU-Net is the more conservative on the hold-out set: higher specificity and the s")
    assert everybody[3] == "Compared by their intervals: specificity significantly different."


def test_networks_without_a_shared_patient_are_not_compared() -> None:
    cases = classified(shared=range(20), right=range(40))
    shared = cases["patient"].isin([f"P{i}" for i in range(20)])
    apart = pd.concat([cases[~shared], cases[cases["arch"] == "agunet"]])
    assert judged(apart)[2] == (
        "No patient of the hold-out set has both nnU-Net B and AGU-Net E, so this question has no answer there."
    )


def test_significant_pairs_of_different_patients_are_told_with_their_numbers() -> None:
    study, cases = study_of(), without_t1w_of_the_hard()
    both = pd.concat([cases, cases[cases["inputs"] == "B"].assign(arch="agunet")])
    choice = {"nnunet": "A", "agunet": "B"}
    pair = {"arch_1": "nnunet", "inputs_1": "A", "arch_2": "nnunet", "inputs_2": "B"}
    rows = [{"split": "test", "rate": "specificity", **pair, "significant": False}]
    frames = {
        "inputs": compare_inputs(both, study.classification, 0.05),
        "architectures": compare_architectures(both, choice, study.classification, 0.05),
        "overlaps": pd.DataFrame(rows),
    }
    patients = Patients(both)
    said = significance(frames, LABELS, patients, patients).sentences
    differ = "of different patients: 40 and 20, 20 in both"
    assert said[0].endswith(
        f"1 of 1 pair differs significantly: nnU-Net A and B ({differ}). 1 pair has different patients."
    )
    assert said[1].endswith(f"({differ}).")
    assert said[2].endswith("no significant difference in 1 pair. 1 pair has different patients.")
    same = both[both["patient"].isin(both.loc[both["inputs"] == "B", "patient"])]
    unsaid = significance(frames, LABELS, Patients(same), Patients(same)).sentences
    assert "different patients" not in " ".join(unsaid)


def test_methods_claim_the_same_patients_only_of_complete_ones() -> None:
    def said(eligibility: str) -> str:
        return " ".join(methods(study_of(eligibility=eligibility), LABELS, rated=False, folds=2)[-1].paragraphs)

    assert "although every model sees the same patients. A difference that is not significant" in said("complete")
    assert "every model sees the same patients" not in said("per_inputs")
    assert "although models may share patients. Each input configuration has the patients with" in said("per_inputs")


@pytest.mark.parametrize(
    ("name", "complete", "of_own"),
    [
        ("tukey", "independent, although every input sees the same patients.", "although inputs may share some. Each"),
        ("architectures", "although both networks see the same patients.", "although networks may share some. Each"),
        ("overlaps", "a test of the difference at the same level.", "at the same level. Each input configuration has"),
    ],
)
def test_captions_claim_the_same_patients_only_of_complete_ones(
    tmp_path: Path, name: str, complete: str, of_own: str
) -> None:
    columns = ["split", "arch", "arch_1", "inputs_1", "arch_2", "inputs_2", "rate"]
    pd.DataFrame(columns=columns).to_parquet(tmp_path / "frame.parquet")
    table = partial(supplementary_table, name, str(tmp_path / "frame.parquet"), LABELS, study_of().statistics)
    assert table().caption.endswith(complete)
    assert table("complete").caption == table().caption
    assert of_own in table("per_inputs").caption
    assert "the same patients" not in table("per_inputs").caption


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
    assert "no significant difference in 2 pairs. 2 pairs have different patients." in different
    assert "Models have different patients; each comparison is of those whom all of its models have." in different
