"""External validation: who chooses and who is measured, the numbers, and what tables and command say of them."""

from __future__ import annotations

import copy
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from bundles import record_of, settings_of, write_micro_bundle
from cohort_tables import row, write_images
from residua.cli import app
from residua.cohort.checks.results import invalid_patients
from residua.cohort.commands.standing import problems_of
from residua.errors import ResiduaError
from residua.images.volumes import Grid, Image, save
from residua.inference.bundles import Bundle, shared_study
from residua.inference.folder import prepare_folder
from residua.inference.new_patients import load_new_patients
from residua.inference.predict import check_patients, open_checked
from residua.inference.request import NewPatient
from residua.problems.severity import problem_of
from residua.publishing.publish import stage, write_json
from residua.segmentation.threshold_record import threshold_record
from residua.settings.application import Recalibration, Validation, load_application
from residua.settings.classification import Classification
from residua.settings.postprocessing import Postprocessing
from residua.settings.statistics import BestInputs, Statistics
from residua.statistics.bca import bca_interval, paired_interval
from residua.statistics.cases import RATES, outcomes_of
from residua.statistics.interval import Interval
from residua.statistics.scores import difference
from residua.tables.validation import calibration, external, hospitals, recalibration, reliability
from residua.validation.calibration import judge_calibrations
from residua.validation.command import in_words
from residua.validation.draw import draw
from residua.validation.recalibration import score_thresholds
from residua.validation.scores import score_bundles
from residua.validation.summary import Measurements, validation_record
from residua.wiring import patients, publication, validation
from residua.wiring.application import LoadedApplication

CUT = Classification(residual_tumor_ml=0.175, min_overlap_dice=0)
STATISTICS = Statistics(
    alpha=0.05,
    bootstrap_resamples=500,
    interval_sd_multiplier=1.96,
    seed=3,
    best_inputs=BestInputs(segmentation={}, classification={}, raters={}),
)
HOSPITALS = {f"{hospital}{number}": hospital for hospital in ("LON", "OSL", "PAR") for number in range(4)}


# Who is drawn.


PERSONS = {patient: patient for patient in HOSPITALS}


@pytest.mark.parametrize("units", [PERSONS, HOSPITALS])
def test_the_draw_follows_from_seed_and_names_alone(units: dict[str, str]) -> None:
    backwards = dict(reversed(units.items()))
    drawn = {seed: draw(units, Recalibration(seed=seed)) for seed in range(20)}
    assert drawn == {seed: draw(backwards, Recalibration(seed=seed)) for seed in range(20)}
    assert len(set(drawn.values())) > 1


@pytest.mark.parametrize(("share", "number"), [(0.01, 1), (0.25, 3), (0.5, 6), (0.99, 11)])
def test_a_share_of_the_patients_is_drawn_and_at_least_one_on_either_side(share: float, number: int) -> None:
    assert len(draw(PERSONS, Recalibration(share=share))) == number


@pytest.mark.parametrize(("share", "number"), [(0.01, 1), (0.5, 2), (0.99, 2)])
def test_a_hospital_is_drawn_as_a_whole(share: float, number: int) -> None:
    drawn = draw(HOSPITALS, Recalibration(share=share, unit="hospital"))
    chosen = {HOSPITALS[patient] for patient in drawn}
    assert drawn == {patient for patient, hospital in HOSPITALS.items() if hospital in chosen}
    assert len(chosen) == number


@pytest.mark.parametrize(("hospitals", "unit"), [({"P1": "A", "P2": "A"}, "hospital"), ({"P1": "P1"}, "person")])
def test_one_unit_cannot_be_divided(hospitals: dict[str, str], unit: Any) -> None:
    with pytest.raises(ResiduaError, match=rf"draws by {unit}, which needs two .* \(found 1\): .*set it to null"):
        draw(hospitals, Recalibration(unit=unit))


# What is planned.


def bundle(inputs: str, channels: tuple[str, ...], score: float = 0.5, **changes: Any) -> Bundle:
    study = copy.deepcopy(settings_of("nnunet")) | {"inputs": {inputs: list(channels)}}
    study["statistics"]["best_inputs"] = {name: {"nnunet": inputs} for name in study["statistics"]["best_inputs"]}
    study |= {"brain_mask": {"method": "template"}, **changes.pop("study", {})}
    record = record_of(
        "nnunet",
        inputs=inputs,
        study=study,
        channels=[{"name": name, "is_label": False} for name in channels],
        threshold={"threshold": 0.5, "candidates": [{"threshold": 0.5, "score": score}]},
        **changes,
    )
    return Bundle(f"{inputs}.zip", record)


DEFAULT = Validation()
BUNDLES = (bundle("A", ("post_t1ce",), 0.3), bundle("B", ("post_t1ce", "post_t1"), 0.9))
TABLE = (
    "patient hospital role exclusion_reason post_t1ce post_t1 residual\nP1 OSL   a.nii b.nii r1.nii\n"
    "P2 OSL   a.nii n/a r2.nii\nP3 PAR   a.nii b.nii n/a\nP4 PAR exclude moved a.nii b.nii r4.nii\n"
    "P5 PAR   a.nii b.nii r5.nii\nP6 PAR   a.nii b.nii r6.nii\nP7 LON   n/a b.nii r7.nii\n"
)


