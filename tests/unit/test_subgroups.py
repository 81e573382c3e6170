"""Subgroups of patients: groups, estimates, tests, hospitals against each other, tables and forest plots."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.multitest import multipletests

from cohort_tables import PUBLISHED, study
from residua.errors import ResiduaError
from residua.figures.forest import hospitals_figure, subgroups_figure
from residua.figures.forest_lines import HOLDOUT, OUT_OF_FOLD, SUMMARY, hospital_lines, subgroup_lines
from residua.publishing.publish import digest
from residua.settings.classification import Classification
from residua.settings.statistics import BestInputs, Statistics
from residua.statistics.between_hospitals import between_hospitals
from residua.statistics.covariates import Subgroups, subgroups_of
from residua.statistics.groups import bands, grouped
from residua.statistics.kruskal_wallis import kruskal_wallis
from residua.statistics.mean_interval import mean_interval
from residua.statistics.random_effects import random_effects
from residua.statistics.subgroup_tests import subgroup_tests
from residua.statistics.subgroups import Judged, judged_models, subgroups
from residua.tables.html import to_html
from residua.tables.latex import to_latex
from residua.tables.render import to_csv, to_markdown
from residua.tables.subgroups import subgroups as subgroup_table
from residua.tables.supplement import supplementary_table

ALPHA, SIX_DIGITS = 0.05, 1e-6
RULE = Classification(residual_tumor_ml=0.175, min_overlap_dice=0)
LABELS = {"nnunet": "nnU-Net", "agunet": "AGU-Net"}
CHOICES = {"segmentation": {"nnunet": "B", "agunet": "B"}, "classification": {"nnunet": "B", "agunet": "B"}}
SIZES = {"STO": 12, "GOT": 9, "PAR": 8, "HAG": 3, "AMS": 10}
"""Hospitals of the folds, and the hold-out's last."""


def settings(**changes: Any) -> Statistics:
    best = BestInputs(segmentation={}, classification={}, raters={})
    numbers = {"alpha": ALPHA, "bootstrap_resamples": 200, "interval_sd_multiplier": 1.96, "seed": 0}
    return Statistics(**{**numbers, "best_inputs": best, **changes})


def cases_of(archs: tuple[str, ...] = ("nnunet", "agunet"), **columns: Any) -> pd.DataFrame:
    """Every third patient has no residual tumour; one in five is called wrongly."""
    rng, rows = np.random.default_rng(3), []
    for hospital, size in SIZES.items():
        for number in range(size):
            reference = 0.0 if number % 3 == 2 else 0.5 + number
            for arch in archs:
                wrong = rng.random() < 0.2
                rows.append(
                    {
                        **{"arch": arch, "inputs": "B", "patient": f"{hospital}{number:02d}", "hospital": hospital},
                        **{"split": "test" if hospital == "AMS" else "validation", "reference_ml": reference},
                        "predicted_ml": (reference == 0) if wrong else reference,
                        "dice": float(rng.uniform(0.2, 0.9)) if reference else 0.0,
                        **columns,
                    }
                )
    return pd.DataFrame(rows)


def judged(cases: pd.DataFrame, known: dict[str, dict[str, str]], how: Statistics) -> tuple[list[Judged], Subgroups]:
    archs = set(cases["arch"])
    choices = {name: {arch: "B" for arch in choice if arch in archs} for name, choice in CHOICES.items()}
    return judged_models(cases, choices, RULE), subgroups_of(cases, known, RULE, how)


def frames_of(cases: pd.DataFrame, known: dict[str, dict[str, str]], how: Statistics) -> dict[str, pd.DataFrame]:
    models, groups = judged(cases, known, how)
    return {
        "subgroups": subgroups(models, groups, RULE, how),
        "subgroup_tests": subgroup_tests(models, groups, RULE, how),
        "between_hospitals": between_hospitals(models, RULE, how),
    }


# Groups


def test_bands_hold_their_upper_bound() -> None:
    values = {"a": "1", "b": "1.0001", "c": "5", "d": "5,1", "e": "", "f": "thick"}
    assert grouped(values, [1, 5]) == {
        "a": "at most 1", "b": "above 1 to 5", "c": "above 1 to 5", "d": "above 5", "e": "unknown", "f": "unknown",
    }  # fmt: skip
    assert bands([2.5]) == ["at most 2.5", "above 2.5"]


