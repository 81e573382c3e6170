"""The resections of a study: who is judged, the range over the folds, agreement of extents and classes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score

from residua.figures.extents import caption
from residua.images.volumes import Grid, Image, save
from residua.publishing.publish import stage, write_json
from residua.resection.before import volumes_before
from residua.resection.compare import compare_resections
from residua.resection.patients import judged
from residua.resection.record import resection_record
from residua.resection.summary import EVERYONE, confusion, resections
from residua.settings.classification import Classification
from residua.settings.statistics import BestInputs, Statistics
from residua.statistics.bland_altman import bland_altman
from residua.statistics.kappa import weighted_kappa
from residua.tables.html import to_html
from residua.tables.render import to_csv, to_markdown
from residua.tables.resection import resection
from residua.tables.supplement import supplementary_table

MODEL = ("nnunet", "B")
LABELS = {"nnunet": "nnU-Net", "agunet": "AGU-Net"}
CLASSIFICATION = Classification(residual_tumor_ml=0.175, min_overlap_dice=0)
STATISTICS = Statistics(
    alpha=0.05,
    bootstrap_resamples=400,
    interval_sd_multiplier=1.96,
    seed=1,
    best_inputs=BestInputs(segmentation={"nnunet": "B", "agunet": "B"}, classification={}, raters={}),
)


def case(
    patient: str, reference_ml: float, predicted_ml: float, fold: int | None = None, **more: Any
) -> dict[str, Any]:
    return {
        **{"arch": "nnunet", "inputs": "B", "split": "test" if fold is None else "validation", "fold": fold},
        **{"patient": patient, "hospital": patient[:3], "dice": 0.5},
        **{"reference_ml": reference_ml, "predicted_ml": predicted_ml, **more},
    }


def frame(*cases: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(cases).astype({"fold": "Int64"})


def members(**volumes_ml: float) -> dict[str, Any]:
    return {"members_ml": volumes_ml, "mean_pairwise_dice": 0.7}


# --- one patient ------------------------------------------------------------------------------------------------------
def test_only_patients_with_a_volume_before_surgery_are_judged_in_the_order_of_the_cases() -> None:
    cases = frame(case("STO2", 1, 1, 0), case("GOT1", 1, 1, 1), case("STO1", 1, 1, 0), case("AMS1", 1, 1))
    found = judged(cases, {"AMS1": 10.0, "STO1": 10.0, "STO2": 10.0}, {})
    assert found["patient"].tolist() == ["STO2", "STO1", "AMS1"]
    assert found["fold"].tolist() == [0, 0, pd.NA]


def test_the_range_goes_over_the_ensemble_and_every_member() -> None:
    cases = frame(case("AMS1", 2, 1), case("AMS2", 2, 5), case("STO1", 2, 1, 0))
    record = {"AMS1": members(fold0=2, fold1=3), "AMS2": members(fold0=1, fold1=3), "STO1": members(fold0=9)}
    found = judged(cases, dict.fromkeys(("AMS1", "AMS2", "STO1"), 10.0), {MODEL: record}).set_index("patient")
    # The ensemble of AMS1 found less than any member, that of AMS2 more.
    assert found.loc["AMS1", ["extent_low", "extent_predicted", "extent_high"]].tolist() == [70, 90, 90]
    assert found.loc["AMS2", ["extent_low", "extent_predicted", "extent_high"]].tolist() == [50, 50, 90]
    # One model predicts out of fold.
    assert found.loc["STO1", ["extent_low", "extent_high", "members_dice"]].isna().all()
    assert found.loc["AMS1", "members_dice"] == 0.7


def test_without_tumour_before_surgery_there_is_no_percent_and_no_class_by_it() -> None:
    (row,) = judged(frame(case("AMS1", 0.5, 6)), {"AMS1": 0.0}, {MODEL: {"AMS1": members(fold0=1)}}).to_dict("records")
    undefined = ("extent_reference", "extent_predicted", "extent_low", "extent_high")
    assert all(np.isnan(row[name]) for name in undefined)
    assert (row["rano_reference"], row["rano_predicted"]) == ("2B", "3B")
    assert row["raidionics_reference"] is row["raidionics_predicted"] is None


def test_the_volume_before_surgery_is_that_of_the_mask_as_drawn(tmp_path: Path) -> None:
    mask = np.zeros((6, 5, 4), dtype=bool)
    mask[1:3, 1:4, 2] = True
    sheared = np.array([[0.5, 0.1, 0, 7], [0, 0.8, 0.2, -3], [0, 0, 3.0, 1], [0, 0, 0, 1]])
    save(Image(mask, Grid(mask.shape, sheared, "LPS")), tmp_path / "drawn.nii.gz")
    save(Image(~mask & mask, Grid(mask.shape, np.eye(4))), tmp_path / "empty.nii.gz")
    found = volumes_before({"A": str(tmp_path / "drawn.nii.gz"), "B": str(tmp_path / "empty.nii.gz")})
    assert found == pytest.approx({"A": 6 * 0.5 * 0.8 * 3.0 / 1000, "B": 0.0}, rel=1e-5)


# --- kappa, Bland and Altman ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", range(5))
def test_kappa_is_scikit_learns_with_quadratic_weights(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one = rng.integers(0, 4, 30)
    other = np.clip(one + rng.integers(-1, 2, 30), 0, 3)
    found = weighted_kappa(one, other, 0.05, 300, seed)
    assert found.estimate == pytest.approx(cohen_kappa_score(one, other, weights="quadratic"))
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.estimate < found.high


def test_the_interval_of_kappa_is_that_of_resampled_patients() -> None:
    one, other = np.repeat([0, 1, 2, 3, 0, 3], 6), np.repeat([0, 1, 3, 3, 1, 2], 6)
    rng = np.random.default_rng(9)
    drawn = [rng.integers(0, one.size, one.size) for _ in range(1500)]
    low, high = np.quantile([cohen_kappa_score(one[i], other[i], weights="quadratic") for i in drawn], [0.05, 0.95])
    found = weighted_kappa(one, other, 0.1, 4000, 2)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.03)
    assert weighted_kappa(one, other, 0.1, 4000, 2) == found


@pytest.mark.parametrize(
    ("one", "other", "estimate", "note"),
    [
        ([], [], None, "no patient"),
        ([2, 2, 2], [2, 2, 2], None, "both give all patients one class"),
        ([0, 1, 2], [0, 1, 2], 1.0, "both agree in every patient"),
        ([0, 0, 0], [1, 1, 1], 0.0, "all resamples give the same"),
        # Who gives everybody one class agrees no better than chance, in every resample.
        ([0, 1, 3, 3], [3, 3, 3, 3], 0.0, "all resamples give the same"),
        (
            [0, 1, 3, 3, 2, 1, 0],
            [1] * 7,
            pytest.approx(0.0, abs=1e-12),
            "no interval: all resamples give the same",
        ),
    ],
)
def test_kappa_that_cannot_be_estimated_says_why(one: list[int], other: list[int], estimate: Any, note: str) -> None:
    found = weighted_kappa(one, other, 0.05, 50, 0)
    assert found.estimate == estimate
    assert note in found.note


def test_resamples_of_one_class_are_left_out_and_counted() -> None:
    found = weighted_kappa([0, 0, 0, 1, 2], [0, 0, 0, 0, 2], 0.05, 400, 0)
    assert found.low is not None
    assert found.note.endswith("of 400 resamples have one class only, left out")
    assert np.isfinite([found.low, found.high]).all()


def test_bias_and_limits_of_agreement_by_hand() -> None:
    """Differences 1, 2, 3, 4, 5: mean 3, sd 1.5811; t of 4 degrees of freedom 2.7764, z 1.95996."""
    found = bland_altman([1, 2, 3, 4, 5], np.zeros(5), 0.05)
    assert (found.bias.estimate, found.bias.low, found.bias.high) == pytest.approx((3, 1.0368, 4.9632), abs=1e-4)
    assert found.lower.estimate == pytest.approx(-0.0990, abs=1e-4)
    # 1.5811 · sqrt(1/5 + 1.95996² / 8) · 2.7764
    half = 1.5811388 * np.sqrt(0.2 + 1.959964**2 / 8) * 2.7764451
    assert (found.upper.low, found.upper.high) == pytest.approx((6.0990 - half, 6.0990 + half), abs=1e-3)


def test_limits_of_agreement_hold_95_percent_of_normal_differences() -> None:
    rng = np.random.default_rng(0)
    reference = rng.uniform(50, 100, 20000)
    measured = reference + rng.normal(2, 5, 20000)
    found = bland_altman(measured, reference, 0.05)
    assert found.lower.estimate is not None
    assert found.upper.estimate is not None
    inside = (measured - reference > found.lower.estimate) & (measured - reference < found.upper.estimate)
    assert inside.mean() == pytest.approx(0.95, abs=0.005)


def test_equal_differences_have_limits_and_no_interval() -> None:
    found = bland_altman([100.0, 100.0, 100.0], [98.0, 98.0, 98.0], 0.05)
    for each in (found.bias, found.lower, found.upper):
        assert (each.estimate, each.low, each.high) == (2.0, None, None)
        assert each.note == "no interval: the same for all patients"


@pytest.mark.parametrize(("values", "note"), [([], "no patient"), ([1.0], "one patient only")])
def test_too_few_differences_say_so(values: list[float], note: str) -> None:
    found = bland_altman(values, np.zeros(len(values)), 0.05)
    assert note in found.bias.note
    assert found.upper.estimate is None
    assert note in found.upper.note


# --- one patient's record ---------------------------------------------------------------------------------------------
def a_mask(*sides: int) -> Image:
    """A box of voxels of 1 × 1 × 2 mm."""
    mask = np.zeros((40, 40, 20), dtype=bool)
    mask[tuple(slice(2, 2 + side) for side in sides)] = True
    return Image(mask, Grid(mask.shape, np.diag([1.0, 1.0, 2.0, 1.0])))


def test_a_record_holds_volumes_extent_classes_and_diameters() -> None:
    # 20 × 10 × 5 voxels of 2 mm³: 2 ml.
    record = resection_record(a_mask(20, 10, 5), [0.5, 4.0], before_ml=50.0, residual_tumor_ml=0.175)
    assert record["volume_ml"] == pytest.approx(2.0)
    assert (record["volume_low_ml"], record["volume_high_ml"]) == (0.5, 4.0)
    found = [record[f"extent{end}_percent"] for end in ("", "_low", "_high")]
    assert found == pytest.approx([96.0, 92.0, 99.0])
    assert (record["rano_resect"], record["raidionics"]) == ("3A", "near total")
    assert (record["complete"], record["gross_total"]) == (False, False)
    assert record["diameters"]["longest_mm"] == pytest.approx(np.hypot(20, 10), abs=1.5)


@pytest.mark.parametrize("before_ml", [None, 0.0])
def test_a_record_without_tumour_before_surgery_has_classes_by_volume_alone(before_ml: float | None) -> None:
    record = resection_record(a_mask(0, 0, 0), [0.0, 0.2], before_ml, residual_tumor_ml=0.175)
    assert record["extent_percent"] is record["extent_low_percent"] is record["raidionics"] is None
    assert (record["rano_resect"], record["complete"], record["gross_total"]) == ("1/2A", True, True)
    assert record["diameters"] == {"longest_mm": 0.0, "perpendicular_mm": 0.0, "product_mm2": 0.0}
    assert record["volume_high_ml"] == 0.2
    json.dumps(record, allow_nan=False)


# --- the study --------------------------------------------------------------------------------------------------------
def study_cases() -> pd.DataFrame:
    """Two hospitals out of fold, one held out; STO3 had no tumour before surgery."""
    return frame(
        *(case("STO1", 0.0, 0.1, 0), case("STO2", 2.0, 1.0, 0), case("STO3", 0.0, 0.5, 0)),
        *(case("GOT1", 0.4, 0.0, 1), case("GOT2", 6.0, 6.0, 1)),
        *(case("AMS1", 0.0, 0.0), case("AMS2", 1.0, 3.0)),
    )


BEFORE = {**dict.fromkeys(("STO1", "STO2", "GOT1", "GOT2", "AMS1", "AMS2"), 20.0), "STO3": 0.0}
MEMBERS = {MODEL: {"AMS1": members(fold0=0, fold1=0.4), "AMS2": members(fold0=2.0, fold1=4.0)}}


def summary_of(**names: str) -> dict[str, Any]:
    found = resections(judged(study_cases(), BEFORE, MEMBERS), 0.175, STATISTICS)
    chosen = np.all([found[name] == value for name, value in names.items()], axis=0)
    (row,) = found[chosen].to_dict("records")
    return {str(name): value for name, value in row.items()}


def test_each_hospital_has_a_row_where_there_are_several_and_all_have_one() -> None:
    found = resections(judged(study_cases(), BEFORE, MEMBERS), 0.175, STATISTICS)
    rows = sorted(found[["split", "hospital"]].apply(tuple, axis=1).tolist())
    assert rows == [("test", EVERYONE), ("validation", EVERYONE), ("validation", "GOT"), ("validation", "STO")]


def test_the_numbers_of_a_split_are_those_of_its_patients() -> None:
    row = summary_of(split="validation", hospital=EVERYONE)
    assert (row["patients"], row["n"], row["undefined"]) == (5, 4, 1)
    # By the reference 100, 90, 98 and 70 %; by the network 99.5, 95, 100 and 70 %.
    assert (row["extent_reference"], row["extent_predicted"]) == pytest.approx((94.0, 97.25))
    assert row["bias"] == pytest.approx(np.mean([-0.5, 5, 2, 0]))
    assert (row["complete_reference"], row["complete_predicted"]) == (2, 1)
    assert (row["gross_total_reference"], row["gross_total_predicted"]) == (2, 2)
    # 1/2A to 2B, 3A to 2B, 1/2A to 2B, 2B to 1/2A, 3B to 3B.
    assert row["same_rano"] == 1
    assert row["range_n"] == 0
    assert np.isnan(row["range_median"])


def test_patients_without_tumour_before_surgery_count_in_no_class_by_percent() -> None:
    cases = frame(*(case(f"AMS{n}", 0.5 * n, 0.4 * n * n) for n in range(8)))
    before = dict.fromkeys(cases["patient"], 10.0)
    zeros = frame(*(case(f"AMS{n}", 1.0, 2.0) for n in range(8, 13)))
    more = pd.concat([cases, zeros], ignore_index=True)
    alone = resections(judged(cases, before, {}), 0.175, STATISTICS)
    beside = resections(judged(more, {**before, **dict.fromkeys(zeros["patient"], 0.0)}, {}), 0.175, STATISTICS)
    same = ["n", "same_raidionics", "kappa_raidionics", "kappa_raidionics_low", "kappa_raidionics_high"]
    pd.testing.assert_frame_equal(alone[same], beside[same])
    assert (alone["patients"].item(), beside["patients"].item()) == (8, 13)
    (row,) = resection(beside, LABELS, STATISTICS).frame.to_dict("records")
    assert row["Same class, Raidionics"] == f"{beside['same_raidionics'].item()} of 8"
    assert row["Same class, RANO"].endswith(" of 13")


def test_a_study_without_tumour_before_surgery_has_no_agreement_by_percent() -> None:
    cases = frame(*(case(f"AMS{n}", 1.0 * n, 3.0 * n) for n in range(4)))
    found = resections(judged(cases, dict.fromkeys(cases["patient"], 0.0), {}), 0.175, STATISTICS)
    assert (found["same_raidionics"].item(), found["n"].item()) == (0, 0)
    assert "κ, Raidionics: not estimable: no patient" in found["note"].item()
    (row,) = resection(found, LABELS, STATISTICS).frame.to_dict("records")
    assert (row["Same class, Raidionics"], row["κ, Raidionics"]) == ("n/a", "n/a")


@pytest.mark.parametrize(
    ("little_ml", "much_ml", "lacking", "there"),
    # Of 100 ml: both near total by Raidionics, or both 3B by RANO.
    [(0.5, 2.0, "raidionics", "rano"), (10.0, 30.0, "rano", "raidionics")],
)
def test_each_kappa_that_is_missing_has_its_reason(little_ml: float, much_ml: float, lacking: str, there: str) -> None:
    reference, predicted = [little_ml, much_ml] * 10, [little_ml, much_ml, much_ml, much_ml] * 5
    cases = frame(*(case(f"AMS{n}", *both) for n, both in enumerate(zip(reference, predicted, strict=True))))
    found = resections(judged(cases, dict.fromkeys(cases["patient"], 100.0), {}), 0.175, STATISTICS)
    (row,) = found.to_dict("records")
    assert np.isnan(row[f"kappa_{lacking}"])
    assert row[f"kappa_{there}"] == pytest.approx(0.5)
    name = {"rano": "RANO", "raidionics": "Raidionics"}[lacking]
    assert row["note"] == f"κ, {name}: not estimable: both give all patients one class"


def test_the_hold_out_counts_the_ranges_that_hold_the_reference() -> None:
    row = summary_of(split="test", hospital=EVERYONE)
    assert (row["range_n"], row["range_holds_reference"]) == (2, 1)
    assert row["range_median"] == pytest.approx((2.0 + 10.0) / 2)
    assert row["same_rano"] == 1


def test_every_patient_is_counted_once_in_the_confusion_of_classes() -> None:
    found = confusion(judged(study_cases(), BEFORE, MEMBERS))
    counts = found.pivot_table(index=["split", "reference"], columns="predicted", values="patients", aggfunc="sum")
    assert found.groupby("split")["patients"].sum().to_dict() == {"validation": 5, "test": 2}
    assert counts.loc[("validation", "1/2A"), "2B"] == 2
    assert counts.loc[("validation", "2B"), "1/2A"] == 1
    assert counts.loc[("test", "2B"), "3A"] == 1
    assert len(found) == 2 * 16


def run(folder: Path, cases: pd.DataFrame, before: dict[str, float], choice: dict[str, str]) -> dict[str, pd.DataFrame]:
    """The frames of a study whose files lie in ``folder``."""
    metrics, manifests = [], {}
    for (arch, inputs), rows in cases.groupby(["arch", "inputs"], sort=False):
        metrics.append(str(folder / f"{arch}-{inputs}.parquet"))
        rows.to_parquet(metrics[-1])
        manifests[str(arch), str(inputs)] = str(folder / f"{arch}-{inputs}" / "manifest.json")
        with stage(manifests[str(arch), str(inputs)]) as part:
            for patient in rows[rows["split"] == "test"]["patient"]:
                write_json(part / f"{patient}.json", members(fold0=0.5, fold1=2.5))
                (part / f"{patient}.nii.gz").write_bytes(b"not read")
    return compare_resections(metrics, manifests, before, choice, CLASSIFICATION, STATISTICS)


def two_inputs() -> pd.DataFrame:
    """Inputs C are better out of fold."""
    better = study_cases().assign(inputs="C", dice=0.9)
    return pd.concat([study_cases(), better], ignore_index=True)


def test_each_network_enters_with_its_best_inputs(tmp_path: Path) -> None:
    named = (
        run(tmp_path / "named", two_inputs(), BEFORE, {"nnunet": "B"}) if (tmp_path / "named").mkdir() is None else {}
    )
    (tmp_path / "chosen").mkdir()
    chosen = run(tmp_path / "chosen", two_inputs(), BEFORE, {"nnunet": "out_of_fold"})
    assert set(named["patients"]["inputs"]) == {"B"}
    assert set(chosen["patients"]["inputs"]) == {"C"}
    assert chosen["patients"].dropna(subset=["extent_low"])["patient"].tolist() == ["AMS1", "AMS2"]


def test_a_network_of_elsewhere_has_extents_and_classes_and_no_range(tmp_path: Path) -> None:
    cases = study_cases()
    (tmp_path / "other").mkdir()
    run(tmp_path, cases, BEFORE, {"nnunet": "B"})
    both = pd.concat([cases, cases[cases["split"] == "test"].assign(arch="other", inputs="B")], ignore_index=True)
    both.to_parquet(tmp_path / "both.parquet")
    manifests = {MODEL: str(tmp_path / "nnunet-B" / "manifest.json")}
    choice = {"nnunet": "B", "other": "B"}
    frames = compare_resections([str(tmp_path / "both.parquet")], manifests, BEFORE, choice, CLASSIFICATION, STATISTICS)
    other = frames["patients"][frames["patients"]["arch"] == "other"]
    assert other["extent_predicted"].tolist() == [100.0, 85.0]
    assert other[["extent_low", "extent_high", "members_dice"]].isna().all(axis=None)
    assert frames["resection"].set_index("arch").loc["other", "range_n"] == 0


def test_the_tables_print_what_was_computed_and_never_nan(tmp_path: Path) -> None:
    frames = run(tmp_path, study_cases(), BEFORE, {"nnunet": "B"})
    for name in ("resection", "rano"):
        frames[name].to_parquet(tmp_path / f"{name}.parquet", index=False)
        table = supplementary_table(name, str(tmp_path / f"{name}.parquet"), LABELS, STATISTICS)
        for form in (to_csv, to_markdown, to_html):
            assert "nan" not in form(table).lower().replace("resonance", "")
    table = supplementary_table("resection", str(tmp_path / "resection.parquet"), LABELS, STATISTICS)
    everyone = table.frame[(table.frame["Hospital"] == "all") & (table.frame["Data"] == "Val")].iloc[0]
    assert everyone["Model"] == "nnU-Net B"
    assert str(everyone["EOR, reference (%)"]) == "94.0 (n=4, 1 undefined)"
    assert everyone["Complete"] == "2 / 1"
    assert everyone["Same class, RANO"] == "1 of 5"
    assert everyone["Range holds reference"] == "n/a"
    assert everyone["Bias"].startswith("1.6 [")
    held_out = table.frame[table.frame["Data"] == "Test"].iloc[0]
    assert held_out["Range holds reference"] == "2 of 2"
    assert "no confidence interval" in table.caption
    classes = supplementary_table("rano", str(tmp_path / "rano.parquet"), LABELS, STATISTICS).frame
    row = classes[(classes["Data"] == "Val") & (classes["Class by the reference"] == "1/2A")].iloc[0]
    assert [row[f"{name} by the network"] for name in ("1/2A", "2B", "3A", "3B")] == [0, 2, 0, 0]


def test_no_measured_patient_with_the_mask_makes_tables_that_say_so(tmp_path: Path) -> None:
    frames = run(tmp_path, study_cases(), {"PAR1": 3.0}, {"nnunet": "B"})
    for name in ("resection", "rano"):
        frames[name].to_parquet(tmp_path / f"{name}.parquet", index=False)
        table = supplementary_table(name, str(tmp_path / f"{name}.parquet"), LABELS, STATISTICS)
        assert table.notes == ("No rows: no measured patient has a mask of the tumour before surgery.",)
    assert "No patient of the hold-out set" in caption(frames["patients"], 0.05)


def test_the_caption_says_what_the_bar_is_and_who_is_drawn_at_the_edge() -> None:
    patients = judged(study_cases(), {**BEFORE, "AMS2": 1.0}, MEMBERS)
    said = caption(patients[patients["split"] == "test"], 0.05)
    assert "n = 2)" in said
    assert "is no confidence interval" in said
    assert "1 point(s) below -50 %" in said
    assert "below" not in caption(judged(study_cases(), BEFORE, MEMBERS), 0.05)