def loaded(
    folder: Path,
    table: str = TABLE,
    bundles: tuple[Bundle, ...] = BUNDLES,
    asked: Validation | None = DEFAULT,
    **known: str,
) -> LoadedApplication:
    file = folder / "new.tsv"
    file.write_text(table.replace(" ", "\t"))
    study = shared_study(bundles, str(file))
    new = load_new_patients(study, bundles, known, judged=asked is not None)
    return LoadedApplication(study, new.cohort, bundles=bundles, choices=new.choices, validation=asked)


def test_every_bundle_is_measured_on_all_whom_it_fits_and_who_have_a_reference_standard(tmp_path: Path) -> None:
    external = loaded(tmp_path, P6="image-constant")
    assert external.held_out("nnunet", "A") == ["P1", "P2", "P3", "P5"]
    assert external.held_out("nnunet", "B") == ["P1", "P3", "P5"]
    measured = {inputs: patients.measured(external, "nnunet", inputs) for inputs in "AB"}
    assert [case["patient"] for case in measured["A"]] == ["P1", "P2", "P5"]
    assert measured["B"] == [
        {"patient": "P1", "hospital": "OSL", "fold": None},
        {"patient": "P5", "hospital": "PAR", "fold": None},
    ]
    assert validation.unlabelled(external) == ["P3"]
    assert external.judged == [("nnunet", "A"), ("nnunet", "B")]
    assert external.choice_of("P2") == ("nnunet", "A")
    # No model reads it, and no page of a patient tells of it.
    assert list(external.plan()[0]["given"]) == ["post_t1ce", "post_t1"]


def test_reference_standards_are_read_only_where_they_are_asked_for(tmp_path: Path) -> None:
    asked, plain = loaded(tmp_path), loaded(tmp_path, asked=None)
    assert "residual" in asked.cohort.patients["P1"].files
    assert all("residual" not in plain.cohort.patients[patient].files for patient in plain.split.holdout)
    assert plain.held_out("nnunet", "A") == ["P2"]
    assert plain.judged == []
    assert publication.supplement(plain) == {}


@pytest.mark.parametrize("unit", ["person", "hospital"])
def test_whoever_chooses_the_threshold_is_not_measured_by_it(tmp_path: Path, unit: Any) -> None:
    external = loaded(tmp_path, asked=Validation(recalibrate=Recalibration(unit=unit)))
    for model in external.judged:
        everyone = {case["patient"] for case in patients.measured(external, *model)}
        drawn = set(validation.drawn_of(external, *model))
        rest = {case["patient"] for case in validation.rest_of(external, *model)}
        assert drawn | rest == everyone
        assert drawn & rest == set()
    assert validation.recalibrated(external) == external.judged
    assert "recalibration" in validation.tables(external)


def test_all_rows_of_a_person_are_on_one_side(tmp_path: Path) -> None:
    rows = [f"P{n} OSL X{n // 2} a.nii r{n}.nii" for n in range(8)]
    table = "\n".join(["patient hospital person post_t1ce residual", *rows, ""])
    for seed in range(10):
        asked = Validation(recalibrate=Recalibration(seed=seed))
        drawn = validation.drawn(loaded(tmp_path, table, BUNDLES[:1], asked))
        assert len(drawn) == 4
        assert all((f"P{n}" in drawn) == (f"P{n + 1}" in drawn) for n in range(0, 8, 2))


def test_a_person_with_scans_in_two_hospitals_does_not_judge_the_threshold_that_another_scan_chose(
    tmp_path: Path,
) -> None:
    table = "patient hospital person post_t1ce residual\n"
    table += "P1 OSL  a.nii r1.nii\nP2 OSL  a.nii r2.nii\nP1b PAR P1 a.nii r3.nii\nP3 PAR  a.nii r4.nii\n"
    rests = set()
    for seed in range(6):
        asked = Validation(recalibrate=Recalibration(unit="hospital", seed=seed))
        external = loaded(tmp_path, table, BUNDLES[:1], asked)
        drawn = set(validation.drawn_of(external, "nnunet", "A"))
        (rest,) = [case["patient"] for case in validation.rest_of(external, "nnunet", "A")]
        assert drawn | {rest} in ({"P1", "P2", "P3"}, {"P1b", "P3", "P2"})
        assert "Recalibration: 1 patient(s) are not measured" in validation.notes(external)[-1]
        rests.add(rest)
    assert rests == {"P2", "P3"}


def test_measurements_name_the_person_where_one_has_several_scans(tmp_path: Path) -> None:
    table = "patient hospital person post_t1ce residual\nP1 OSL  a.nii r1.nii\nP2 OSL P1 a.nii r2.nii\n"
    table += "P3 PAR  a.nii r3.nii\n"
    external = loaded(tmp_path, table, BUNDLES[:1])
    assert [case["person"] for case in patients.measured(external, "nnunet", "A")] == ["P1", "P1", "P3"]
    assert str(publication.table_notes(external)[1]).startswith("3 scans of 2 persons: n counts scans")


