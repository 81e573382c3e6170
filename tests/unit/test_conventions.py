"""The named conventions of evaluation: their records, their masks and their numbers."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from cohort_tables import study
from residua.errors import ResiduaError
from residua.images.volumes import Grid, Image, save
from residua.metrics.conventions import (
    ARTICLE,
    AUTHORS_CODE_2023,
    BRATS_LESIONWISE,
    CONVENTIONS,
    OWN,
    Convention,
    conventions_of,
)
from residua.metrics.lesions import LesionRule
from residua.metrics.measure_patients import measure_all
from residua.publishing.publish import stage
from residua.report.conventions import conventions as told
from residua.segmentation.by_convention import Files, Judging, measure_by_convention
from residua.settings.classification import Classification
from residua.settings.conventions import Own
from residua.settings.statistics import BestInputs, Statistics
from residua.settings.study import Study
from residua.statistics.conventions import METRICS, NOT_DEFINED, RATES, convention_numbers
from residua.tables.conventions import conventions as tabulated
from residua.tables.html import to_html
from residua.tables.render import to_csv, to_markdown
from residua.wiring.conventions import own as own_settings
from residua.wiring.loaded import LoadedStudy

MEASURES = ("threshold", *METRICS, "ave_ml", *RATES)
RULE = Classification(residual_tumor_ml=0.175, min_overlap_dice=0.0)
STATISTICS = Statistics(
    alpha=0.05,
    bootstrap_resamples=100,
    interval_sd_multiplier=1.96,
    seed=1,
    best_inputs=BestInputs(segmentation={}, classification={}, raters={}),
)
LABELS = {"nnunet": "nnU-Net"}


# --- records ----------------------------------------------------------------------------------------------------------


def expressed(settings: Study) -> Own:
    return Own.model_validate(own_settings(cast("LoadedStudy", SimpleNamespace(study=settings))))


def test_the_published_study_is_the_articles_convention_and_compares_the_others() -> None:
    published = study()
    assert published.conventions == ("authors-code-2023", "brats-lesionwise")
    own = expressed(published)
    assert conventions_of(own, [])[0] is ARTICLE
    assert conventions_of(own, published.conventions) == (ARTICLE, AUTHORS_CODE_2023, BRATS_LESIONWISE)
    assert {name: each.name for name, each in CONVENTIONS.items()} == {name: name for name in CONVENTIONS}


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("postprocessing", {"rule": "authors"}),
        ("postprocessing", {"connectivity": 6}),
        ("postprocessing", {"thresholds": [0.5]}),
        ("classification", {"min_overlap_dice": 0.1}),
        ("statistics", {"folds_ddof": 1}),
        ("statistics", {"fold_weights": "all_patients"}),
    ],
)
def test_every_setting_that_differs_makes_the_convention_the_studys_own(part: str, change: dict[str, Any]) -> None:
    published = study()
    settings = getattr(published, part)
    changed = type(settings).model_validate(settings.model_dump() | change)
    own = expressed(published.model_copy(update={part: changed}))
    assert [each.name for each in conventions_of(own, ["article"])] == [OWN, "article"]


def test_a_study_may_compare_none_and_names_each_once() -> None:
    assert study(conventions=[]).conventions == ()
    for wrong in (["authors"], ["article", "article"], "article"):
        with pytest.raises(ResiduaError, match="conventions"):
            study(conventions=wrong)


@pytest.mark.parametrize("name", list(Statistics.model_fields))
def test_only_settings_that_the_own_convention_expresses_measure_it_again(name: str) -> None:
    """Maps of every network are read again whenever ``own`` changes: it knows no other setting of the statistics."""
    published = study()
    expressing = {"folds_ddof": 1, "fold_weights": "all_patients"}
    statistics = published.statistics.model_copy(update={name: expressing.get(name, "another value")})
    changed = expressed(published.model_copy(update={"statistics": statistics}))
    assert (changed != expressed(published)) == (name in expressing)


# --- numbers ----------------------------------------------------------------------------------------------------------


def numbers_of(
    rows: list[tuple[Any, ...]], convention: Convention, split: str = "validation", **more: Any
) -> pd.DataFrame:
    """Rows of fold, ml of the reference and the prediction, and Dice."""
    cases = pd.DataFrame(rows, columns=["fold", "reference_ml", "predicted_ml", "dice"])
    cases = cases.assign(arch="nnunet", inputs="B", split=split, convention=convention.name, threshold=0.5, **more)
    if split == "test":
        cases["fold"] = None
    for side in ("reference", "predicted"):
        cases[f"{side}_object"] = cases[f"{side}_ml"] > 0
    cases["hd95_mm"] = cases.get("hd95_mm", math.nan)
    return convention_numbers(cases, [convention], RULE, 1.96).set_index("measure")


BY_VOLUME = replace(AUTHORS_CODE_2023, by_object=frozenset())
AT_THE_CUT = [(0, 0.175, 0.175, 0.8), (0, 0.2, 0.2, 0.9), (0, 0.1, 0.2, 0.5), (0, 0.0, 0.175, 0.0)]


def test_the_article_counts_the_cut_and_the_code_does_not() -> None:
    article, code = (numbers_of(AT_THE_CUT, convention, "test") for convention in (ARTICLE, BY_VOLUME))
    # Article: two of P, both found; the others are false alarms. Code: one of P; one false alarm of three.
    assert article.loc[["recall", "precision", "specificity"], "estimate"].tolist() == [100.0, 50.0, 0.0]
    assert code.loc[["recall", "precision", "specificity"], "estimate"].tolist() == pytest.approx([100, 50, 200 / 3])
    assert article.loc["dsc_p", "estimate"] == pytest.approx(85)
    assert code.loc["dsc_p", "estimate"] == pytest.approx(90)


def test_out_of_fold_the_code_counts_any_object() -> None:
    rows = [(0, 0.01, 0.02, 0.3), (0, 0.0, 0.0, math.nan), (0, 3.0, 0.0, 0.0)]
    of = numbers_of(rows, AUTHORS_CODE_2023)
    assert of.loc[["recall", "specificity", "balanced_accuracy"], "estimate"].tolist() == [50.0, 100.0, 75.0]
    # On the hold-out its volumes decide: the smallest has no residual tumour.
    assert numbers_of(rows, AUTHORS_CODE_2023, "test").loc["recall", "estimate"] == 0.0


def test_dsc_tp_is_of_those_found_by_volume_or_of_those_who_overlap() -> None:
    rows = [(0, 2.0, 2.0, 0.6), (0, 2.0, 0.1, 0.1), (0, 2.0, 2.0, 0.0)]
    assert numbers_of(rows, ARTICLE, "test").loc["dsc_tp", "estimate"] == pytest.approx(30)
    assert numbers_of(rows, AUTHORS_CODE_2023, "test").loc["dsc_tp", "estimate"] == pytest.approx(35)


def test_small_volumes_count_as_zero_in_the_codes_volume_error_alone() -> None:
    rows = [(0, 0.175, 0.0, 0.0), (0, 0.1, 0.5, 0.2), (0, 1.0, 0.15, 0.2)]
    assert numbers_of(rows, ARTICLE, "test").loc["ave_ml", "estimate"] == pytest.approx(0.4)  # of 0.175, 0.4, 0.85
    assert numbers_of(rows, AUTHORS_CODE_2023, "test").loc["ave_ml", "estimate"] == pytest.approx(0.5)  # 0, 0.5, 1


TWO_FOLDS = [
    *[(0, 2.0, 2.0, 0.8), (0, 0.0, 0.0, math.nan), (0, 0.0, 1.0, 0.0)],
    *[(1, 2.0, 2.0, 0.4), (1, 2.0, 2.0, 0.6), (1, 2.0, 0.0, 0.0), (1, 0.0, 0.0, math.nan), (1, 0.0, 0.0, math.nan)],
]


def test_folds_weigh_by_the_patients_that_have_the_metric_or_by_all() -> None:
    article, code = (numbers_of(TWO_FOLDS, convention) for convention in (ARTICLE, BY_VOLUME))
    assert article.loc["dsc_p", "estimate"] == pytest.approx((80 + 3 * 100 / 3) / 4)
    assert code.loc["dsc_p", "estimate"] == pytest.approx((3 * 80 + 5 * 100 / 3) / 8)


def test_the_interval_is_of_the_folds_or_of_their_mean() -> None:
    article, code = (numbers_of(TWO_FOLDS, convention).loc["balanced_accuracy"] for convention in (ARTICLE, BY_VOLUME))
    folds = np.array([(100 + 50) / 2, (200 / 3 + 100) / 2])
    mean = (3 * folds[0] + 5 * folds[1]) / 8
    sd = float(folds.std(ddof=0))
    assert [article["estimate"], article["sd"]] == pytest.approx([mean, sd])
    assert [article["low"], article["high"]] == pytest.approx([mean - 1.96 * sd, mean + 1.96 * sd])
    assert [code["low"], code["high"]] == pytest.approx([mean - 1.96 * sd / 2**0.5, mean + 1.96 * sd / 2**0.5])
    by_one_less = numbers_of(TWO_FOLDS, replace(ARTICLE, folds_ddof=1)).loc["balanced_accuracy"]
    assert by_one_less["sd"] == pytest.approx(float(folds.std(ddof=1)))


def test_lesions_have_recall_and_precision_and_no_specificity() -> None:
    lesions = {
        "reference_lesions": [2, 0, 1], "found_lesions": [1, 0, 1],
        "predicted_lesions": [1, 1, 1], "false_lesions": [0, 1, 0], "hd95_mm": [10.0, 374.0, 2.0],
    }  # fmt: skip
    rows = [(0, 2.0, 1.0, 0.4), (0, 0.0, 1.0, 0.0), (0, 1.0, 1.0, 0.8)]
    found = numbers_of(rows, BRATS_LESIONWISE, "test", **lesions)
    names = ["dsc_p", "hd95_mm", "recall", "precision", "f1"]
    assert found.loc[names, "estimate"].tolist() == pytest.approx([60, 6, 200 / 3, 200 / 3, 200 / 3])
    for measure in ("ave_ml", "specificity", "balanced_accuracy"):
        assert found.loc[measure, "note"] == NOT_DEFINED
        assert pd.isna(found.loc[measure, "estimate"])


def test_what_cannot_be_had_is_said() -> None:
    nobody = numbers_of([(0, 0.0, 0.0, math.nan)], ARTICLE, "test")
    assert nobody.loc["dsc_p", "note"] == "not estimable: no patient has a value"
    assert nobody.loc["recall", "note"] == "not estimable: no patient with residual tumour in the reference"
    assert nobody.loc["specificity", "estimate"] == 100.0
    assert list(nobody.index) == list(MEASURES)


@pytest.mark.parametrize(
    ("reference", "found", "predicted", "false", "f1"),
    [
        (0, 0, 3, 3, 0.0),
        (2, 0, 0, 0, 0.0),
        (2, 0, 1, 1, 0.0),
        (2, 1, 2, 1, 50.0),
        (4, 1, 1, 0, 40.0),
        (0, 0, 0, 0, None),
    ],
)  # fmt: skip
def test_f1_of_lesions_is_0_where_none_is_found_and_undefined_only_without_any(
    reference: int, found: int, predicted: int, false: int, f1: float | None
) -> None:
    """Beside a fold of two patients with 100 %; a patient weighs as much as in the F1 of patients."""
    lesions = {
        "reference_lesions": [reference, 1, 1], "found_lesions": [found, 1, 1],
        "predicted_lesions": [predicted, 1, 1], "false_lesions": [false, 0, 0],
    }  # fmt: skip
    rows = [(0, 2.0, 1.0, 0.4), (1, 1.0, 1.0, 0.8), (1, 1.0, 1.0, 0.8)]
    row = numbers_of(rows, BRATS_LESIONWISE, **lesions).loc["f1"]
    assert row["estimate"] == pytest.approx(100.0 if f1 is None else (f1 + 200) / 3)
    assert (row["n"], row["undefined"]) == ((2, 1) if f1 is None else (3, 0))


def test_f1_of_lesions_alone_is_as_that_of_patients() -> None:
    """One false alarm: the F1 of patients is 0, and so is that of the lesions."""
    false_alarm = [(0, 0.0, 1.0, 0.0)]
    lesions = {"reference_lesions": 0, "found_lesions": 0, "predicted_lesions": 3, "false_lesions": 3}
    for convention in (ARTICLE, BRATS_LESIONWISE):
        row = numbers_of(false_alarm, convention, "test", **lesions).loc["f1"]
        assert (row["estimate"], row["note"]) == (0.0, "")


@pytest.mark.parametrize("convention", [ARTICLE, AUTHORS_CODE_2023])
@pytest.mark.parametrize(
    ("rows", "note"),
    [
        ([(fold, ml, ml, 0.8) for fold in (0, 1) for ml in (2.0, 0.0)], "no interval: the same in every fold"),
        ([(0, 2.0, 2.0, 0.8), (0, 0.0, 0.0, 0.0)], "no interval: one fold only"),
        (
            [(0, 2.0, 2.0, 0.8), (0, 0.0, 0.0, 0.0), (1, 2.0, 2.0, 0.8)],
            "undefined in 1 fold(s), left out; no interval: one fold only",
        ),
        ([(0, 2.0, 2.0, 0.8)], "not estimable: no patient with gross total resection in the reference"),
    ],
)
def test_the_note_says_why_balanced_accuracy_has_no_interval(
    rows: list[tuple[Any, ...]], note: str, convention: Convention
) -> None:
    row = numbers_of(rows, convention).loc["balanced_accuracy"]
    assert row["note"] == note
    assert pd.isna(row["low"])
    assert pd.isna(row["high"])


MIRRORED = replace(BRATS_LESIONWISE, name="mirrored")
OF_PATIENTS = {"ave_ml", "specificity", "balanced_accuracy"}


@pytest.mark.parametrize(
    ("first", "other", "alike"),
    [
        (ARTICLE, AUTHORS_CODE_2023, set(MEASURES)),
        (ARTICLE, BRATS_LESIONWISE, {"threshold", "dsc_p", "dsc_tp", "hd95_mm"}),
        (BRATS_LESIONWISE, ARTICLE, {"threshold", "dsc_p", "dsc_tp", "hd95_mm"}),
        (BRATS_LESIONWISE, MIRRORED, set(MEASURES) - OF_PATIENTS),
    ],
)
def test_rates_of_lesions_and_of_patients_have_no_difference(
    first: Convention, other: Convention, alike: set[str]
) -> None:
    cases = pd.DataFrame(TWO_FOLDS, columns=["fold", "reference_ml", "predicted_ml", "dice"])
    cases = cases.assign(arch="nnunet", inputs="B", split="validation", threshold=0.5, hd95_mm=2.0)
    for side in ("reference", "predicted"):
        cases[f"{side}_object"] = cases[f"{side}_ml"] > 0
        cases[f"{side}_lesions"] = cases[f"{side}_object"].astype(int)
    cases = cases.assign(found_lesions=[1, 0, 0, 1, 1, 0, 0, 0], false_lesions=[0, 0, 1, 0, 0, 0, 0, 0])
    both = pd.concat([cases.assign(convention=each.name) for each in (first, other)])
    found = convention_numbers(both, [first, other], RULE, 1.96)
    rows = found[found["convention"] == other.name].set_index("measure")
    assert {str(measure) for measure in rows.index[rows["difference"].notna()]} == alike
    # The numbers themselves stay.
    assert rows.loc[["recall", "precision", "f1"], "estimate"].notna().all()


# --- masks ------------------------------------------------------------------------------------------------------------

GRID = Grid((12, 3, 3), np.diag([5.0, 5.0, 5.0, 1.0]))  # a voxel has 0.125 ml


def voxels(*values: float) -> NDArray[np.float32]:
    data = np.zeros(GRID.shape, dtype=np.float32)
    data[: len(values), 1, 1] = values
    return data


MAPS = {
    # Both rules take what suits these three; only that of the study sees the patient without tumour.
    "F0a": voxels(0.95, 0.95, 0.35, 0, 0, 0.35),
    "F0b": voxels(0.35, 0.35),
    "F1a": voxels(0.65, 0.35, 0.35, 0.35),
    "T1": voxels(0.35, 0.35, 0, 0, 0.95),
}
DRAWN = {"F0a": voxels(1, 1, 1), "F0b": voxels(), "F1a": voxels(1, 1, 1, 1), "T1": voxels(1, 1)}
CASES = [
    {"patient": patient, "hospital": "STO", "fold": None if patient == "T1" else int(patient[1])} for patient in MAPS
]


def measured(
    folder: Path,
    conventions: tuple[Convention, ...] = (ARTICLE, AUTHORS_CODE_2023, BRATS_LESIONWISE),
    threshold: float = 0.9,
    is_kept: bool = False,
    **changed: tuple[NDArray[np.float32], NDArray[np.float32]],
) -> pd.DataFrame:
    """The rows of these patients, of whom some maps and references may be ``changed``."""
    maps = {patient: changed.get(patient, (data, None))[0] for patient, data in MAPS.items()}
    drawn = {patient: changed.get(patient, (None, data))[1] for patient, data in DRAWN.items()}
    references = {}
    for patient, data in drawn.items():
        references[patient] = str(folder / f"drawn/{patient}.nii.gz")
        save(Image(np.asarray(data) > 0.5, GRID), references[patient])
    manifests: dict[str, dict[str, str]] = {"maps": {}, "masks": {}}
    for split in ("validation", "test"):
        of = [patient for patient in maps if (patient == "T1") == (split == "test")]
        for kind in manifests:
            manifests[kind][split] = str(folder / f"{kind}/{split}/manifest.json")
            with stage(manifests[kind][split]) as part:
                for patient in of:
                    data = maps[patient] if kind == "maps" else maps[patient] >= threshold
                    save(Image(data, GRID), part / f"{patient}.nii.gz")
    rule = LesionRule(min_voxels=1)
    metrics = measure_all(manifests["masks"], references, CASES, rule=rule).cases
    metrics.to_parquet(folder / "metrics.parquet")
    maps_of = {split: [manifest] for split, manifest in manifests["maps"].items()}
    files = Files(manifests["masks"], maps_of, references, str(folder / "metrics.parquet"))
    judging = Judging(threshold, is_kept, 2, RULE, rule)
    return measure_by_convention(files, CASES, conventions, judging)


def test_the_studys_own_rows_are_its_measurements(tmp_path: Path) -> None:
    rows = measured(tmp_path)
    own = rows[rows["convention"] == "article"].reset_index(drop=True)
    metrics = pd.read_parquet(tmp_path / "metrics.parquet")
    names = ["patient", "fold", "split", "dice", "hd95_mm", "reference_ml", "predicted_ml", "found_lesions"]
    pd.testing.assert_frame_equal(own[names], metrics[names])
    assert set(own["threshold"]) == {0.9}
    assert own["reference_object"].isna().all()


def test_the_code_chooses_without_the_patients_after_gross_total_resection_and_keeps_small_components(
    tmp_path: Path,
) -> None:
    rows = measured(tmp_path)
    code = rows[rows["convention"] == "authors-code-2023"].set_index("patient")
    # At 0.1 to 0.3 every voxel of the three tumours is found; the false alarm of F0b does not count, the first wins.
    assert set(code["threshold"]) == {0.1}
    # The lone voxel is no object, and stays in the mask: 2 · 3 / (3 + 4).
    assert code.loc["F0a", "dice"] == pytest.approx(6 / 7)
    assert code.loc["F0a", "predicted_ml"] == pytest.approx(0.5)
    assert code["reference_object"].tolist() == [True, False, True, True]
    assert code["predicted_object"].tolist() == [True, True, True, True]


def test_another_rule_for_small_components_removes_them_from_the_mask(tmp_path: Path) -> None:
    assert AUTHORS_CODE_2023.mask is not None
    removing = replace(AUTHORS_CODE_2023, mask=replace(AUTHORS_CODE_2023.mask, filtered="mask"))
    rows = measured(tmp_path, (ARTICLE, removing))
    found = rows[rows["convention"] == removing.name].set_index("patient")
    assert found.loc["F0a", "dice"] == 1.0
    assert found.loc["T1", "predicted_ml"] == pytest.approx(0.25)


def test_a_threshold_that_was_given_stays(tmp_path: Path) -> None:
    rows = measured(tmp_path, threshold=0.6, is_kept=True)
    assert set(rows["threshold"]) == {0.6}


def test_the_hold_out_reaches_no_threshold(tmp_path: Path) -> None:
    plain = measured(tmp_path / "plain")
    poisoned = measured(tmp_path / "poisoned", T1=(voxels(*[0.99] * 12), voxels(*[0] * 11, 1)))
    for name in ("threshold", "dice", "predicted_ml"):
        in_folds = [rows.loc[rows["split"] == "validation", name].tolist() for rows in (plain, poisoned)]
        np.testing.assert_equal(in_folds[0], in_folds[1])
    assert plain.groupby("convention")["threshold"].first().equals(poisoned.groupby("convention")["threshold"].first())
    held_out = [rows.loc[rows["split"] == "test", "dice"].tolist() for rows in (plain, poisoned)]
    assert held_out[0] != held_out[1]


def test_a_patient_who_was_left_out_is_in_no_convention(tmp_path: Path) -> None:
    rows = measured(tmp_path)
    metrics = pd.read_parquet(tmp_path / "metrics.parquet")
    metrics[metrics["patient"] != "F1a"].to_parquet(tmp_path / "metrics.parquet")
    assert "F1a" in set(rows["patient"])
    maps = {split: [str(tmp_path / f"maps/{split}/manifest.json")] for split in ("validation", "test")}
    masks = {split: manifest for split, (manifest,) in
             {s: [str(tmp_path / f"masks/{s}/manifest.json")] for s in maps}.items()}  # fmt: skip
    drawn = {patient: str(tmp_path / f"drawn/{patient}.nii.gz") for patient in DRAWN}
    files = Files(masks, maps, drawn, str(tmp_path / "metrics.parquet"))
    again = measure_by_convention(
        files, CASES, (ARTICLE, AUTHORS_CODE_2023), Judging(0.9, False, 2, RULE, LesionRule(1))
    )
    assert again.groupby("convention")["patient"].agg(list).tolist() == [["F0a", "F0b", "T1"]] * 2


# --- table and report -------------------------------------------------------------------------------------------------


@pytest.fixture
def compared_numbers(tmp_path: Path) -> pd.DataFrame:
    rows = measured(tmp_path).assign(arch="nnunet", inputs="B")
    return convention_numbers(rows, (ARTICLE, AUTHORS_CODE_2023, BRATS_LESIONWISE), RULE, 1.96)


def test_differences_are_to_the_first_convention(compared_numbers: pd.DataFrame) -> None:
    found = compared_numbers.set_index(["split", "convention", "measure"]).sort_index()
    assert (found.loc[("validation", "article"), "difference"].dropna() == 0).all()
    at = [found.loc[("validation", name, "threshold")] for name in ("article", "authors-code-2023")]
    assert [row["estimate"] for row in at] == [0.9, 0.1]
    assert at[1]["difference"] == pytest.approx(-0.8)
    specificity = [
        found.loc[("validation", name, "specificity"), "estimate"] for name in ("article", "authors-code-2023")
    ]
    assert specificity == [100.0, 0.0]


def test_the_table_prints_numbers_differences_and_reasons(compared_numbers: pd.DataFrame) -> None:
    table = tabulated(compared_numbers, LABELS, STATISTICS)
    assert table.frame[["Data", "Convention"]].values.tolist() == [
        [data, name] for data in ("Val", "Test") for name in ("article", "authors-code-2023", "brats-lesionwise")
    ]
    code = table.frame.iloc[1]
    assert code["Threshold"] == "0.1, −0.80"
    assert code["Specificity (%)"].text.endswith(", −100.00")
    assert "AVE, Specificity, bAcc: not defined by this convention" in table.frame.iloc[2]["Note"]
    assert "374 mm" in table.caption
    for text in (to_csv(table), to_markdown(table), to_html(table)):
        assert "nan" not in text.lower()


def test_the_report_says_what_moved_most(compared_numbers: pd.DataFrame) -> None:
    finding = told(compared_numbers, LABELS)
    assert finding is not None
    code, brats = finding.sentences
    assert code.startswith("By authors-code-2023 the specificity of nnU-Net B (out-of-fold) moves most: 0.00 % instead")
    assert code.endswith("Its rule chooses another threshold for 1 model of 1 (0.9 to 0.1).")
    # Its recall is of lesions, not of patients.
    assert "DSC" in brats.split(" moves most")[0] or brats.startswith("By brats-lesionwise no number in percent")
    assert brats.endswith("It takes the thresholds of article.")
    assert told(None, LABELS) is None


def moved(estimate: float, difference: float) -> str:
    """The report's sentence of a frame in which one number moves."""
    row = {"arch": "nnunet", "inputs": "B", "split": "test", "measure": "f1"}
    first = {**row, "convention": "article", "estimate": estimate - difference, "difference": 0.0}
    other = {**row, "convention": "authors-code-2023", "estimate": estimate, "difference": difference}
    finding = told(pd.DataFrame([first, other]), LABELS)
    assert finding is not None
    return finding.sentences[0]


