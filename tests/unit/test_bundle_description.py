"""What a study says of its models: from the right patients, with the numbers that it has already."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bundles import record_of, settings_of
from cohort_tables import study
from residua.bundle.card import card_of
from residua.bundle.describe import ModelResults, describe_model
from residua.settings.classification import Classification
from residua.settings.statistics import OF_SUBGROUPS, Statistics
from residua.settings.study import Study
from residua.statistics.intervals import intervals
from residua.wiring.sharing import TOLD, UNTOLD, settings_of_model
from rule_files import RULE_FILES, RULES, rules_in
from test_wiring import loaded_study

HOSPITALS = {"STO": 0, "GOT": 1, "AMS": None}
IDENTITY = {
    "arch": "nnunet",
    "inputs": "B",
    "channels": [{"name": "post_t1ce", "is_label": False}, {"name": "post_t1", "is_label": False}],
    "folds": [0, 1],
}
IMAGES = ["post_t1ce", "post_t1"]
DECISIVE = ("limits", "calibration", "calibration_note", "study")
"""What a new patient is judged by."""


def settings() -> dict[str, Any]:
    sharing = {"licence": "CC-BY-4.0", "contact": "models@example.org", "certainty": 0.8}
    return {**settings_of("nnunet"), "sharing": sharing}


def cases() -> pd.DataFrame:
    """Ten patients in each hospital: of every other one the reference shows tumour, and the prediction mostly."""
    rows = []
    for hospital, fold in HOSPITALS.items():
        for number in range(10):
            tumour = number % 2 == 0
            predicted = (2.0 + number) if tumour and number else 0.05 * number
            rows.append(
                {
                    "arch": "nnunet", "inputs": "B", "split": "test" if fold is None else "validation", "fold": fold,
                    "patient": f"{hospital}{number:03}", "hospital": hospital, "dice": 0.1 * number if tumour else 0.0,
                    "reference_ml": 3.0 if tumour else 0.0, "predicted_ml": predicted,
                }
            )  # fmt: skip
    return pd.DataFrame(rows).astype({"fold": "Int64"})


def quality(of: pd.DataFrame) -> pd.DataFrame:
    rows = [
        {"patient": patient, "subject": subject, "measure": measure, "value": base + place}
        for place, patient in enumerate(of["patient"])
        for subject, measure, base in (("brain", "volume_ml", 1300.0), ("post_t1", "coarsest_mm", 1.0))
    ]
    return pd.DataFrame(rows)


def described(of: pd.DataFrame, measures: pd.DataFrame | None = None, **changes: Any) -> dict[str, Any]:
    study = {**settings(), **changes}
    classification = Classification.model_validate(study["classification"])
    found = intervals(of, classification, Statistics.model_validate(study["statistics"]))
    results = ModelResults(of, found, quality(cases()) if measures is None else measures)
    return describe_model(results, study, IMAGES, IDENTITY)


def scores_of(description: dict[str, Any], part: str, hospital: str | None) -> dict[str, dict[str, Any]]:
    return {s["measure"]: s for s in description["scores"] if (s["part"], s["hospital"]) == (part, hospital)}


def test_a_description_is_all_that_a_record_needs() -> None:
    threshold = {"threshold": 0.5, "candidates": [{"threshold": 0.5, "score": 0.7}]}
    record = record_of("nnunet", **described(cases()), threshold=threshold)
    assert (record.licence, record.contact, record.folds) == ("CC-BY-4.0", "models@example.org", (0, 1))
    assert record.calibration is not None
    assert record.calibration.certainty == 0.8
    assert record.out_of_fold_score == 0.7


def test_the_calibration_error_has_no_interval_and_the_brier_score_has_one() -> None:
    threshold = {"threshold": 0.5, "candidates": [{"threshold": 0.5, "score": 0.7}]}
    record = record_of("nnunet", **described(cases()), threshold=threshold)
    assert record.calibration is not None
    error, brier = record.calibration.expected_calibration_error, record.calibration.brier
    by_bins = sum(each.patients * abs(each.predicted - each.observed) for each in record.calibration.bins) / 20
    assert (error.low, error.high) == (None, None)
    assert error.value == pytest.approx(by_bins)
    assert brier.low is not None
    assert brier.high is not None
    assert brier.low < brier.value < brier.high
    printed = rf"Brier score {brier.value:.3f} \[{brier.low:.3f}, {brier.high:.3f}\] .*"
    assert re.search(printed + rf"expected calibration error {error.value:.3f}\.$", card_of(record), re.MULTILINE)


@pytest.mark.parametrize("poison", ["volumes", "tumours", "classes", "dice", "absent", "measures"])
def test_the_holdout_reaches_nothing_by_which_a_patient_is_judged(poison: str) -> None:
    clean, measures = cases(), quality(cases())
    changed = clean.copy()
    held = changed["split"] == "test"
    if poison == "volumes":
        changed.loc[held, "predicted_ml"] = 1e4
    elif poison == "tumours":
        changed.loc[held, "reference_ml"] = 50.0
    elif poison == "classes":
        changed.loc[held, "reference_ml"] = 3.0 - changed.loc[held, "reference_ml"]
    elif poison == "dice":
        changed.loc[held, "dice"] = 1.0
    elif poison == "absent":
        changed = changed[~held]
    else:
        measures.loc[measures["patient"].str.startswith("AMS"), "value"] = 1e6
    before, after = described(clean), described(changed, measures)
    assert {key: after[key] for key in DECISIVE} == {key: before[key] for key in DECISIVE}
    if poison != "measures":
        assert after["scores"] != before["scores"]


@pytest.mark.parametrize("poison", ["volumes", "measures"])
def test_a_validation_patient_reaches_it(poison: str) -> None:
    changed, measures = cases(), quality(cases())
    if poison == "volumes":
        changed.loc[changed["patient"] == "STO001", "predicted_ml"] = 90.0
    else:
        measures.loc[measures["patient"] == "STO001", "value"] = 1e6
    before, after = described(cases()), described(changed, measures)
    key = "calibration" if poison == "volumes" else "limits"
    assert after[key] != before[key]


def test_limits_are_those_of_the_patients_of_the_folds() -> None:
    (volume, coarsest) = described(cases())["limits"]
    assert (volume["subject"], volume["low"], volume["high"], volume["patients"]) == ("brain", 1300.0, 1319.0, 20)
    assert (coarsest["subject"], coarsest["low"], coarsest["high"]) == ("post_t1", 1.0, 20.0)


def test_the_population_is_counted_by_hospital() -> None:
    assert described(cases())["population"] == [
        {"part": "out_of_fold", "hospital": "GOT", "patients": 10, "residual_tumour": 5},
        {"part": "out_of_fold", "hospital": "STO", "patients": 10, "residual_tumour": 5},
        {"part": "holdout", "hospital": "AMS", "patients": 10, "residual_tumour": 5},
    ]


def test_rates_of_all_hospitals_are_read_and_not_computed_again() -> None:
    of = cases()
    study = settings()
    found = intervals(
        of, Classification.model_validate(study["classification"]), Statistics.model_validate(study["statistics"])
    )
    found.loc[found["rate"] == "specificity", "estimate"] = 12.5
    description = describe_model(ModelResults(of, found, quality(of)), study, IMAGES, IDENTITY)
    for part in ("out_of_fold", "holdout"):
        assert scores_of(description, part, None)["specificity"]["estimate"] == 12.5
        assert scores_of(description, part, None)["sensitivity"]["estimate"] == 80.0


def test_scores_of_a_hospital_are_of_its_patients() -> None:
    of = cases()
    of.loc[of["hospital"] == "STO", "predicted_ml"] = 0.0
    description = described(of)
    assert scores_of(description, "out_of_fold", "STO")["sensitivity"]["estimate"] == 0
    assert scores_of(description, "out_of_fold", "GOT")["sensitivity"]["estimate"] == 80.0
    assert scores_of(description, "out_of_fold", None)["sensitivity"]["estimate"] == 40.0
    dice = scores_of(description, "holdout", "AMS")["dice"]
    # Of the five patients with tumour: 0, 0.2, 0.4, 0.6, 0.8.
    assert (dice["estimate"], dice["patients"]) == (pytest.approx(0.4), 5)
    assert dice["low"] < 0.4 < dice["high"]


def test_one_class_alone_says_why_there_is_no_calibration() -> None:
    of = cases()
    of.loc[of["split"] == "validation", "reference_ml"] = 3.0
    found = described(of)
    assert found["calibration"] is None
    assert found["calibration_note"] == "not estimable: no patient with gross total resection"


def test_the_card_says_what_a_user_must_know() -> None:
    threshold = {"threshold": 0.5, "candidates": [{"threshold": 0.5, "score": 0.7}]}
    record = record_of("nnunet", **described(cases()), threshold=threshold)
    card = card_of(record)
    for said in (
        "**Research use only. This is not a medical device",
        "scanned within 72 hours of surgery",
        "(0.175 ml or more)",
        "1. Post-operative T1w-CE (`post_t1ce`): the reference",
        "2. Post-operative T1w (`post_t1`): scanned in the same session; registered to the reference.",
        "| validation (out of fold) | all | 20 | 10 |",
        "| hold-out | AMS | 10 | 5 |",
        "| validation (out of fold) | STO | 0.40 [",
        "80.0 [",
        "A class is told from a probability of 0.8. ",
        "Reliability, of each fold by the curve of the others: Brier score 0.",
        "| Brain mask | volume of the brain mask | 1300\u00a0ml | 1310\u00a0ml | 1319\u00a0ml | 20 |",
        "- licence: CC-BY-4.0",
        "- contact: models@example.org",
        "- brain mask: given",
    ):
        assert said in card, said
    assert not re.search(r"\b(nan|None|inf)\b", card)


def test_the_card_says_what_is_not_stated() -> None:
    card = card_of(record_of("agunet", calibration_note="not estimable: one fold only"))
    assert "Not calibrated: not estimable: one fold only." in card
    assert card.count("not stated; ask whoever gave you this bundle") == 2


def test_numbers_do_not_depend_on_the_order_of_rows() -> None:
    of = cases()
    shuffled = of.sample(frac=1, random_state=1)
    first, second = described(of), described(shuffled)
    assert first["population"] == second["population"]
    assert first["limits"] == second["limits"]
    assert np.isclose(first["calibration"]["slope"], second["calibration"]["slope"])


ONLY_REPORTED: dict[str, dict[str, Any]] = {
    "report": {"cases": 3},
    "figures": {"further": []},
    "conventions": ["authors-code-2023"],
    "combinations": {"mean": {"mean": ["nnunet", "agunet"]}},
    "elsewhere": {
        "theirs": {"label": "T", "has_seen_patients": "no", "kind": "masks", "inputs": {"A": "t/{patient}.nii.gz"}}
    },
    "subgroups": ["sex", "age"],
    "subgroup_bounds": {"age": [50, 65]},
    "least_in_subgroup": 9,
}
"""Changes of what a study compares and shows beside its models."""


def changed(name: str, value: Any) -> dict[str, Any]:
    """A change of one setting of the study, or of its statistics."""
    if name in Statistics.model_fields:
        return {"statistics": {**study("out_of_fold").statistics.model_dump(mode="json"), name: value}}
    return {name: value}


@pytest.mark.parametrize("name", ONLY_REPORTED)
def test_what_a_study_only_reports_changes_nothing_that_a_bundle_tells(name: str, tmp_path: Path) -> None:
    before = loaded_study(tmp_path / "before")
    after = loaded_study(tmp_path / "after", **changed(name, ONLY_REPORTED[name]))
    assert before.study != after.study
    for arch, inputs in before.models:
        assert settings_of_model(after, arch, inputs) == settings_of_model(before, arch, inputs)
    # The intervals, of which a bundle tells some, and the article's tables are not computed again either.
    assert after.study.statistics.without_subgroups() == before.study.statistics.without_subgroups()


@pytest.mark.parametrize(
    ("name", "value"),
    [("title", "Another"), ("classification", {"residual_tumor_ml": 1.0, "min_overlap_dice": 0}), ("alpha", 0.1)],
)
def test_what_models_are_made_and_judged_by_changes_what_a_bundle_tells(name: str, value: Any, tmp_path: Path) -> None:
    before = loaded_study(tmp_path / "before")
    after = loaded_study(tmp_path / "after", **changed(name, value))
    assert settings_of_model(after, "nnunet", "A") != settings_of_model(before, "nnunet", "A")


def test_of_every_setting_it_is_decided_whether_bundles_tell_it(tmp_path: Path) -> None:
    assert set(Study.model_fields) == TOLD | UNTOLD
    assert not TOLD & UNTOLD
    told = settings_of_model(loaded_study(tmp_path), "nnunet", "A")
    # Some are not told where they have their default, as before there were any.
    assert TOLD - {"derived_channels", "on_fault", "most_excluded"} == set(told)
    assert not OF_SUBGROUPS & set(told["statistics"])
    assert set(Statistics.model_fields) - OF_SUBGROUPS == set(told["statistics"])


def test_subgroups_reach_only_the_rules_that_need_them() -> None:
    """A rule that is given all settings of the statistics runs again for those of the subgroups too."""
    given = {
        name
        for file in RULE_FILES
        for name, body in rules_in(file.read_text(), RULES).items()
        if "study.statistics.model_dump" in body and file.name != "validate.smk"
    }
    # Evaluations have no subgroups in their settings: those of a bundle tell none.
    assert given == {"compare_subgroups", "forest_figures", "supplementary_tables"}