def test_without_a_recalibration_nobody_chooses(tmp_path: Path) -> None:
    external = loaded(tmp_path, asked=Validation(recalibrate=None))
    assert validation.drawn(external) == frozenset()
    assert validation.recalibrated(external) == []
    assert "recalibration" not in validation.tables(external)


def test_a_model_that_was_trained_to_do_without_is_measured_with_zeros_and_a_note(tmp_path: Path) -> None:
    able = bundle("B", ("post_t1ce", "post_t1"), study={"channel_dropout": {"B": 0.5}})
    external = loaded(tmp_path, bundles=(BUNDLES[0], able))
    assert external.held_out("nnunet", "B") == ["P1", "P2", "P3", "P5", "P6"]
    assert external.lacking_of("nnunet", "B") == {"P2": ["post_t1"]}
    assert "nnU-Net B: 1 patient(s) lack a channel" in " ".join(validation.notes(external))


def test_a_hospital_of_the_bundles_own_study_is_named(tmp_path: Path) -> None:
    groups = [{"part": "out_of_fold", "hospital": "PAR", "patients": 9, "residual_tumour": 4}]
    external = loaded(tmp_path, bundles=(bundle("A", ("post_t1ce",), population=groups),))
    assert "Hospitals PAR bear names of hospitals of a bundle's own study" in validation.notes(external)[-1]
    assert len(validation.notes(loaded(tmp_path))) == 1


def test_a_table_without_a_usable_reference_standard_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ResiduaError, match=r"new\.tsv: no patient whom the bundles can predict has a reference"):
        validation.require_measurable(loaded(tmp_path, "patient post_t1ce residual\nP1 a.nii n/a\nP2 n/a r.nii\n"))
    broken = loaded(tmp_path, "patient post_t1ce residual\nP1 a.nii r.nii\n", P1="file-missing")
    problem = problem_of("file-missing", "the file does not exist", "correct the path", "P1", "residual", 2)
    with pytest.raises(ResiduaError, match=r"(?s)Patients who cannot be used:.*P1.*residual.*does not exist: correct"):
        validation.require_measurable(replace(broken, problems=(problem,)))
    with pytest.raises(ResiduaError, match=r"needs two with reference standards \(found 1\)"):
        validation.require_measurable(loaded(tmp_path, "patient post_t1ce residual\nP1 a.nii r.nii\nP2 b.nii n/a\n"))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"recalibrate": {"share": 0}}, "validation.recalibrate.share: "),
        ({"recalibrate": {"share": 1}}, "validation.recalibrate.share: "),
        ({"recalibrate": {"unit": "patient"}}, "validation.recalibrate.unit: "),
        ({"recalibrate": {"seed": -1}}, "validation.recalibrate.seed: "),
        ({"threshold": 0.5}, "validation.threshold: "),
    ],
)
def test_the_configuration_of_a_validation_is_read_strictly(asked: Any, said: str) -> None:
    with pytest.raises(ResiduaError, match=said):
        load_application({"bundles": ["a.zip"], "cohort": "new.tsv", "validation": asked})


def test_reference_standards_are_checked_as_those_of_a_study(tmp_path: Path) -> None:
    names = ("P1", "P2", "P3")
    records = [row(name, "AMS") for name in names]
    write_images(tmp_path, records)
    files = {r["patient"]: {c: tmp_path / f for c, f in r.items() if f.startswith("images/")} for r in records}
    for own in files.values():
        own["brain_mask"] = own["residual"].with_name(f"brain_{own['residual'].name}")
        shutil.copy(own["residual"], own["brain_mask"])
    label = nib.load(files["P2"]["residual"])
    nib.save(label.slicer[1:], tmp_path / "shifted.nii.gz")
    files["P2"]["residual"] = tmp_path / "shifted.nii.gz"
    nib.save(nib.Nifti1Image(np.asarray(label.dataobj) + np.uint8(1), label.affine), tmp_path / "levels.nii.gz")
    files["P3"]["residual"] = tmp_path / "levels.nii.gz"
    write_micro_bundle(tmp_path / "b.zip")
    study, bundles = open_checked([tmp_path / "b.zip"])
    wanted = ("post_t1ce", "post_t1", "brain_mask", "residual")
    new = [NewPatient(name, {c: own[c] for c in wanted}) for name, own in files.items()]
    refused = {}
    for asked in (None, DEFAULT):
        out = tmp_path / f"out_{asked is not None}"
        prepare_folder(out, [tmp_path / "b.zip"], new, study, "refuse", asked)
        written = study.model_copy(update={"cohort": str(out / "cohort.tsv")})
        check_patients(written, bundles, out, 1, lambda done, total: None, judged=asked is not None)
        everyone = load_new_patients(written, bundles, judged=asked is not None).cohort.patients.values()
        refused[asked] = invalid_patients(problems_of(written, everyone, str(out / "results/cohort"), "1"))
        config = yaml.safe_load((out / "config.yaml").read_text())
        assert load_application(config).validation == asked
    assert refused[None] == {}
    assert refused[DEFAULT] == {"P2": "label-off-grid", "P3": "label-not-binary"}


# What the threshold sees.