def test_a_number_without_bounds_is_split_at_its_median_and_one_of_few_values_is_a_class() -> None:
    ages = {f"p{n}": str(n) for n in range(1, 8)}
    assert list(grouped(ages).values()) == ["at most 4"] * 4 + ["above 4"] * 3
    assert grouped({"a": "1.5", "b": "3", "c": "1.5"}) == {"a": "1.5", "b": "3", "c": "1.5"}


def test_groups_are_in_order_and_patients_without_residual_tumour_are_a_group_of_their_own() -> None:
    cases = pd.DataFrame(
        {"patient": list("abcdef"), "hospital": "STO", "reference_ml": [0.1, 0.5, 1.00000012, 3, 9, 0.0]}
    )
    how = settings(
        subgroups=("residual_volume", "annotation_quality", "age", "sex"),
        subgroup_bounds={"residual_volume": (1, 5)},
    )
    known = {
        p: {"annotation_quality": g, "age": str(60 + n)}
        for n, (p, g) in enumerate(zip("abcd", ("poor", "good", "fair", "good"), strict=True))
    }
    found = subgroups_of(cases, known, RULE, how)
    assert found.order["residual_volume"] == ("below 0.175", "at most 1", "above 1 to 5", "above 5")
    assert [found.of["residual_volume"][p] for p in "abcdef"] == [
        "below 0.175", "at most 1", "at most 1", "above 1 to 5", "above 5", "below 0.175",
    ]  # fmt: skip
    assert found.order["annotation_quality"] == ("good", "fair", "poor", "unknown")
    assert found.order["age"] == ("60", "61", "62", "63", "unknown")
    assert found.lacking == {"sex": "not in the cohort table"}


def test_a_configuration_refuses_bounds_that_do_not_rise_and_covariates_that_nobody_knows() -> None:
    def refused(**changes: Any) -> str:
        with pytest.raises(ResiduaError) as error:
            study(statistics={**PUBLISHED["statistics"], **changes})
        return str(error.value)

    assert "bounds must rise" in refused(subgroup_bounds={"age": [65, 50]})
    assert "statistics.subgroup_bounds" in refused(subgroup_bounds={"sex": [1]})
    assert "statistics.subgroups" in refused(subgroups=["grade_of_surgeon"])
    assert "more than once" in refused(subgroups=["age", "age"])
    assert "statistics.least_in_subgroup" in refused(least_in_subgroup=1)


def test_a_study_without_subgroups_is_described_as_before_there_were_any() -> None:
    none = settings(subgroups=(), least_in_subgroup=5)
    assert not {"subgroups", "subgroup_bounds", "least_in_subgroup"} & set(none.model_dump())


