"""Tests of the comparisons of the same patients: which are made, of whom, and what a reader is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from residua.raters.compare import compare_raters
from residua.raters.paired import paired_raters
from residua.report.paired import paired
from residua.settings.classification import Classification
from residua.settings.statistics import BestInputs, Statistics
from residua.statistics.auroc import auroc
from residua.statistics.holm import holm
from residua.statistics.paired_classification import areas, paired_classification
from residua.statistics.paired_dice import friedman_of_inputs, paired_dice
from residua.statistics.signed_rank import signed_rank
from residua.tables import paired as tables
from residua.tables.html import to_html
from residua.tables.latex import to_latex
from residua.tables.render import Cell, to_csv, to_markdown

ALPHA = 0.05
RULE = Classification(residual_tumor_ml=0.175, min_overlap_dice=0.0)
BEST = {"nnunet": "B", "agunet": "A"}
STATISTICS = Statistics(
    alpha=ALPHA, bootstrap_resamples=300, interval_sd_multiplier=1.96, seed=3,
    best_inputs=BestInputs(segmentation=BEST, classification=BEST, raters=BEST),
)  # fmt: skip
LABELS = {"nnunet": "nnU-Net", "agunet": "AGU-Net"}
MODELS = [(arch, inputs) for arch in BEST for inputs in "ABC"]
TABLES = {
    "paired_dice": tables.dice,
    "paired_friedman": tables.friedman,
    "paired_classification": tables.classification,
    "paired_auroc": tables.auroc,
    "paired_raters": tables.raters,
}


def cases_of(models: Sequence[tuple[str, str]] = MODELS, hospitals: Mapping[str, int] | None = None) -> pd.DataFrame:
    """Patients of one hold-out hospital and of three others; every third is without residual tumour."""
    rows = []
    for number, (arch, inputs) in enumerate(models):
        for hospital, size in (hospitals or {"AMS": 12, "STO": 9, "GOT": 6, "PAR": 6}).items():
            for n in range(size):
                patient, held = f"{hospital}{n}", hospital == "AMS"
                of_patient = np.random.default_rng([n, ord(hospital[0])])
                reference = 0.0 if n % 3 == 2 else float(of_patient.uniform(0.5, 4))
                rng = np.random.default_rng([n, number, ord(hospital[0])])
                dice = np.clip(of_patient.uniform(0.2, 0.7) + 0.04 * number + rng.normal(0, 0.05), 0, 1)
                predicted = max(0.0, reference + rng.normal(0, 0.8))
                rows.append((arch, inputs, "test" if held else "validation", None if held else 0, patient, hospital,
                             float(dice) if reference else 0.0, reference, predicted))  # fmt: skip
    columns = ["arch", "inputs", "split", "fold", "patient", "hospital", "dice", "reference_ml", "predicted_ml"]
    return pd.DataFrame(rows, columns=columns).astype({"fold": "Int64"})


def scores_of(patients: int, kinds: Sequence[str] = ("novice", "expert"), shift: float = 0.0) -> pd.DataFrame:
    """Raters who agree with each other within 2 points, and a network ``shift`` above them."""
    rows = []
    for patient in range(patients):
        common = np.random.default_rng(patient).uniform(0.4, 0.8)
        scorers = [(f"r{kind}{n}", kind, None, 0.0) for kind in kinds for n in (1, 2)]
        for number, (scorer, kind, inputs, above) in enumerate([*scorers, ("nnunet", "model", "B", shift)]):
            jaccard = common + above + np.random.default_rng([patient, number]).normal(0, 0.02)
            rows.append(("consensus", f"AMS{patient}", scorer, kind, inputs, 2.0, True, float(jaccard)))
    columns = ["reference", "patient", "scorer", "kind", "inputs", "reference_ml", "positive", "jaccard"]
    return pd.DataFrame(rows, columns=columns)


def frames_of(cases: pd.DataFrame, best: Mapping[str, str] = BEST) -> dict[str, pd.DataFrame]:
    return {
        "paired_dice": paired_dice(cases, best, RULE, STATISTICS),
        "paired_friedman": friedman_of_inputs(cases, RULE, ALPHA),
        "paired_classification": paired_classification(cases, best, RULE, STATISTICS),
        "paired_auroc": areas(cases, RULE, ALPHA),
    }


@pytest.fixture(scope="module")
def cases() -> pd.DataFrame:
    return cases_of()


@pytest.fixture(scope="module")
def frames(cases: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {**frames_of(cases), "paired_raters": paired_raters(scores_of(15), {}, STATISTICS)}


def dice_of(cases: pd.DataFrame, arch: str, inputs: str, split: str) -> pd.Series:
    own = cases[(cases["arch"] == arch) & (cases["inputs"] == inputs) & (cases["split"] == split)]
    return own[own["reference_ml"] >= RULE.residual_tumor_ml].set_index("patient")["dice"]


def test_every_pair_of_inputs_and_the_networks_with_their_best_are_compared_on_both_splits(
    frames: dict[str, pd.DataFrame],
) -> None:
    expected = [
        (split, *pair)
        for split in ("test", "validation")
        for pair in [
            *(("inputs of nnunet", "nnunet", a, "nnunet", b) for a, b in combinations("ABC", 2)),
            *(("inputs of agunet", "agunet", a, "agunet", b) for a, b in combinations("ABC", 2)),
            ("networks", "nnunet", "B", "agunet", "A"),
        ]
    ]
    for name in ("paired_dice", "paired_classification"):
        names = frames[name][["split", "family", "arch_1", "inputs_1", "arch_2", "inputs_2"]]
        assert list(names.itertuples(index=False, name=None)) == expected


def test_dice_is_compared_patient_by_patient_whatever_the_order_of_the_rows(cases: pd.DataFrame) -> None:
    shuffled = paired_dice(cases.sample(frac=1, random_state=1), BEST, RULE, STATISTICS)
    found = paired_dice(cases, BEST, RULE, STATISTICS).set_index(["split", "arch_1", "inputs_1", "arch_2", "inputs_2"])
    for keys, row in shuffled.set_index(found.index.names).iterrows():
        split, *models = keys if keys in found.index else (keys[0], *keys[3:], *keys[1:3])
        sign = 1 if keys in found.index else -1
        first, second = (dice_of(cases, *models[n : n + 2], split) for n in (0, 2))
        assert sign * row["mean_difference"] == pytest.approx((first - second[first.index]).mean())
        assert row["p_value"] == pytest.approx(stats.wilcoxon(first, second[first.index]).pvalue, abs=1e-6)
        assert row["p_value"] == pytest.approx(found.loc[(split, *models), "p_value"])


def test_holm_corrects_each_family_of_a_split_by_itself(frames: dict[str, pd.DataFrame]) -> None:
    for _, rows in frames["paired_dice"].groupby(["split", "family"]):
        assert rows["p_holm"].tolist() == pytest.approx(holm(rows["p_value"].tolist()))
        assert rows["significant"].tolist() == (rows["p_holm"] < ALPHA).tolist()
    for _, rows in frames["paired_classification"].groupby(["split", "family"]):
        tested = rows[rows["auroc_p_value"].notna()]
        assert tested["auroc_p_holm"].tolist() == pytest.approx(holm(tested["auroc_p_value"].tolist()))


def test_friedman_takes_the_patients_that_all_inputs_have(cases: pd.DataFrame) -> None:
    lacking = cases[~((cases["inputs"] == "C") & cases["patient"].isin(["AMS0", "STO1"]))]
    for row in friedman_of_inputs(lacking, RULE, ALPHA).to_dict("records"):
        columns = [dice_of(lacking, row["arch"], inputs, row["split"]) for inputs in "ABC"]
        table = pd.concat(columns, axis=1).dropna()
        other = stats.friedmanchisquare(*table.to_numpy().T)
        assert (row["n"], row["inputs"]) == (len(table), "A, B, C")
        assert len(table) == len(columns[0]) - 1
        assert (row["chi_squared"], row["p_value"]) == pytest.approx((other.statistic, other.pvalue), abs=1e-6)


def test_a_pair_takes_the_patients_that_both_have(cases: pd.DataFrame) -> None:
    lacking = cases[~((cases["inputs"] == "C") & (cases["patient"] == "AMS0"))]
    found = paired_dice(lacking, BEST, RULE, STATISTICS)
    test = found[found["split"] == "test"]
    with_c = test[["inputs_1", "inputs_2"]].eq("C").any(axis=1)
    assert set(test.loc[with_c, "n"]) == {7}
    assert set(test.loc[~with_c, "n"]) == {8}


def test_hospitals_are_clusters_where_there_are_two_and_one_is_said(frames: dict[str, pd.DataFrame]) -> None:
    for name, what in (("paired_dice", "over hospitals"), ("paired_classification", "bAcc over hospitals")):
        of_split = {str(split): rows for split, rows in frames[name].groupby("split")}
        assert set(of_split["test"]["hospitals"]) == {1}
        assert of_split["test"]["hospital_low"].isna().all()
        assert of_split["test"]["note"].str.contains(f"{what}: not estimable: one hospital only").all()
        assert set(of_split["validation"]["hospitals"]) == {3}
        assert (of_split["validation"]["hospital_low"] <= of_split["validation"]["mean_difference"]).all()
        assert (of_split["validation"]["hospital_high"] >= of_split["validation"]["mean_difference"]).all()


def test_the_classification_counts_whom_one_model_alone_judges_right() -> None:
    volumes = {("nnunet", "B"): [1, 1, 1, 0, 0, 1, 0, 0], ("agunet", "A"): [0, 0, 0, 1, 0, 1, 1, 0]}
    reference = [1, 1, 1, 1, 0, 0, 0, 0]
    frame = pd.concat(
        pd.DataFrame({"arch": arch, "inputs": inputs, "split": "test", "fold": None, "hospital": "AMS", "dice": 0.5,
                      "patient": [f"AMS{n}" for n in range(8)], "reference_ml": reference, "predicted_ml": of})
        for (arch, inputs), of in volumes.items()
    )  # fmt: skip
    (row,) = paired_classification(frame, BEST, RULE, STATISTICS).to_dict("records")
    assert (row["first_alone"], row["second_alone"], row["n"]) == (4, 1, 8)
    assert row["p_value"] == pytest.approx(2 * (1 + 5) / 2**5)
    # Sensitivity 3/4 against 1/4, specificity 3/4 against 2/4.
    assert row["mean_difference"] == pytest.approx(100 * ((3 - 1) / 4 + (3 - 2) / 4) / 2)
    # Changes +1 +1 +1 −1 and 0 +1 0 0: variances 1 and 1/4.
    z = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    assert row["detectable"] == pytest.approx(100 * z * np.sqrt(1 / 4 + 0.25 / 4) / 2)
    by_model = areas(frame, RULE, ALPHA).set_index("arch")
    assert by_model.loc["nnunet", "auroc"] == auroc(volumes["nnunet", "B"], np.array(reference) > 0, ALPHA).estimate
    assert row["auroc_difference"] == pytest.approx(by_model.loc["nnunet", "auroc"] - by_model.loc["agunet", "auroc"])


def test_further_scans_of_a_person_that_tell_nothing_new_change_no_test(cases: pd.DataFrame) -> None:
    once = cases.assign(person=cases["patient"])
    thrice = pd.concat([once.assign(patient=once["patient"] + scan) for scan in ("", "b", "c")], ignore_index=True)
    of_once, of_thrice = paired_dice(once, BEST, RULE, STATISTICS), paired_dice(thrice, BEST, RULE, STATISTICS)
    same = ["persons", "mean_difference", "p_value", "rank_biserial", "cliffs_delta", "detectable"]
    pd.testing.assert_frame_equal(of_once[same], of_thrice[same])
    assert (of_thrice["n"] == 3 * of_once["n"]).all()
    assert of_once["person_low"].isna().all()
    width = (of_thrice["person_high"] - of_thrice["person_low"]) / (of_once["high"] - of_once["low"])
    assert width.median() == pytest.approx(1.0, abs=0.15)
    pd.testing.assert_frame_equal(
        friedman_of_inputs(once, RULE, ALPHA), friedman_of_inputs(thrice, RULE, ALPHA), check_exact=False
    )
    rated_once, rated_thrice = (paired_classification(rows, BEST, RULE, STATISTICS) for rows in (once, thrice))
    unchanged = ["mean_difference", "detectable", "auroc_difference", "auroc_low", "auroc_p_value"]
    pd.testing.assert_frame_equal(rated_once[unchanged], rated_thrice[unchanged])
    assert rated_thrice["note"].str.contains("McNemar: takes the scans of one person as independent").any()
    areas_once, areas_thrice = areas(once, RULE, ALPHA), areas(thrice, RULE, ALPHA)
    pd.testing.assert_frame_equal(areas_once[["auroc", "low", "high"]], areas_thrice[["auroc", "low", "high"]])


# Raters


def test_a_network_like_the_raters_is_on_par_and_one_above_them_is_better() -> None:
    for shift, on_par, better in ((0.0, True, False), (0.2, False, True)):
        found = paired_raters(scores_of(15, shift=shift), {}, STATISTICS).set_index("against")
        assert found.loc[["novices", "experts", "all"], "equivalent"].tolist() == [on_par] * 3
        assert found.loc[["novices", "experts", "all"], "significant"].tolist() == [better] * 3
        assert (found["margin"] == 0.05).all()


def test_a_group_is_the_mean_of_its_raters_of_the_same_patients() -> None:
    scores = scores_of(15)
    found = paired_raters(scores, {}, STATISTICS).set_index("against")
    wide = scores.pivot(index="patient", columns="scorer", values="jaccard").loc[[f"AMS{n}" for n in range(15)]]
    groups = {"novices": ["rnovice1", "rnovice2"], "rexpert1": ["rexpert1"], "all": [c for c in wide if c != "nnunet"]}
    for against, members in groups.items():
        differences = wide["nnunet"] - wide[members].mean(axis=1)
        assert found.loc[against, "mean_difference"] == pytest.approx(differences.mean())
        assert found.loc[against, "p_value"] == pytest.approx(signed_rank(differences).p_value)
    assert found["label"].tolist()[:4] == ["Novice 1", "Novice 2", "Expert 1", "Expert 2"]
    by_kind = {str(kind): rows for kind, rows in found.groupby("kind")}
    for rows in by_kind.values():
        assert rows["p_holm"].tolist() == pytest.approx(holm(rows["p_value"].tolist()))
    # The article's comparison of the same scores has the same rows.
    assert compare_raters(scores, {}, ALPHA)["against"].tolist() == list(found.index)


def test_a_rater_of_fewer_patients_is_compared_on_those() -> None:
    scores = scores_of(10)
    fewer = scores[~((scores["scorer"] == "rnovice1") & scores["patient"].isin(["AMS0", "AMS3"]))]
    assert paired_raters(fewer, {}, STATISTICS).set_index("against").loc["rnovice1", "n"] == 8


def test_scans_of_a_person_enter_the_comparison_with_raters_as_their_mean() -> None:
    scores = scores_of(16, shift=0.02)
    whose = {f"AMS{n}": f"x{max(0, n - 2) % 5}" for n in range(16)}
    means = scores.assign(patient=scores["patient"].map(whose))
    keys = [name for name in means if name != "jaccard"]
    once = means.groupby(keys, sort=False, dropna=False, as_index=False)["jaccard"].mean()
    for compare in (
        lambda rows, persons: paired_raters(rows, persons, STATISTICS),
        lambda rows, persons: compare_raters(rows, persons, ALPHA),
    ):
        pd.testing.assert_frame_equal(compare(scores, whose), compare(once, {}))
        # As many persons as scans: the numbers are the same to the bit.
        pd.testing.assert_frame_equal(
            compare(scores, {patient: patient for patient in whose}), compare(scores, {}), check_exact=True
        )


def test_alike_scans_of_six_persons_do_not_put_a_network_on_par() -> None:
    rng = np.random.default_rng(1)
    rows = []
    for person in range(6):
        above = rng.normal(0, 0.06)
        for scan in range(4):
            both = (("nnunet", "model", "B", 0.6 + above + rng.normal(0, 0.005)), ("r1", "novice", None, 0.6))
            rows += [("consensus", f"P{person}s{scan}", *scorer, True) for scorer in both]
    scores = pd.DataFrame(rows, columns=["reference", "patient", "scorer", "kind", "inputs", "jaccard", "positive"])
    whose = {patient: patient.partition("s")[0] for patient in scores["patient"]}
    of_scans, of_persons = (paired_raters(scores, persons, STATISTICS).iloc[0] for persons in ({}, whose))
    assert (of_scans["n"], bool(of_scans["equivalent"])) == (24, True)
    assert (of_persons["n"], of_persons["differing"], bool(of_persons["equivalent"])) == (6, 6, False)
    assert of_persons["equivalence_p_value"] == pytest.approx(0.0507, abs=5e-5)


# Degenerate studies


def one_patient() -> pd.DataFrame:
    return cases_of(hospitals={"AMS": 1})


def one_class() -> pd.DataFrame:
    return cases_of().query("reference_ml > 0")


def no_residual_tumour() -> pd.DataFrame:
    return cases_of().query("reference_ml == 0")


def all_models_alike() -> pd.DataFrame:
    first = cases_of([MODELS[0]])
    return pd.concat([first.assign(arch=arch, inputs=inputs) for arch, inputs in MODELS], ignore_index=True)


def one_model() -> pd.DataFrame:
    return cases_of([("nnunet", "B")])


DEGENERATE = (one_patient, one_class, no_residual_tumour, all_models_alike, one_model)


@pytest.mark.parametrize("study", DEGENERATE, ids=lambda study: study.__name__)
def test_a_degenerate_study_is_told_in_words_and_never_as_nan(study: Any) -> None:
    measured = study()
    best = {arch: inputs for arch, inputs in BEST.items() if arch in set(measured["arch"])}
    found = frames_of(measured, best)
    for name, frame in found.items():
        table = TABLES[name](frame, LABELS, STATISTICS)
        for text in (to_csv(table), to_markdown(table), to_latex(table), to_html(table)):
            assert not any(word in text.lower() for word in (">nan", " nan", "nan ", "none", "<na>", "inf"))
        missing = frame[frame["p_value"].isna()] if "p_value" in frame else frame[frame["low"].isna()]
        assert missing["note"].str.contains("not estimable|no interval").all()
    for sentence in paired(found, LABELS, STATISTICS).sentences:
        assert "nan" not in sentence.lower().split()
        assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("study", "frame", "reason"),
    [
        (
            one_patient,
            "paired_dice",
            "mean difference: no interval: one patient only; over hospitals: not estimable: one hospital",
        ),
        (one_patient, "paired_dice", "Wilcoxon, r, delta, detectable: not estimable: one patient only"),
        (one_patient, "paired_classification", "AUROC: not estimable: no patient with gross total resection"),
        (one_class, "paired_classification", "bAcc, AUROC: not estimable: no patient with gross total resection"),
        (no_residual_tumour, "paired_dice", "not estimable: no patient"),
        (all_models_alike, "paired_dice", "Wilcoxon, r: not estimable: all differences are zero"),
        (all_models_alike, "paired_classification", "McNemar: not estimable: both are right about the same patients"),
        (all_models_alike, "paired_classification", "AUROC: no interval: both scores order the patients alike"),
        (all_models_alike, "paired_friedman", "not estimable: no patient tells the models apart"),
        (one_class, "paired_auroc", "not estimable: no patient with gross total resection"),
    ],
)
def test_the_reason_of_what_is_not_estimable_is_given(study: Any, frame: str, reason: str) -> None:
    notes = frames_of(study())[frame]["note"]
    assert notes.str.contains(reason, regex=False).all()


def test_raters_without_patients_are_told_in_words() -> None:
    scores = scores_of(5, kinds=("novice",)).assign(positive=lambda rows: rows["patient"] == "AMS0")
    found = paired_raters(scores, {}, STATISTICS).set_index("against")
    assert found.loc["experts", "note"] == "mean difference, Wilcoxon, r, delta, equivalence: not estimable: no patient"
    assert "equivalence: not estimable: one patient only" in found.loc["novices", "note"]
    said = paired({**frames_of(cases_of()), "paired_raters": found.reset_index()}, LABELS, STATISTICS).sentences[-1]
    assert "not estimable whether on par with the novices, the experts and all raters" in said
    assert "nan" not in to_markdown(tables.raters(found.reset_index(), LABELS, STATISTICS)).lower()


# What a reader sees


def test_the_tables_print_every_number_with_its_patients(frames: dict[str, pd.DataFrame]) -> None:
    row, source = (
        tables.dice(frames["paired_dice"], LABELS, STATISTICS).frame.iloc[-1],
        frames["paired_dice"].iloc[-1],
    )
    assert row[["Family", "Data", "Model 1", "Model 2"]].tolist() == ["Networks", "Val", "nnU-Net B", "AGU-Net A"]
    mean, low, high = (100 * source[name] for name in ("mean_difference", "low", "high"))
    assert row["Difference of DSC-P (points)"] == Cell(f"{mean:.2f} [{low:.2f}, {high:.2f}]", source["n"])
    assert row["p (Holm)"] == f"{source['p_holm']:.4f}"
    assert row["Detectable (points)"] == f"{100 * source['detectable']:.2f}"
    assert "Over persons" not in row
    notes = tables.dice(frames["paired_dice"], LABELS, STATISTICS).notes
    assert notes == ("7 of 14 rows: over hospitals: not estimable: one hospital only.",)


def test_the_margin_is_in_the_caption_and_in_the_sentence(frames: dict[str, pd.DataFrame]) -> None:
    statistics = STATISTICS.model_copy(update={"equivalence_margin": 0.1})
    of_raters = paired_raters(scores_of(15), {}, statistics)
    assert "within ±10 points" in tables.raters(of_raters, LABELS, statistics).caption
    said = paired({**frames, "paired_raters": of_raters}, LABELS, statistics).sentences[-1]
    assert "nnU-Net B against raters, Jaccard with the consensus: on par within ±10 points with the novices (" in said
    assert "90 % interval" in said
    assert "significantly different from no group" in said


def test_the_report_says_how_the_networks_differ_and_what_could_have_been_shown(
    frames: dict[str, pd.DataFrame],
) -> None:
    sentences = paired(frames, LABELS, STATISTICS).sentences
    (dice,) = (s for s in sentences if "hold-out, the same 8 patients with residual tumour" in s)
    row = frames["paired_dice"].query("family == 'networks' and split == 'test'").iloc[0]
    assert dice.startswith("nnU-Net B against AGU-Net A, ")
    assert f"is {100 * row['mean_difference']:+.1f} points".replace("-", "−") in dice
    assert f"A difference of {100 * row['detectable']:.1f} points could have been shown with a power of 80 %." in dice
    assert "; no interval over hospitals, because all are of one. " in dice
    (of_fold,) = (s for s in sentences if "out-of-fold, the same 14 patients with residual tumour" in s)
    assert "; over 3 hospitals " in of_fold
    assert sum("Friedman's test finds" in s for s in sentences) == 4


def test_a_p_that_so_few_patients_cannot_reach_is_said() -> None:
    few = cases_of(hospitals={"AMS": 6, "STO": 6})
    found = frames_of(few[few["patient"] != "AMS5"])
    said = " ".join(paired(found, LABELS, STATISTICS).sentences)
    assert ", and no p of so few is below 0.125, " in said


def constant_cases(patients: int, archs: Mapping[str, float], inputs: Mapping[str, float]) -> pd.DataFrame:
    """Every model keeps its distance from every other, in each patient, by another tenth of a point."""
    rows = [
        {"arch": arch, "inputs": name, "split": "test", "fold": None, "patient": f"AMS{n}", "hospital": "AMS",
         "dice": 0.9 - below - further - 0.01 * n * (1 + below + further), "reference_ml": 2.0, "predicted_ml": 2.0}
        for arch, below in archs.items()
        for name, further in inputs.items()
        for n in range(patients)
    ]  # fmt: skip
    return pd.DataFrame(rows).astype({"fold": "Int64"})


@pytest.mark.parametrize(
    ("patients", "networks", "smallest"),
    # Three networks are three tests: 3 · 2 ** -5, 3 · 2 ** -6; two are one.
    [(6, 3, "0.09375"), (7, 3, ""), (6, 2, ""), (5, 2, "0.0625")],
)
def test_the_smallest_possible_p_of_networks_is_corrected_as_p_is(patients: int, networks: int, smallest: str) -> None:
    archs = dict(list({"nnunet": 0.0, "agunet": 0.2, "segresnet": 0.4}.items())[:networks])
    found = frames_of(constant_cases(patients, archs, {"A": 0.0}), dict.fromkeys(archs, "A"))
    tests = found["paired_dice"]
    assert tests["significant"].tolist() == [not smallest] * len(tests)
    said = [s for s in paired(found, LABELS, STATISTICS).sentences if "mean Dice of the first" in s]
    assert len(said) == len(tests) == (3 if networks == 3 else 1)
    assert all(
        (f"and no p of so few is below {smallest}," if smallest else "(Wilcoxon, Holm), rank") in s for s in said
    )


@pytest.mark.parametrize(
    ("patients", "words"),
    [
        (
            6,
            "no significant difference in 3 pairs. In each pair so few patients differ that no p can be below 0.09375.",
        ),
        (7, "3 of 3 pairs differ significantly: A and B; A and C; B and C."),
    ],
)
def test_pairs_of_inputs_that_could_not_differ_significantly_are_told(patients: int, words: str) -> None:
    found = frames_of(constant_cases(patients, {"nnunet": 0.0}, {"A": 0.0, "B": 0.2, "C": 0.4}), {"nnunet": "A"})
    (said,) = (
        s for s in paired(found, LABELS, STATISTICS).sentences if s.startswith("Pairs of inputs") and "Dice" in s
    )
    assert said == f"Pairs of inputs of nnU-Net, Dice, hold-out (Wilcoxon's signed-rank test, Holm): {words}"


@pytest.mark.parametrize(("patients", "few"), [(5, True), (6, False)])
def test_a_classification_that_could_not_differ_significantly_is_told(patients: int, few: bool) -> None:
    models = {"nnunet": 2.0, "agunet": 0.0}
    rows = constant_cases(patients, dict.fromkeys(models, 0.0), {"A": 0.0})
    found = frames_of(rows.assign(predicted_ml=rows["arch"].map(models)), dict.fromkeys(models, "A"))
    (said,) = (s for s in paired(found, LABELS, STATISTICS).sentences if "right about" in s)
    p = "p = 0.0625, and no p of so few is below 0.0625" if few else "p = 0.0312"
    assert f"the first alone is right about {patients}, the second alone about 0 (McNemar, Holm: {p});" in said


@pytest.fixture
def told(frames: dict[str, pd.DataFrame]) -> Callable[[pd.DataFrame], str]:
    """What the report says of the networks and raters with given scores."""

    def of(scores: pd.DataFrame) -> str:
        found = {**frames, "paired_raters": paired_raters(scores, {}, STATISTICS)}
        return paired(found, LABELS, STATISTICS).sentences[-1]

    return of


def test_raters_from_whom_no_network_could_differ_significantly_are_told(told: Callable[[pd.DataFrame], str]) -> None:
    # All patients favour the network; three groups are three tests: 3 · 2 ** -4, 3 · 2 ** -6.
    none = (
        "significantly different from no group (Wilcoxon, Holm); no p against the novices, the experts and all raters "
    )
    assert f"{none}can be below 0.1875, because so few patients differ." in told(scores_of(5, shift=0.3))
    assert "so few" not in (said := told(scores_of(7, shift=0.3)))
    assert "significantly better than all raters" in said
    # Patients who do not differ do not count.
    scores = scores_of(12, shift=0.3)
    alike = scores["patient"].isin([f"AMS{n}" for n in range(8)])
    assert "can be below 0.375, because" in told(scores.assign(jaccard=scores["jaccard"].mask(alike, 0.5)))


def test_groups_that_were_not_tested_are_not_called_alike(told: Callable[[pd.DataFrame], str]) -> None:
    assert told(scores_of(1)).endswith("; no group could be tested (Wilcoxon, Holm).")
    said = told(scores_of(12, kinds=("novice",)))
    assert said.endswith("; significantly different from no group that could be tested (Wilcoxon, Holm).")


def test_models_that_are_alike_are_told_apart_from_one_hospital() -> None:
    said = " ".join(paired(frames_of(all_models_alike()), LABELS, STATISTICS).sentences)
    assert "mean Dice of the first minus that of the second is +0.0 points (no interval); no test is possible; " in said
    assert "no test is possible; no interval over hospitals." in said
    assert "no test is possible; no interval over hospitals, because all are of one." in said
    assert "−0.0" not in said


def test_a_long_and_wide_table_is_turned_in_latex(frames: dict[str, pd.DataFrame]) -> None:
    long = pd.concat([frames["paired_dice"]] * 3, ignore_index=True)
    lines = to_latex(tables.dice(long, LABELS, STATISTICS)).splitlines()
    assert lines[0].endswith("longtable, pdflscape}")
    assert (lines[1], lines[-1]) == (r"\begin{landscape}", r"\end{landscape}")
    assert "landscape" not in to_latex(tables.dice(frames["paired_dice"], LABELS, STATISTICS))