def maps(folder: Path, scale: dict[str, float]) -> tuple[str, dict[str, str]]:
    """Probability maps and references of patients; the best threshold falls with the scale of a patient."""
    grid, references = Grid((4, 4, 4), np.diag([5.0, 5.0, 4.0, 1.0])), {}
    with stage(f"{folder}/maps/manifest.json") as part:
        for patient, factor in scale.items():
            ramp = np.linspace(0, 1, 64, dtype=np.float32).reshape(4, 4, 4)
            save(Image(factor * ramp, grid), part / f"{patient}.nii.gz")
            references[patient] = f"{folder}/{patient}_residual.nii.gz"
            save(Image(ramp > 0.5, grid), references[patient])
    return f"{folder}/maps/manifest.json", references


def chosen(folder: Path, external: LoadedApplication, scale: dict[str, float]) -> dict[str, Any]:
    manifest, references = maps(folder, scale)
    steps = Postprocessing.model_validate(validation.postprocessing_of_bundle(external, "nnunet", "A"))
    drawn = {0: validation.drawn_of(external, "nnunet", "A")}
    record, _ = threshold_record([manifest], references, drawn, steps, CUT, leave_failed_out=True)
    return record


def test_poison_in_the_rest_never_reaches_the_threshold_that_is_chosen_anew(tmp_path: Path) -> None:
    steps = {"thresholds": [0.1, 0.2, 0.3, 0.4, 0.5], "min_component_voxels": 0, "connectivity": 26}
    external = loaded(tmp_path, bundles=(bundle("A", ("post_t1ce",), study={"postprocessing": steps}),))
    drawn = set(validation.drawn_of(external, "nnunet", "A"))
    rest = {case["patient"] for case in validation.rest_of(external, "nnunet", "A")}
    clean = chosen(tmp_path / "clean", external, dict.fromkeys((*drawn, *rest), 0.8))
    assert clean["threshold"] == 0.4
    poisoned = chosen(tmp_path / "rest", external, dict.fromkeys(drawn, 0.8) | dict.fromkeys(rest, 0.2))
    assert poisoned == clean
    # The same poison in the drawn part does reach it.
    moved = chosen(tmp_path / "drawn", external, dict.fromkeys(drawn, 0.2) | dict.fromkeys(rest, 0.8))
    assert moved["threshold"] == 0.1
    # A drawn patient whose preparation failed has no map, and leaves the others alone.
    failed = {patient: 0.8 for patient in (*drawn, *rest) if patient != min(drawn)}
    assert chosen(tmp_path / "failed", external, failed | dict.fromkeys(rest, 0.2))["threshold"] == 0.4
    with pytest.raises(
        ResiduaError, match=r"none of the patients who were drawn .* \(P\d, P\d\); see results/patients"
    ):
        chosen(tmp_path / "none", external, dict.fromkeys(rest, 0.8))


# The numbers.


def cases_of(model: tuple[str, str], rows: list[tuple[str, float, float, float]]) -> pd.DataFrame:
    """Measurements: hospital, reference and predicted volume (ml), Dice."""
    frame = pd.DataFrame(rows, columns=["hospital", "reference_ml", "predicted_ml", "dice"])
    named = {"arch": model[0], "inputs": model[1], "split": "test", "patient": [f"P{n}" for n in range(len(rows))]}
    return frame.assign(**named, fold=pd.array([None] * len(rows), dtype="Int64"))


ROWS = [
    *[("OSL", 2.0, 1.5, 0.8), ("OSL", 3.0, 0.0, 0.0), ("OSL", 1.0, 2.0, 0.6), ("OSL", 0.0, 0.0, 1.0)],
    *[("OSL", 0.0, 0.9, 0.0), ("OSL", 0.1, 0.0, 0.0), ("PAR", 4.0, 3.0, 0.7), ("PAR", 5.0, 4.0, 0.9)],
]
SCORES = [
    {"measure": "dice", "estimate": 0.9, "low": 0.85, "high": 0.95},
    {"measure": "sensitivity", "estimate": 95.0, "low": 90.0, "high": 99.0},
    {"measure": "specificity", "estimate": 80.0, "low": None, "high": None},
]


def stated(alpha: float = 0.05, **changes: Any) -> list[dict[str, Any]]:
    scores = [{"part": "holdout", "hospital": None, "patients": 40, "note": "", **score} for score in SCORES]
    own = {"scores": scores, "alpha": alpha, "calibration": None, "calibration_note": "one fold only"}
    return [{"arch": "nnunet", "inputs": "A", **own, **changes}]


def test_scores_stand_beside_those_of_the_bundle_in_percent() -> None:
    cases = cases_of(("nnunet", "A"), ROWS)
    frame = score_bundles(cases, stated(), CUT, STATISTICS).set_index(["part", "measure"])
    whole = frame[frame["hospital"].isna()]
    assert whole.loc[("external", "dice"), "estimate"] == pytest.approx(100 * np.mean([0.8, 0, 0.6, 0.7, 0.9]))
    for rate in RATES:
        own = bca_interval(outcomes_of(cases, CUT), rate, 0.05, 500, 3)
        row = whole.loc[("external", rate)]
        assert (row["estimate"], row["low"], row["high"], row["n"]) == (own.estimate, own.low, own.high, own.n)
    assert whole.loc[("holdout", "dice"), ["estimate", "low", "high", "n"]].tolist() == [90.0, 85.0, 95.0, 40]
    drop = whole.loc[("change from holdout", "sensitivity")]
    external, known = whole.loc[("external", "sensitivity")], whole.loc[("holdout", "sensitivity")]
    assert (external["estimate"], drop["estimate"]) == (80.0, -15.0)
    assert drop["low"] == pytest.approx(-15 - np.hypot(80 - external["low"], 99 - 95))
    assert drop["high"] == pytest.approx(-15 + np.hypot(external["high"] - 80, 95 - 90))
    assert known["estimate"] == 95.0
    assert whole.loc[("change from holdout", "specificity"), "note"] == "no interval: one of the two has none"
    assert whole.loc[("out_of_fold", "dice"), "note"] == "the bundle does not state it"