# Random effects


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("k", [2, 3, 11])
def test_the_random_effects_summary_agrees_with_statsmodels(k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    means, variances = rng.uniform(0.3, 0.8, k), rng.uniform(0.0005, 0.02, k)
    found = random_effects(means, variances, ALPHA)
    other = combine_effects(means, variances, method_re="chi2", use_t=False)
    half = stats.t.ppf(1 - ALPHA / 2, k - 1) * max(other.sd_eff_w_re_hksj, other.sd_eff_w_re)
    expected = [other.mean_effect_re, other.mean_effect_re - half, other.mean_effect_re + half]
    expected += [max(other.tau2, 0) ** 0.5, other.q, other.test_homogeneity().pvalue, 100 * max(other.i2, 0)]
    if other.tau2 > 0:
        got = [found.estimate, found.low, found.high, found.tau, found.q, found.p_value, found.i_squared]
        assert got == pytest.approx(expected, abs=SIX_DIGITS)
    else:
        # Hospitals that differ less than by chance: the common mean, weighted by the variances alone.
        assert (found.tau, found.i_squared) == (0.0, 0.0)
        assert [found.estimate, found.q] == pytest.approx([other.mean_effect_fe, other.q], abs=SIX_DIGITS)
    if k < 3:
        assert found.prediction_low is None
        assert found.note == "no prediction interval: two hospitals only"
    elif other.tau2 > 0:
        wide = stats.t.ppf(1 - ALPHA / 2, k - 2) * (other.tau2 + other.sd_eff_w_re**2) ** 0.5
        assert found.prediction_high == pytest.approx(other.mean_effect_re + wide, abs=SIX_DIGITS)


def test_some_of_these_summaries_have_hospitals_alike_and_some_not() -> None:
    """So that both branches above are really taken."""
    alike = random_effects([0.5, 0.5, 0.5001], [0.01, 0.02, 0.03], ALPHA)
    apart = random_effects([0.1, 0.5, 0.9], [0.001, 0.001, 0.001], ALPHA)
    assert (alike.tau, alike.i_squared) == (0.0, 0.0)
    # By hand: Q = 2 · 0.4² / 0.001 = 320, I² = (320 − 2) / 320, τ² = (320 − 2) / (3000 − 1000) = 0.159.
    assert (apart.q, apart.i_squared, apart.tau) == pytest.approx((320, 99.375, 0.159**0.5))


def test_hospitals_that_agree_by_chance_leave_the_uncertainty_of_their_patients() -> None:
    """By hand, without heterogeneity: 0.701 ± t · 0.05 / √3 with t = 4.303 (two degrees) and 12.706 (one degree)."""
    found = random_effects([0.700, 0.701, 0.702], [0.05**2] * 3, ALPHA)
    assert (found.low, found.high) == pytest.approx((0.701 - 0.1242, 0.701 + 0.1242), abs=1e-4)
    assert (found.prediction_low, found.prediction_high) == pytest.approx((0.334, 1.068), abs=1e-3)


@pytest.mark.parametrize(("means", "note"), [([], "no hospital"), ([0.5], "one hospital only")])
def test_one_hospital_has_no_heterogeneity(means: list[float], note: str) -> None:
    found = random_effects(means, [0.01] * len(means), ALPHA)
    assert (found.estimate, found.q, found.tau) == (None, None, None)
    assert found.note == f"not estimable: {note}"


# Kruskal-Wallis


def by_hand(samples: list[NDArray[np.float64]]) -> float:
    """H from ranks and the correction for ties, as Kruskal and Wallis write it."""
    every = np.concatenate(samples)
    ranks, n = stats.rankdata(every), every.size
    ends = np.cumsum([sample.size for sample in samples])
    sums = [part.sum() ** 2 / part.size for part in np.split(ranks, ends[:-1])]
    _, ties = np.unique(every, return_counts=True)
    return float((12 / (n * (n + 1)) * sum(sums) - 3 * (n + 1)) / (1 - (ties**3 - ties).sum() / (n**3 - n)))


@pytest.mark.parametrize("seed", range(4))
def test_kruskal_wallis_agrees_with_scipy_and_by_hand(seed: int) -> None:
    rng = np.random.default_rng(seed)
    samples = [np.round(rng.uniform(0, 1, size), 1) for size in (5, 9, 14)]
    found, other = kruskal_wallis(samples), stats.kruskal(*samples)
    assert (found.statistic, found.p_value) == pytest.approx((other.statistic, other.pvalue), abs=SIX_DIGITS)
    assert found.statistic == pytest.approx(by_hand(samples), abs=SIX_DIGITS)
    assert (found.groups, found.n, found.freedom) == (3, 28, 2)


def test_groups_without_a_difference_or_a_second_group_have_no_test() -> None:
    same = np.full(6, 0.5)
    assert kruskal_wallis([same, same]).note == "not estimable: the same for all patients"
    assert kruskal_wallis([same]).note == "not estimable: fewer than two groups"


# Estimates


def test_a_subgroup_has_the_numbers_of_its_patients_alone() -> None:
    cases, how = cases_of(), settings(subgroups=("hospital",))
    found = frames_of(cases, {}, how)["subgroups"]
    rows = found[(found["group"] == "STO") & (found["arch"] == "nnunet")].set_index("measure")
    own = cases[(cases["hospital"] == "STO") & (cases["arch"] == "nnunet")]
    tumour = own[own["reference_ml"] > 0.175]
    expected = mean_interval(tumour["dice"], ALPHA, 200, 0)
    assert (rows.loc["dice", "estimate"], rows.loc["dice", "low"]) == pytest.approx((expected.estimate, expected.low))
    assert (rows.loc["dice", "patients"], rows.loc["dice", "n"]) == (12, len(tumour))
    found_ones = int((tumour["predicted_ml"] >= 0.175).sum())
    assert rows.loc["sensitivity", "estimate"] == pytest.approx(100 * found_ones / len(tumour))
    assert set(found.loc[found["group"] == "AMS", "split"]) == {"test"}
    assert set(found.loc[found["group"] != "AMS", "split"]) == {"validation"}


@pytest.mark.parametrize(("without", "patients"), [(0, "12"), (2, "12 / 10")])
def test_the_table_counts_the_patients_of_both_inputs_of_a_network(without: int, patients: str) -> None:
    """Inputs C, chosen for classification, lack patients that inputs B have."""
    cases, how = cases_of(("nnunet",)), settings(subgroups=("hospital",))
    lacking = [f"STO{number:02d}" for number in range(without)]
    both = pd.concat([cases, cases[~cases["patient"].isin(lacking)].assign(inputs="C")], ignore_index=True)
    models = judged_models(both, {"segmentation": {"nnunet": "B"}, "classification": {"nnunet": "C"}}, RULE)
    frame = subgroups(models, subgroups_of(both, {}, RULE, how), RULE, how)
    made = subgroup_table(frame, {}, how).frame
    assert made.loc[made["Group"] == "STO", "Patients"].tolist() == [patients]


@pytest.mark.parametrize(("least", "estimable"), [(2, True), (3, False)])
def test_a_small_group_is_not_estimable_and_says_so(least: int, estimable: bool) -> None:
    """HAG has two patients with residual tumour and one without."""
    how = settings(subgroups=("hospital",), least_in_subgroup=least)
    found = frames_of(cases_of(), {}, how)["subgroups"]
    rows = found[(found["group"] == "HAG") & (found["arch"] == "nnunet")].set_index("measure")
    assert rows["estimate"].notna().to_dict()["dice"] == estimable
    few = f"fewer than {least} patients with"
    assert rows.loc["specificity", "note"] == f"not estimable: {few} gross total resection"
    words = f"{few} residual tumour; " if not estimable else ""
    assert rows.loc["balanced_accuracy", "note"] == f"not estimable: {words}{few} gross total resection"


def test_persons_count_once_for_the_limit_and_are_resampled_as_a_whole() -> None:
    """Six scans of two persons are two."""
    cases = cases_of(("nnunet",))
    own = cases[cases["hospital"] == "GOT"].assign(person=lambda rows: [f"x{n % 2}" for n in range(len(rows))])
    few = frames_of(own, {}, settings(subgroups=("hospital",), least_in_subgroup=3))["subgroups"].set_index("measure")
    assert few.loc["dice", "note"] == "not estimable: fewer than 3 persons with residual tumour"
    many = frames_of(own, {}, settings(subgroups=("hospital",), least_in_subgroup=2))["subgroups"].set_index("measure")
    assert many.loc["dice", "estimate"] == pytest.approx(own.loc[own["reference_ml"] > 0, "dice"].mean())
    tests = frames_of(own, {}, settings(subgroups=("hospital",), least_in_subgroup=2))["subgroup_tests"]
    assert tests["n"].tolist() == [2]


def test_a_covariate_that_the_table_lacks_is_named_once() -> None:
    found = frames_of(cases_of(), {}, settings(subgroups=("sex", "hospital", "age")))["subgroups"]
    assert found.loc[found["group"] == "", ["covariate", "note"]].to_numpy().tolist() == [
        ["sex", "not in the cohort table"],
        ["age", "not in the cohort table"],
    ]


# Tests of covariates


def sexes(cases: pd.DataFrame) -> dict[str, dict[str, str]]:
    """Patients whose sex is known, but for the first of each hospital."""
    patients = [patient for patient in cases["patient"].unique() if not patient.endswith("00")]
    return {patient: {"sex": "FM"[number % 2], "age": str(50 + number)} for number, patient in enumerate(patients)}


def test_one_test_for_each_covariate_corrected_over_all_of_them() -> None:
    cases = cases_of()
    how = settings(subgroups=("hospital", "sex", "age", "image_quality"), subgroup_bounds={"age": (60,)})
    found = frames_of(cases, sexes(cases), how)["subgroup_tests"]
    own = found[(found["split"] == "validation") & (found["arch_1"] == "nnunet") & (found["arch_2"] == "")]
    assert own["covariate"].tolist() == ["hospital", "sex", "age"]
    assert own["p_holm"].tolist() == pytest.approx(multipletests(own["p_value"], ALPHA, method="holm")[1].tolist())
    assert own.set_index("covariate").loc["hospital", ["groups", "groups_left_out"]].tolist() == [3, 1]
    tumour = cases[(cases["arch"] == "nnunet") & (cases["split"] == "validation") & (cases["reference_ml"] > 0)]
    sex = tumour["patient"].map({patient: of["sex"] for patient, of in sexes(cases).items()})
    expected = stats.kruskal(*(tumour.loc[sex == name, "dice"] for name in "FM"))
    row = own.set_index("covariate").loc["sex"]
    assert (row["n"], row["p_value"]) == (int(sex.notna().sum()), pytest.approx(expected.pvalue, abs=SIX_DIGITS))


def test_an_interaction_is_a_test_of_the_difference_of_both_networks_on_the_same_patients() -> None:
    cases = cases_of()
    # AGU-Net is worse by 0.3 at one hospital and alike at the others: no network differs in itself.
    base = cases[cases["arch"] == "nnunet"].set_index("patient")["dice"]
    worse = cases["patient"].map(base) - 0.3 * (cases["hospital"] == "STO") * (cases["reference_ml"] > 0)
    noise = np.random.default_rng(0).normal(0, 0.01, len(cases))  # So that differences are no ties.
    cases["dice"] = np.where(cases["arch"] == "agunet", worse + noise, cases["dice"])
    found = frames_of(cases, {}, settings(subgroups=("hospital",)))["subgroup_tests"]
    pair = found[(found["arch_2"] == "agunet") & (found["split"] == "validation")].iloc[0]
    tumour = cases[(cases["split"] == "validation") & (cases["reference_ml"] > 0)].pivot(
        index="patient", columns="arch", values="dice"
    )
    gap = tumour["nnunet"] - tumour["agunet"]
    hospital = gap.index.str[:3]
    expected = stats.kruskal(*(gap[hospital == name] for name in ("STO", "GOT", "PAR")))
    assert pair["p_value"] == pytest.approx(expected.pvalue, abs=SIX_DIGITS)
    assert pair["p_value"] < 0.002
    alone = found[(found["arch_1"] == "nnunet") & (found["arch_2"] == "") & (found["split"] == "validation")].iloc[0]
    assert alone["p_value"] > 0.05


def test_a_hold_out_of_one_hospital_says_why_nothing_can_be_tested() -> None:
    frames = frames_of(cases_of(), {}, settings(subgroups=("hospital",)))
    test = frames["subgroup_tests"].query("split == 'test'")
    only = "one group only with at least 5 patients with residual tumour"
    assert set(test["note"]) == {f"not estimable: {only}"}
    between = frames["between_hospitals"].query("split == 'test'")
    assert between["estimate"].isna().all()
    assert set(between["note"]) == {"not estimable: one hospital only with at least 5 patients with residual tumour"}


def test_hospitals_are_summarised_over_the_folds_without_the_hold_out_and_the_small() -> None:
    cases = cases_of()
    row = frames_of(cases, {}, settings(subgroups=("hospital",)))["between_hospitals"].iloc[0]
    tumour = cases[(cases["arch"] == "nnunet") & (cases["reference_ml"] > 0)]
    by = tumour[tumour["hospital"].isin(["STO", "GOT", "PAR"])].groupby("hospital")["dice"]
    expected = combine_effects(by.mean().to_numpy(), (by.var() / by.size()).to_numpy(), method_re="chi2")
    assert (row["hospitals"], row["left_out"], row["n"]) == (3, "HAG", int(by.size().sum()))
    assert row["q"] == pytest.approx(expected.q, abs=SIX_DIGITS)
    wanted = expected.mean_effect_re if expected.tau2 > 0 else expected.mean_effect_fe
    assert row["estimate"] == pytest.approx(wanted, abs=SIX_DIGITS)


def test_hospitals_whose_patients_all_have_the_same_dice_are_left_out_and_named() -> None:
    cases = cases_of()
    # Three times 0.1 has a standard deviation of 1e-17.
    cases.loc[cases["hospital"] == "PAR", "dice"] = 0.1
    row = frames_of(cases, {}, settings(subgroups=("hospital",)))["between_hospitals"].iloc[0]
    assert (row["hospitals"], row["left_out"]) == (2, "HAG, PAR")


# Tables and figures


RUNS = ("whole", "no residual tumour", "nothing found", "no covariate", "hold-out of one network")


@cache
def run_of(kind: str) -> dict[str, pd.DataFrame]:
    cases, how = cases_of(), settings(subgroups=("hospital", "sex", "residual_volume"), bootstrap_resamples=100)
    changed = {
        "no residual tumour": cases.assign(reference_ml=0.0, dice=0.0),
        "nothing found": cases.assign(dice=0.0, predicted_ml=0.0),
        "hold-out of one network": cases.query("split == 'test' and arch == 'nnunet'"),
    }
    if kind == "no covariate":
        return frames_of(cases, {}, settings(subgroups=("sex",)))
    return frames_of(changed.get(kind, cases), sexes(cases), how)


@pytest.mark.parametrize("kind", RUNS)
def test_no_table_of_subgroups_says_nan(kind: str, tmp_path: Path) -> None:
    frames = run_of(kind)
    for name, frame in frames.items():
        frame.to_parquet(tmp_path / "frame.parquet")
        table = supplementary_table(name, str(tmp_path / "frame.parquet"), LABELS, settings())
        for text in (to_csv(table), to_markdown(table), to_latex(table), to_html(table)):
            assert "nan" not in text.lower()
            assert "None" not in text
            assert "<NA>" not in text
        assert "not in the article" in table.caption


def test_the_hold_out_is_marked_in_the_forest_plot_and_takes_no_part_in_the_summary() -> None:
    frames = frames_of(cases_of(), {}, settings(subgroups=("hospital",)))
    lines = hospital_lines(frames["subgroups"], frames["between_hospitals"])
    assert [line.label for line in lines] == [
        "Out of fold", "GOT", "HAG", "PAR", "STO", "Random effects", "Hold-out", "AMS (hold-out)",
    ]  # fmt: skip
    assert [{mark.kind for mark in line.marks} for line in lines if line.marks] == (
        [{OUT_OF_FOLD}] * 4 + [{SUMMARY}, {HOLDOUT}]
    )
    assert [mark.estimate for mark in lines[2].marks] == [None, None]
    assert lines[2].marks[0].count == "2"


def test_every_line_of_a_subgroup_counts_both_sets() -> None:
    cases = cases_of(("nnunet",))
    known = {patient: {"sex": "F" if patient.startswith("AMS") else "M"} for patient in cases["patient"]}
    lines = subgroup_lines(frames_of(cases, known, settings(subgroups=("sex",)))["subgroups"])
    assert [(line.label, [mark.count for mark in line.marks]) for line in lines] == [
        ("Sex", []),
        ("female", ["0", "7"]),
        ("male", ["22", "0"]),
    ]


@pytest.mark.parametrize("kind", RUNS)
def test_forest_plots_are_drawn_alike_in_all_forms_whatever_is_known(kind: str, tmp_path: Path) -> None:
    frames = run_of(kind)
    for run in ("one", "two"):
        (tmp_path / run).mkdir()
        files = [tmp_path / run / f"hospitals.{form}" for form in ("pdf", "png", "txt")]
        hospitals_figure(frames["subgroups"], frames["between_hospitals"], LABELS, settings(), tuple(files))  # type: ignore[arg-type]
        files = [tmp_path / run / f"subgroups.{form}" for form in ("pdf", "png", "txt")]
        subgroups_figure(frames["subgroups"], LABELS, settings(), tuple(files))  # type: ignore[arg-type]
    for name in ("hospitals.pdf", "hospitals.png", "hospitals.txt", "subgroups.pdf", "subgroups.png", "subgroups.txt"):
        assert digest(tmp_path / "one" / name) == digest(tmp_path / "two" / name)
    for name in ("hospitals", "subgroups"):
        words = (tmp_path / "one" / f"{name}.txt").read_text()
        assert "not in the article" in words
        assert "nan" not in words.lower()
        pdf = (tmp_path / "one" / f"{name}.pdf").read_bytes()
        assert b"/Type3" not in pdf
        assert b"CreationDate" not in pdf
