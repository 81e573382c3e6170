"""Tests of the nested estimate: what choices add, and that the hold-out reaches none of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from residua.images.volumes import Grid, Image, save
from residua.publishing.publish import stage
from residua.report.nested import nested as told
from residua.segmentation.threshold_record import threshold_record
from residua.settings.classification import Classification
from residua.settings.postprocessing import Postprocessing
from residua.settings.statistics import OUT_OF_FOLD
from residua.statistics.best_inputs import best_inputs
from residua.statistics.nested import Candidates, nested_estimates
from residua.tables.nested import nested as tabulated
from residua.tables.render import to_csv, to_markdown

RULE = Classification(residual_tumor_ml=0.175, min_overlap_dice=0.0)
LABELS = {"nnunet": "nnU-Net"}
THRESHOLDS = (0.3, 0.5)
Measured = dict[str, dict[float, tuple[float, float]]]


def candidates(measured: Measured, reference: dict[str, float], chosen: float, nested: dict[int, float]) -> Candidates:
    """``measured`` holds Dice and predicted volume by patient and threshold; a patient is named after the fold."""
    rows = [
        {"patient": patient, "fold": int(patient[1]), "threshold": threshold, "reference_ml": reference[patient],
         "predicted_ml": volume, "dice": dice}
        for patient, of_patient in measured.items()
        for threshold, (dice, volume) in of_patient.items()
    ]  # fmt: skip
    return Candidates(pd.DataFrame(rows), chosen, nested)


def two_models() -> dict[tuple[str, str], Candidates]:
    """Fold 0 is best with A at 0.3, fold 1 with B at 0.5; each has a patient with tumour and one without."""
    reference = {"F0a": 2.0, "F0b": 0.0, "F1a": 2.0, "F1b": 0.0}
    of_a: Measured = {
        "F0a": {0.3: (0.9, 2.0), 0.5: (0.6, 2.0)}, "F0b": {0.3: (0.0, 0.0), 0.5: (0.0, 0.0)},
        "F1a": {0.3: (0.2, 0.0), 0.5: (0.5, 2.0)}, "F1b": {0.3: (0.0, 1.0), 0.5: (0.0, 0.0)},
    }  # fmt: skip
    of_b: Measured = {
        "F0a": {0.3: (0.3, 2.0), 0.5: (0.1, 0.0)}, "F0b": {0.3: (0.0, 1.0), 0.5: (0.0, 1.0)},
        "F1a": {0.3: (0.4, 2.0), 0.5: (0.8, 2.0)}, "F1b": {0.3: (0.0, 0.0), 0.5: (0.0, 0.0)},
    }  # fmt: skip
    return {
        ("nnunet", "A"): candidates(of_a, reference, 0.3, {0: 0.5, 1: 0.3}),
        ("nnunet", "B"): candidates(of_b, reference, 0.5, {0: 0.5, 1: 0.3}),
    }


def estimates(choice: str = "A") -> pd.DataFrame:
    choices = {experiment: {"nnunet": choice} for experiment in ("segmentation", "classification")}
    return nested_estimates(two_models(), choices, RULE).set_index(["experiment", "chosen"])


def test_the_threshold_alone_is_chosen_without_the_fold_that_is_judged() -> None:
    """A: fold 0 at 0.5 has Dice 0.6, fold 1 at 0.3 has 0.2; both at 0.3, as chosen on all folds, have 0.9 and 0.2."""
    row = estimates().loc[("segmentation", "threshold")]
    assert (row["inputs"], row["without"], row["n"]) == ("A", "0: A at 0.5; 1: A at 0.3", 2)
    assert (row["pooled"], row["nested"], row["optimism"]) == pytest.approx((55.0, 40.0, 15.0))


def test_inputs_are_chosen_without_the_fold_that_is_judged() -> None:
    """Without fold 0, B at 0.5 (0.8) beats A at 0.5 (0.5); without fold 1, A at 0.3 (0.9) beats B at 0.3 (0.3)."""
    row = estimates().loc[("segmentation", "threshold and inputs")]
    assert (row["inputs"], row["without"]) == ("A", "0: B at 0.5; 1: A at 0.3")
    assert (row["pooled"], row["nested"], row["optimism"]) == pytest.approx((55.0, (10 + 20) / 2, 40.0))


def test_inputs_are_judged_on_the_patients_that_all_of_them_have() -> None:
    """B lacks two hard patients of A; of the others, A at 0.3 has 0.9 and 0.7, B 0.8 and 0.9."""
    reference = dict.fromkeys(("F0a", "F0b", "F1a", "F1b"), 2.0)
    of_a = {"F0a": 0.9, "F0b": 0.05, "F1a": 0.7, "F1b": 0.05}
    of_b = {"F0a": 0.8, "F1a": 0.9}
    own = {
        ("nnunet", inputs): candidates(
            {patient: {0.3: (dice, 2.0)} for patient, dice in measured.items()}, reference, 0.3, {0: 0.3, 1: 0.3}
        )
        for inputs, measured in (("A", of_a), ("B", of_b))
    }
    rows = nested_estimates(own, {"segmentation": {"nnunet": "A"}}, RULE).set_index("chosen")
    # Without fold 0 B is chosen (0.9 against 0.7), without fold 1 A (0.9 against 0.8).
    both = rows.loc["threshold and inputs"]
    assert (both["inputs"], both["without"], both["n"]) == ("B", "0: B at 0.3; 1: A at 0.3", 2)
    assert (both["pooled"], both["nested"]) == pytest.approx((85.0, 75.0))
    # The threshold alone is judged on all patients of its inputs.
    assert (rows.loc["threshold", "n"], rows.loc["threshold", "pooled"]) == (4, pytest.approx(42.5))


def test_balanced_accuracy_is_pooled_over_the_folds() -> None:
    """A at 0.3 is right in fold 0 and wrong in fold 1: 50 %. At its nested thresholds the same."""
    row = estimates().loc[("classification", "threshold")]
    assert (row["pooled"], row["nested"], row["n"]) == (50.0, 50.0, 4)
    by_inputs = estimates().loc[("classification", "threshold and inputs")]
    # Without fold 0 both are right, and A is the first; without fold 1 A is right alone.
    assert by_inputs["without"] == "0: A at 0.5; 1: A at 0.3"


def test_out_of_fold_inputs_are_those_of_all_folds_for_the_threshold_alone() -> None:
    pd.testing.assert_frame_equal(estimates(OUT_OF_FOLD), estimates("A"))


def test_a_model_without_patients_in_a_fold_is_chosen_on_all_its_patients() -> None:
    models = two_models()
    of_b = models["nnunet", "B"]
    rows = of_b.rows[of_b.rows["fold"] == 1]
    models["nnunet", "B"] = Candidates(rows, 0.5, {1: 0.3})
    found = nested_estimates(models, {"segmentation": {"nnunet": "A"}}, RULE).set_index("chosen")
    assert found.loc["threshold", "nested"] == pytest.approx(40.0)
    # Compared on the patients of both; nobody of fold 0 is judged by B.
    row = found.loc["threshold and inputs"]
    assert (row["inputs"], row["without"], row["n"]) == ("B", "0: B at 0.5; 1: A at 0.3", 1)
    assert (row["pooled"], row["nested"]) == pytest.approx((80.0, 20.0))


def one_fold() -> dict[tuple[str, str], Candidates]:
    return {model: Candidates(of.rows[of.rows["fold"] == 0], 0.3, {}) for model, of in two_models().items()}


def no_tumour() -> dict[tuple[str, str], Candidates]:
    return {
        model: Candidates(of.rows.assign(reference_ml=0.0), of.threshold, of.nested)
        for model, of in two_models().items()
    }


@pytest.mark.parametrize(
    ("models", "reason"),
    [(one_fold(), "one fold only"), (no_tumour(), "the folds"), ({}, "")],
    ids=["one fold", "no residual tumour", "no model"],
)
def test_what_is_not_estimable_is_told_in_words(models: dict[tuple[str, str], Candidates], reason: str) -> None:
    choices = {experiment: {"nnunet": "A"} for experiment in ("segmentation", "classification")}
    found = nested_estimates(models, choices, RULE)
    assert found["note"].str.startswith(f"not estimable: {reason}").all()
    assert found[["pooled", "nested", "optimism"]].isna().all().all()
    table = tabulated(found, LABELS, None)  # type: ignore[arg-type]
    for text in (to_csv(table), to_markdown(table), *told(found, LABELS).sentences):
        assert "nan" not in text.lower().replace("nnu-net", "").split()
        assert "NaN" not in text
        assert "nan," not in text


def test_the_report_says_both_numbers_and_the_optimism() -> None:
    first, *_, last = told(estimates().reset_index(), LABELS).sentences
    assert first == (
        "nnU-Net, mean Dice of the patients with residual tumour: 55.0 % if the threshold is chosen on all folds (A), "
        "40.0 % if the threshold is chosen without the fold that is judged: an optimism of +15.0 points."
    )
    assert last == "The hold-out took part in none of these choices."


# From probability maps


def maps(folder: Path, tumours: dict[str, float]) -> tuple[list[str], dict[str, str]]:
    """Maps of patients, in a folder per fold, and references; the best threshold falls with the factor of a patient."""
    grid, references, manifests = Grid((4, 4, 4), np.diag([5.0, 5.0, 4.0, 1.0])), {}, []
    for fold in sorted({patient[1] for patient in tumours}):
        manifests.append(f"{folder}/fold{fold}/manifest.json")
        with stage(manifests[-1]) as part:
            for patient, factor in tumours.items():
                if patient[1] == fold:
                    ramp = np.linspace(0, 1, 64, dtype=np.float32).reshape(4, 4, 4)
                    save(Image(factor * ramp, grid), part / f"{patient}.nii.gz")
                    references[patient] = f"{folder}/{patient}_residual.nii.gz"
                    save(Image(ramp > 0.5, grid), references[patient])
    return manifests, references


def test_the_candidates_of_every_patient_are_those_of_which_the_threshold_was_chosen(tmp_path: Path) -> None:
    manifests, references = maps(tmp_path, {"F0a": 1.0, "F0b": 0.9, "F1a": 0.6, "F1b": 0.5})
    steps = Postprocessing(thresholds=(0.2, 0.3, 0.4), min_component_voxels=0, connectivity=26)
    patients = {0: ["F0a", "F0b"], 1: ["F1a", "F1b"]}
    record, rows = threshold_record(manifests, references, patients, steps, RULE)
    assert rows[["patient", "threshold"]].values.tolist() == [
        [patient, threshold] for members in patients.values() for patient in members for threshold in steps.thresholds
    ]
    for candidate in record["candidates"]:
        own = rows[rows["threshold"] == candidate["threshold"]]
        assert own["dice"].mean() == pytest.approx(candidate["mean_dice_of_detected"])
    nested = {int(fold): threshold for fold, threshold in record["nested"].items()}
    assert nested[0] < nested[1]
    models = {("nnunet", "A"): Candidates(rows, record["threshold"], nested)}
    (row,) = nested_estimates(models, {"segmentation": {"nnunet": "A"}}, RULE).to_dict("records")
    # Every patient is detected, so that the record's own nested score has the same Dice.
    assert row["nested"] == pytest.approx(100 * record["nested_performance"]["mean_dice_of_detected"])
    assert row["optimism"] > 0


# The hold-out


POISONS = {
    "perfect": lambda rows: rows.assign(dice=1.0, predicted_ml=rows["reference_ml"]),
    "wrong": lambda rows: rows.assign(dice=0.0, predicted_ml=5.0 - rows["reference_ml"]),
    "one input perfect": lambda rows: rows.assign(dice=(rows["inputs"] == "C").astype(float)),
    "other references": lambda rows: rows.assign(reference_ml=3.0 - rows["reference_ml"]),
    "absent": lambda rows: rows.iloc[:0],
}


@pytest.mark.parametrize("poison", POISONS)
@pytest.mark.parametrize("experiment", ["segmentation", "classification", "raters"])
def test_a_poisoned_hold_out_changes_no_choice_of_inputs(poison: str, experiment: str) -> None:
    rng = np.random.default_rng(11)
    names = pd.MultiIndex.from_product(
        [["nnunet", "agunet"], ["A", "B", "C"], list(range(40))], names=["arch", "inputs", "number"]
    )
    clean = names.to_frame(index=False)
    clean["split"] = np.where(clean["number"] < 12, "test", "validation")
    clean["fold"] = (clean["number"] % 4).where(clean["split"] == "validation").astype("Int64")
    clean["patient"] = "P" + clean["number"].astype(str)
    clean["reference_ml"] = np.where(clean["number"] % 3 > 0, 2.0, 0.0)
    clean["predicted_ml"] = np.where(rng.random(len(clean)) < 0.8, clean["reference_ml"], 2.0 - clean["reference_ml"])
    clean["dice"] = rng.random(len(clean))
    choice = {"nnunet": OUT_OF_FOLD, "agunet": OUT_OF_FOLD}
    chosen = best_inputs(clean, choice, experiment, RULE)
    held = clean["split"] == "test"
    poisoned = pd.concat([POISONS[poison](clean[held]), clean[~held]], ignore_index=True)
    assert best_inputs(poisoned, choice, experiment, RULE) == chosen
    # The same poison in the validation patients does reach it, so that the test can fail.
    if poison == "one input perfect" and experiment != "classification":
        swapped = pd.concat([clean[held], POISONS[poison](clean[~held])], ignore_index=True)
        assert set(best_inputs(swapped, choice, experiment, RULE).values()) == {"C"}


@pytest.mark.parametrize("factor", [0.3, 1.5])
def test_a_poisoned_hold_out_changes_no_threshold(tmp_path: Path, factor: float) -> None:
    tumours = {"F0a": 1.0, "F0b": 0.9, "F1a": 0.6, "F1b": 0.5}
    steps = Postprocessing(thresholds=(0.2, 0.3, 0.4, 0.5), min_component_voxels=0, connectivity=26)
    patients = {0: ["F0a", "F0b"], 1: ["F1a", "F1b"]}
    manifests, references = maps(tmp_path / "clean", tumours)
    clean = threshold_record(manifests, references, patients, steps, RULE)
    # Even where the hold-out's maps lie beside those of the folds.
    manifests, references = maps(tmp_path / "poisoned", {**tumours, **{f"F2{n}": factor for n in "abcdef"}})
    poisoned = threshold_record(manifests, references, patients, steps, RULE)
    assert poisoned[0] == clean[0]
    pd.testing.assert_frame_equal(poisoned[1], clean[1])