def test_no_interval_of_another_level_stands_under_that_of_the_study() -> None:
    frame = score_bundles(cases_of(("nnunet", "A"), ROWS), stated(alpha=0.1), CUT, STATISTICS)
    known = frame[frame["part"] == "holdout"].set_index("measure")
    assert known.loc["dice", "estimate"] == 90.0
    assert known["low"].isna().all()
    printed = external(frame, {}, STATISTICS).frame.set_index("Measure").loc["DSC-P (%)"]
    assert (printed["Hold-out"].text, printed["Change from hold-out"]) == ("90.00", "-30.00")
    assert "hold-out, change from hold-out: no interval: those of the bundle have another level" in printed["Note"]
    changes = frame[frame["part"] == "change from holdout"].set_index("measure")
    assert changes.loc["dice", "estimate"] == pytest.approx(60.0 - 90.0)
    assert changes["low"].isna().all()
    assert changes.loc["dice", "note"] == "no interval: those of the bundle have another level"
    assert changes.loc["specificity", "note"] == "no interval: one of the two has none"


def test_a_hospital_of_one_class_or_one_patient_says_so_instead_of_a_number() -> None:
    rows = [*ROWS, ("LON", 2.0, 2.0, 0.9), ("LON", 0.0, 0.0, 1.0)]
    frame = score_bundles(cases_of(("nnunet", "A"), rows), stated(), CUT, STATISTICS)
    table = hospitals(frame, {"nnunet": "nnU-Net"}, STATISTICS).frame.set_index("Hospital")
    assert list(table.index) == ["LON", "OSL", "PAR", "all"]
    assert table[["Patients", "RT"]].values.tolist() == [[2, 1], [6, 3], [2, 2], [10, 6]]
    assert [table.loc["LON", name].text for name in ("DSC-P (%)", "Sensitivity (%)", "bAcc (%)")] == ["n/a"] * 3
    assert "one patient only with residual tumour" in table.loc["LON", "Note"]
    assert table.loc["PAR", "Specificity (%)"].text == "n/a"
    assert "no patient with gross total resection in the reference" in table.loc["PAR", "Note"]
    assert table.loc["PAR", "DSC-P (%)"].text.startswith("80.00 [")
    assert table.loc["OSL", "Specificity (%)"].text.startswith("66.67 [")


def test_the_table_beside_the_bundle_prints_estimate_interval_and_drop() -> None:
    frame = score_bundles(cases_of(("nnunet", "A"), ROWS), stated(), CUT, STATISTICS)
    table = external(frame, {"nnunet": "nnU-Net"}, STATISTICS)
    row = table.frame.set_index("Measure").loc["DSC-P (%)"]
    assert str(row["Hold-out"]) == "90.00 [85.00, 95.00] (n=40)"
    assert row["External"].text.startswith("60.00 [")
    assert row["Change from hold-out"].startswith("-30.00 [")
    assert (row["Out of fold"].text, row["Change from out of fold"]) == ("n/a", "n/a")
    assert "out of fold: the bundle does not state it" in row["Note"]


@pytest.mark.parametrize("rate", RATES)
def test_a_paired_interval_is_narrower_than_that_of_two_independent_sets_and_holds_its_estimate(rate: str) -> None:
    generator = np.random.default_rng(1)
    reference = np.arange(80) % 2 == 0
    right = generator.random(80) < 0.7
    better = right | (generator.random(80) < 0.5)
    words = [np.where(reference, np.where(r, "TP", "FN"), np.where(r, "TN", "FP")) for r in (right, better)]
    found = paired_interval(words[0], words[1], rate, 0.05, 2000, 0)
    alone = [bca_interval(each, rate, 0.05, 2000, 0) for each in words]
    assert found.estimate == pytest.approx(alone[1].estimate - alone[0].estimate)  # type: ignore[operator]
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.estimate < found.high  # type: ignore[operator]
    unpaired = difference(alone[1], alone[0])
    assert found.high - found.low < 0.75 * (unpaired.high - unpaired.low)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("before", "after", "rate", "note"),
    [
        (["TP", "FN"], ["TP", "FN"], "sensitivity", "no interval: it changes alike for all patients of each class"),
        (["FN", "FN"], ["TP", "TP"], "sensitivity", "no interval: it changes alike for all patients of each class"),
        (["TP", "FN"], ["TP", "TP"], "specificity", "not estimable: no patient with gross total resection"),
        (["TP", "TN"], ["FN", "TN"], "sensitivity", "no interval: one patient only with residual tumour"),
    ],
)
def test_a_paired_interval_that_cannot_be_says_why(before: Any, after: Any, rate: str, note: str) -> None:
    assert paired_interval(np.array(before), np.array(after), rate, 0.05, 100, 0).note == note