@pytest.mark.parametrize(
    ("estimate", "difference", "words"),
    [
        (88.52, 0.02, "moves most: 88.52 % instead of 88.50 % by article"),
        (88.5, -0.04, "moves most: 88.50 % instead of 88.54 % by article"),
        (60.0, -40.0, "moves most: 60.00 % instead of 100.00 % by article"),
        (88.504, 0.007, "no number in percent differs from that by article"),
        (88.5, 0.0, "no number in percent differs from that by article"),
    ],
)
def test_the_report_never_says_that_a_number_moves_from_itself_to_itself(
    estimate: float, difference: float, words: str
) -> None:
    assert words in moved(estimate, difference)


@pytest.mark.parametrize("columns", [None, ["patient"]])
def test_a_study_without_a_model_has_a_table_that_says_so(columns: list[str] | None) -> None:
    empty = (
        pd.DataFrame(columns=columns)
        if columns
        else convention_numbers(
            pd.DataFrame(columns=["arch", "inputs", "split", "convention"]), (ARTICLE, BRATS_LESIONWISE), RULE, 1.96
        )
    )
    table = tabulated(empty, LABELS, STATISTICS)
    assert table.frame.empty
    assert table.notes == ("No rows: there is no model.",)
    assert "there is no model." in to_markdown(table)
    assert told(empty, LABELS) is None


def test_the_table_sets_no_rate_of_lesions_against_one_of_patients(compared_numbers: pd.DataFrame) -> None:
    rows = tabulated(compared_numbers, LABELS, STATISTICS).frame.iloc[1:3]
    for column in ("Recall (%)", "Precision (%)", "F1 (%)"):
        of_patients, of_lesions = (cell.text for cell in rows[column])
        assert "," in of_patients
        assert "," not in of_lesions
    assert all("," in cell.text for cell in rows["DSC-P (%)"])


def test_the_caption_is_true_for_gates_and_given_thresholds(compared_numbers: pd.DataFrame) -> None:
    caption = tabulated(compared_numbers, LABELS, STATISTICS).caption
    assert "a gated row keeps that of the network that draws, and a given threshold stays" in caption