def persons(each: int) -> pd.DataFrame:
    """Forty persons with as many scans each, all alike."""
    rng = np.random.default_rng(4)
    reference = np.where(rng.random(40) < 0.6, 2.0, 0.0)
    predicted = np.where(rng.random(40) < 0.8, reference, 2.0 - reference)
    rows = [("OSL", r, p, d) for r, p, d in zip(reference, predicted, rng.random(40), strict=True)] * each
    return cases_of(("nnunet", "A"), rows).assign(person=[f"X{n}" for n in range(40)] * each)


def candidates_of(folder: Path, *patients: str) -> str:
    """The file of candidates of a threshold that these patients chose."""
    at = pd.DataFrame({"patient": patients}).merge(pd.DataFrame({"threshold": [0.3, 0.5]}), how="cross")
    at.to_parquet(folder / "candidates.parquet")
    return f"{folder}/candidates.parquet"


def of_thresholds(folder: Path, before: pd.DataFrame) -> pd.DataFrame:
    better = before["predicted_ml"].where(before["person"] > "X2", before["reference_ml"])
    after = before.assign(predicted_ml=better, dice=before["dice"] ** 2)
    for name, frame, threshold in (("old", before, 0.5), ("new", after, 0.3)):
        frame.to_parquet(folder / f"{name}.parquet")
        write_json(folder / f"{name}.json", {"threshold": threshold, "caution": ""})
    files = {kind: [f"{folder}/{n}.{end}" for n in ("old", "new")] for kind, end in
             (("thresholds", "json"), ("metrics", "parquet"))}  # fmt: skip
    candidates = candidates_of(folder, "P0")
    return score_thresholds([{"arch": "nnunet", "inputs": "A", "candidates": candidates, **files}], CUT, STATISTICS)


def of_probabilities(cases: pd.DataFrame) -> pd.DataFrame:
    known = {"scale_ml": 1.0, "intercept": -1.0, "slope": 2.0, "brier": {"value": 0.1, "low": 0.05, "high": 0.2}}
    known |= {"brier_of_prevalence": 0.25, "expected_calibration_error": {"value": 0.03, "low": None, "high": None}}
    scores, _ = judge_calibrations(cases, stated(calibration=known), CUT, STATISTICS)
    return scores[scores["measure"].isin(["brier", "in_the_large"])]


@pytest.mark.parametrize("judged", ["thresholds", "probabilities"])
def test_further_scans_of_a_person_that_tell_nothing_new_make_no_interval_narrower(tmp_path: Path, judged: str) -> None:
    of = of_probabilities if judged == "probabilities" else lambda cases: of_thresholds(tmp_path, cases)
    once, thrice = of(persons(1)).reset_index(), of(persons(3)).reset_index()
    # Whoever has a name of their own counts as another person.
    alone = persons(3).assign(person=lambda cases: cases["person"] + "_" + cases["patient"])
    blind = of(alone).reset_index()
    assert thrice["estimate"].tolist() == pytest.approx(once["estimate"].tolist())
    widths = [(frame["high"] - frame["low"]).to_numpy(float) for frame in (once, thrice, blind)]
    known = ~np.isnan(widths[0])
    assert known.sum() >= 2
    assert widths[1][known] == pytest.approx(widths[0][known], rel=0.1)
    assert (widths[2][known] < 0.75 * widths[0][known]).all()


def test_an_interval_of_scans_of_one_person_says_so() -> None:
    words, whose = np.array(["TP", "FN", "TN", "FP"]), np.array(["X", "X", "Y", "Z"])
    assert bca_interval(words, "sensitivity", 0.05, 100, 0, whose).note == (
        "no interval: one person only with residual tumour"
    )
    found = paired_interval(words, words[[1, 1, 2, 2]], "balanced_accuracy", 0.05, 100, 0, whose)
    assert found.note == "no interval: one person only with residual tumour"
    cases = cases_of(("nnunet", "A"), [("OSL", 2.0, 2.0, 0.9), ("OSL", 2.0, 0.0, 0.1), *ROWS[3:6]])
    frame = score_bundles(cases.assign(person=["X", "X", "Y", "Z", "W"]), stated(), CUT, STATISTICS)
    table = hospitals(frame, {"nnunet": "nnU-Net"}, STATISTICS).frame.set_index("Hospital")
    assert [table.loc["all", name].text for name in ("DSC-P (%)", "Sensitivity (%)", "bAcc (%)")] == ["n/a"] * 3


def test_an_interval_of_a_change_needs_two() -> None:
    none = Interval(None, None, None, 0, 5, "")
    assert difference(none, Interval(80, 70, 90, 10, 0)).estimate is None
    assert difference(Interval(80, 70, 90, 10, 0), Interval(85, None, None, 9, 0)).low is None


def test_both_thresholds_are_measured_on_the_rest_and_their_difference_is_paired(tmp_path: Path) -> None:
    before = cases_of(("nnunet", "A"), ROWS)
    # P0 chose the threshold; the order of the others differs.
    after = before.assign(dice=before["dice"] + 0.05, predicted_ml=before["predicted_ml"] + 0.2).iloc[:0:-1]
    for name, frame in (("before", before), ("after", after)):
        frame.to_parquet(tmp_path / f"{name}.parquet")
    for name, threshold in (("old", 0.5), ("new", 0.3)):
        write_json(tmp_path / f"{name}.json", {"threshold": threshold, "caution": "look" if name == "new" else ""})
    model = {"arch": "nnunet", "inputs": "A", "candidates": candidates_of(tmp_path, "P0", "P9")}
    files = {
        "thresholds": [f"{tmp_path}/old.json", f"{tmp_path}/new.json"],
        "metrics": [f"{tmp_path}/before.parquet", f"{tmp_path}/after.parquet"],
    }
    frame = score_thresholds([{**model, **files}], CUT, STATISTICS)
    found = frame.set_index(["measure", "which"])
    assert set(found["threshold_1"]) == {0.5}
    assert set(found["threshold_2"]) == {0.3}
    rest = [0.0, 0.6, 0.7, 0.9]
    assert found.loc[("dice", "bundle"), "estimate"] == pytest.approx(100 * np.mean(rest))
    assert found.loc[("dice", "difference"), "estimate"] == pytest.approx(5.0)
    # Everybody is found now, and every specificity is lost.
    estimates = {which: found.loc[("sensitivity", which), "estimate"] for which in ("bundle", "recalibrated")}
    assert estimates == {"bundle": 75.0, "recalibrated": 100.0}
    gain = found.loc[("specificity", "difference")]
    assert gain["estimate"] == pytest.approx(-200 / 3)
    assert gain["low"] <= gain["estimate"] <= gain["high"]
    table = recalibration(frame, {"nnunet": "nnU-Net"}, STATISTICS)
    row = table.frame.set_index("Measure").loc["Sensitivity (%)"]
    assert (row["Threshold"], str(row["Chosen anew"])) == ("0.5", "0.3 (n=2)")
    assert row["Gain"].text.startswith("25.00 [")
    assert table.notes == ("nnU-Net A: look",)


def test_the_probability_of_a_bundle_is_judged_by_its_own_curve() -> None:
    known = {"scale_ml": 1.0, "intercept": -1.0, "slope": 2.0, "brier": {"value": 0.1, "low": 0.05, "high": 0.2}}
    known |= {"brier_of_prevalence": 0.25, "expected_calibration_error": {"value": 0.03, "low": None, "high": None}}
    cases = cases_of(("nnunet", "A"), ROWS)
    scores, bins = judge_calibrations(cases, stated(calibration=known), CUT, STATISTICS)
    told = 1 / (1 + np.exp(-(-1 + 2 * np.log1p(cases["predicted_ml"]))))
    seen = (cases["reference_ml"] >= 0.175).astype(float)
    found = scores.set_index("measure")
    assert found.loc["brier", "estimate"] == pytest.approx(np.mean((told - seen) ** 2))
    assert found.loc["brier", "low"] < found.loc["brier", "estimate"] < found.loc["brier", "high"]
    assert found.loc["brier", ["stated", "stated_low", "stated_high"]].tolist() == [0.1, 0.05, 0.2]
    assert found.loc["brier_of_prevalence", "estimate"] == pytest.approx(seen.mean() * (1 - seen.mean()))
    assert found.loc["in_the_large", "estimate"] == pytest.approx(seen.mean() - told.mean())
    assert (bins["n"].sum(), bins["observed"].tolist()) == (8, [seen.mean()])
    printed = calibration(scores, {}, STATISTICS).frame
    assert printed.loc[0, "Own, out of fold"] == "0.100 [0.050, 0.200]"
    assert str(reliability(bins, {}, STATISTICS).frame.loc[0, "Seen (%)"]) == "62.5 (n=8)"


@pytest.mark.parametrize(
    ("number", "whose", "printed", "why"),
    [
        (1, ["X1"], "n/a", "one patient only"),
        (3, ["X1"] * 3, "n/a", "one person only"),
        (3, ["X1", "X2", "X3"], "0.164", "the resamples are all alike"),
    ],
)
def test_a_calibration_that_no_resample_changes_has_no_interval(
    number: int, whose: list[str], printed: str, why: str
) -> None:
    known = {"scale_ml": 1.0, "intercept": -1.0, "slope": 2.0, "brier": {"value": 0.1, "low": 0.05, "high": 0.2}}
    known |= {"brier_of_prevalence": 0.25, "expected_calibration_error": {"value": 0.03, "low": None, "high": None}}
    cases = cases_of(("nnunet", "A"), [("OSL", 2.0, 1.0, 0.5)] * number).assign(person=whose)
    scores, _ = judge_calibrations(cases, stated(calibration=known), CUT, STATISTICS)
    assert scores[["low", "high"]].isna().all(axis=None)
    rows = calibration(scores, {}, STATISTICS).frame.set_index("Score")
    assert (rows.loc["Brier score", "External"].text, rows.loc["Brier score", "Note"]) == (
        printed,
        f"no interval: {why}",
    )


def test_no_calibration_of_another_level_stands_under_that_of_the_study() -> None:
    known = {"scale_ml": 1.0, "intercept": -1.0, "slope": 2.0, "brier": {"value": 0.1, "low": 0.05, "high": 0.2}}
    known |= {"brier_of_prevalence": 0.25, "expected_calibration_error": {"value": 0.03, "low": None, "high": None}}
    scores, _ = judge_calibrations(cases_of(("nnunet", "A"), ROWS), stated(0.1, calibration=known), CUT, STATISTICS)
    row = calibration(scores, {}, STATISTICS).frame.loc[0]
    assert row["Own, out of fold"] == "0.100"
    assert row["Note"] == "own, out of fold: no interval: those of the bundle have another level"


def test_a_bundle_without_a_calibration_says_why() -> None:
    scores, bins = judge_calibrations(cases_of(("nnunet", "A"), ROWS), stated(), CUT, STATISTICS)
    assert scores["note"].tolist() == ["the bundle is not calibrated: one fold only"]
    assert bins.empty
    assert reliability(bins, {}, STATISTICS).notes == ("No rows: there is nothing to show.",)
    assert calibration(scores, {}, STATISTICS).frame.loc[0, "Note"] == "the bundle is not calibrated: one fold only"


# What is said.


def test_everybody_who_is_not_measured_is_named_with_the_reason(tmp_path: Path) -> None:
    states = {
        "P1": "predicted",
        "P2": "predicted",
        "P3": "failed",
        "P4": "excluded",
        "P5": "refused",
        "P6": "predicted",
    }
    problems = {
        "P3": [{"subject": "post_t1", "what": "it is too far away"}],
        "P5": [{"subject": "post_t1ce", "what": "no file"}, {"subject": None, "what": "too small"}],
    }
    write_json(
        tmp_path / "patients.json",
        [
            {
                **{"patient": name, "hospital": "OSL", "state": state, "problems": problems.get(name, [])},
                "excluded": "moved" if state == "excluded" else None,
            }
            for name, state in states.items()
        ],
    )
    score_bundles(cases_of(("nnunet", "A"), ROWS), stated(), CUT, STATISTICS).to_parquet(tmp_path / "scores.parquet")
    by_model = {"A": ["P1", "P3", "P6"], "B": ["P1"]}
    for inputs, names in by_model.items():
        frame = pd.DataFrame({"patient": names}).assign(arch="nnunet", inputs=inputs)
        frame.to_parquet(tmp_path / f"{inputs}.parquet")
    files = [f"{tmp_path}/{inputs}.parquet" for inputs in by_model]
    chose = [candidates_of(tmp_path, "P1")]
    made = Measurements(f"{tmp_path}/patients.json", files, f"{tmp_path}/scores.parquet", None, chose)
    record = validation_record(made, ["P2", "P3"], ["Test: the external cohort.", "beware"])
    assert {each["patient"]: each["why"] for each in record["not_measured"]} == {
        "P2": "no reference standard",
        "P3": "post_t1: it is too far away",
        "P4": "excluded by the table (moved)",
        "P5": "post_t1ce: no file; the scans: too small",
        "P6": "no file is given for a channel of the others",
    }
    assert {each["patient"]: each["measured_by"] for each in record["not_measured"] if each["measured_by"]} == {
        "P3": ["nnunet A"],
        "P6": ["nnunet A"],
    }
    assert (record["patients"], record["measured"], record["chose_threshold"]) == (6, 3, ["P1"])
    assert record["measured_by"] == {"nnunet A": 3, "nnunet B": 1}
    write_json(tmp_path / "record.json", record)  # NaN would be refused
    lines = list(in_words(record))
    assert lines[:2] == ["3 of 6 patients were measured", "nnunet A: 3 patients"]
    assert "hold-out of the bundle 90.0 [85.0, 95.0]; out of fold n/a" in lines[2]
    assert "not measured: P2 (OSL), predicted: no reference standard" in lines
    assert "measured by nnunet A alone: P3 (OSL), failed: post_t1: it is too far away" in lines
    assert lines[-1] == "beware"


def test_the_table_may_be_a_sheet_of_a_workbook(tmp_path: Path) -> None:
    (tmp_path / "new.xlsx").write_bytes(b"PK")
    call = ["validate", "--bundle", f"{tmp_path}/none.zip", "--out", f"{tmp_path}/out"]
    there, lacking = (
        CliRunner().invoke(app, [*call, "--cohort", f"{tmp_path}/{name}#Patients"]) for name in ("new.xlsx", "no.xlsx")
    )
    assert "no such table" in lacking.output
    assert "no such table" not in there.output
    assert "none.zip" in there.output


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--share", "1"], 2, "between 0 and 1"),
        (["--share", "0"], 2, "between 0 and 1"),
        (["--unit", "patient"], 2, "--unit"),
        ([], 1, "no such table"),
    ],
)
def test_the_command_refuses_what_makes_no_sense(tmp_path: Path, options: list[str], code: int, said: str) -> None:
    call = ["validate", "--bundle", "a.zip", "--cohort", f"{tmp_path}/none.tsv", "--out", f"{tmp_path}/out", *options]
    done = CliRunner().invoke(app, call)
    assert done.exit_code == code
    assert said in done.output
    assert not (tmp_path / "out").exists()
