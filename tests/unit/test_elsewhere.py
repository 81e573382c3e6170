"""Predictions made elsewhere: what the configuration may say, what is told at the door, and what is taken in."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cohort_tables import AFFINE, COLUMNS, config, row, write_image, write_images, write_table
from residua.cohort.cohort import judged_cohort
from residua.cohort.commands.start import start_problems
from residua.cohort.commands.verdict import Verdict, check_cohort
from residua.errors import ResiduaError
from residua.external.predictions import load_predictions
from residua.external.take import take_predictions
from residua.images import volumes
from residua.problems.lists import errors_of
from residua.publishing.notes import worded
from residua.settings.study import Study, load_study
from residua.wiring import elsewhere, patients, preparation, publication, rating
from residua.wiring.given import given_files
from residua.wiring.loaded import LoadedStudy

MASK = np.zeros((4, 5, 3), np.float32)
MASK[2, 2, 1] = 1
RECORDS = [row(f"{hospital}1", hospital) for hospital in ("STO", "GOT", "PAR", "AMS")] + [row("AMS2", "AMS")]
NAMES = [record["patient"] for record in RECORDS]


def entry(**changes: Any) -> dict[str, Any]:
    known = {"label": "Other net", "has_seen_patients": "no", "kind": "masks", "inputs": {"B": "{patient}.nii.gz"}}
    return {**known, **changes}


def probabilities(**changes: Any) -> dict[str, Any]:
    return entry(kind="probabilities", **{"threshold": 0.5, **changes})


def refused(**entries: Any) -> str:
    with pytest.raises(ResiduaError) as error:
        load_study(config(elsewhere=entries))
    return str(error.value)


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ({"other": entry(threshold=0.5)}, "elsewhere.other: threshold is for kind probabilities"),
        ({"other": entry(kind="probabilities")}, "elsewhere.other: probabilities need a threshold"),
        ({"other": probabilities(threshold=0)}, "elsewhere.other.threshold"),
        ({"other": probabilities(threshold="best")}, "elsewhere.other.threshold"),
        ({"other": entry(has_seen_patients="perhaps")}, "elsewhere.other.has_seen_patients"),
        ({"other": entry(inputs={"B": "masks/PATIENT.nii.gz"})}, "neither a path with {patient} nor a column"),
        ({"other": entry(inputs={})}, "elsewhere.other.inputs"),
        ({"other": entry(inputs={"B": "{patient}.nii", "C": "{patient}.nii"})}, "the same predictions"),
        ({"other": entry(inputs={"B": "b", "C": "c"})}, "does not name which of the inputs B, C of other"),
        ({"nnunet": entry()}, "elsewhere.nnunet has the name of a network of Residua"),
        ({"other": entry(label="AGU-Net")}, "two networks have the label AGU-Net"),
        ({"one": entry(), "two": entry(inputs={"B": "other"})}, "two networks have the label Other net"),
    ],
)
def test_an_entry_that_says_too_little_or_too_much_is_refused(entries: dict[str, Any], told: str) -> None:
    assert told in refused(**entries)


@pytest.mark.parametrize("column", ["residual", "post_t1ce", "pre_tumor", "brain_mask", "hospital", "patient", "age"])
def test_predictions_have_no_column_that_means_something_else(column: str) -> None:
    what = f"elsewhere.other.inputs.B names {column}, a column of the cohort table with a meaning of its own"
    assert refused(other=entry(inputs={"B": column})).count(what) == 1


def test_predictions_have_no_column_of_a_sequence_or_label_that_this_study_adds() -> None:
    record = config(elsewhere={"other": entry(inputs={"B": "dwi", "C": "edema", "D": "sent"})})
    record["sequences"]["moving"] = [*record["sequences"]["moving"], "dwi"]
    record["labels"]["edema"] = "dwi"
    with pytest.raises(ResiduaError) as error:
        load_study(record)
    assert "elsewhere.other.inputs.B names dwi, a column" in str(error.value)
    assert "elsewhere.other.inputs.C names edema, a column" in str(error.value)
    assert "names sent" not in str(error.value)


@pytest.mark.parametrize(("written", "meant"), [(True, "yes"), (False, "no"), ("unknown", "unknown"), ("no", "no")])
def test_yes_and_no_are_what_yaml_reads_them_as(written: Any, meant: str) -> None:
    study = load_study(config(elsewhere={"other": entry(has_seen_patients=written)}))
    assert study.elsewhere["other"].has_seen_patients == meant


def test_each_experiment_takes_the_named_inputs_and_the_only_ones_unnamed() -> None:
    record = config(elsewhere={"one": entry(), "two": entry(label="Two", inputs={"B": "b", "own": "c"})})
    for choices in record["statistics"]["best_inputs"].values():
        choices["two"] = "own"
    study = load_study(record)
    own = study.statistics.best_inputs.segmentation
    assert study.choices("segmentation") == {"nnunet": own["nnunet"], "agunet": own["agunet"], "one": "B", "two": "own"}
    assert study.candidates("raters", "two") == ["own"]


def with_files(folder: Path, other: dict[str, Any], names: list[str] = NAMES, **changes: Any) -> tuple[Study, str]:
    """A sound cohort, and a prediction of each of ``names`` in ``folder/sent``."""
    # Of the fifth random image the tumour happens to lie outside.
    write_images(folder, [*RECORDS[:4], row("nobody", "STO"), RECORDS[4]])
    for name in names:
        write_image(folder / f"sent/{name}.nii.gz", MASK)
    if other["inputs"] == {"B": "{patient}.nii.gz"}:
        other = {**other, "inputs": {"B": f"{folder}/sent/{{patient}}.nii.gz"}}
    return load_study(config(elsewhere={"other": other}, **changes)), write_table(folder, RECORDS)


def told(verdict: Verdict) -> list[str]:
    return [problem.check for problem in verdict.problems if problem.is_error]


def warned(verdict: Verdict) -> dict[str, str]:
    found = (problem for problem in verdict.problems if problem.check.startswith("prediction"))
    return {problem.check: problem.what for problem in found if not problem.is_error}


def test_sound_predictions_pass(tmp_path: Path) -> None:
    verdict = check_cohort(*with_files(tmp_path, entry()))
    assert (told(verdict), warned(verdict), verdict.runs) == ([], {}, True)


@pytest.mark.parametrize(
    ("other", "prediction", "affine", "check"),
    [
        (entry(), MASK * 2, AFFINE, "label-not-binary"),
        (entry(), MASK * 0.7, AFFINE, "label-probability"),
        (probabilities(), MASK * 100, AFFINE, "probability-out-of-range"),
        (probabilities(), MASK * 8 - 3, AFFINE, "probability-out-of-range"),
        (probabilities(), np.where(MASK, np.nan, 0), AFFINE, "probability-not-finite"),
        (probabilities(), MASK, np.diag([1.0, 1.0, 3.0, 1.0]), "prediction-off-grid"),
        (entry(), MASK[:, :, :2], AFFINE, "prediction-off-grid"),
        (entry(), np.stack([MASK, MASK], axis=3), AFFINE, "image-4d"),
    ],
)
@pytest.mark.parametrize("on_invalid", ["stop", "exclude"])
def test_what_measuring_would_refuse_is_told_at_the_door(
    other: dict[str, Any], prediction: Any, affine: Any, check: str, on_invalid: str, tmp_path: Path
) -> None:
    study, table = with_files(tmp_path, other, on_invalid=on_invalid)
    write_image(tmp_path / "sent/AMS1.nii.gz", prediction, affine)
    verdict = check_cohort(study, table)
    assert told(verdict) == [check]
    assert not verdict.runs
    cohort, _ = judged_cohort(study, table)
    (problem,) = errors_of(start_problems(study, cohort, None))
    assert (problem.check, problem.patient, problem.subject) == (check, "AMS1", "elsewhere.other.inputs.B")
    files = load_predictions(study, cohort)["other", "B"]
    references = {patient: cohort.patients[patient].files["post_t1ce"] for patient in files}
    with pytest.raises(ResiduaError, match=r"These predictions .*\(1 to correct\)"):
        take_predictions(files, references, other["kind"], tmp_path)


@pytest.mark.parametrize(("kind", "how"), [("masks", "nearest neighbour"), ("probabilities", "linear interpolation")])
def test_another_grid_is_refused_with_the_way_to_resample(kind: str, how: str, tmp_path: Path) -> None:
    study, table = with_files(tmp_path, entry() if kind == "masks" else probabilities())
    write_image(tmp_path / "sent/AMS1.nii.gz", MASK[:, :, :2])
    (problem,) = errors_of(list(check_cohort(study, table, voxels=False).problems))
    assert problem.remedy == f"resample it to {tmp_path}/images/AMS1_post_t1ce.nii.gz with {how}"


def test_missing_and_unknown_patients_are_counted_and_named(tmp_path: Path) -> None:
    verdict = check_cohort(*with_files(tmp_path, entry(), ["AMS1", "AMS3", "STO1"]))
    assert verdict.runs
    assert warned(verdict) == {
        "prediction-missing": "1 of 2 patients of the hold-out have no prediction (AMS2)",
        "prediction-unknown": "1 file(s) of patients that are not in the cohort table (AMS3)",
    }


@pytest.mark.parametrize(
    ("other", "names", "what"),
    [
        (entry(), ["STO1", "GOT1"], "no patient of the hold-out has a prediction: there is no"),
        (entry(inputs={"B": "nowhere/{patient}.nii.gz"}), [], "there is no nowhere/AMS1.nii.gz"),
        (probabilities(threshold="out_of_fold"), ["AMS1", "AMS2"], "a threshold cannot be chosen out of fold"),
    ],
)
def test_a_network_that_cannot_be_judged_is_refused(
    other: dict[str, Any], names: list[str], what: str, tmp_path: Path
) -> None:
    study, table = with_files(tmp_path, other, names)
    (problem,) = errors_of(list(check_cohort(study, table).problems))
    assert problem.check == "prediction-none"
    assert what in problem.what
    with pytest.raises(ResiduaError, match="elsewhere"):
        load_predictions(study, judged_cohort(study, table)[0])


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (lambda sent: copied_link(sent / "AMS2.nii.gz", sent / "AMS1.nii.gz"), "prediction-repeated"),
        (lambda sent: copied_link(sent / "AMS2.nii.gz", sent.parent / "images/AMS2_residual.nii.gz"),
         "prediction-is-reference"),
    ],
)  # fmt: skip
def test_a_prediction_that_is_another_file_of_the_study_is_refused(
    change: Callable[[Path], None], check: str, tmp_path: Path
) -> None:
    study, table = with_files(tmp_path, entry())
    change(tmp_path / "sent")
    (problem,) = errors_of(list(check_cohort(study, table).problems))
    assert (problem.check, problem.patient) == (check, "AMS2")


def copied_link(file: Path, to: Path) -> None:
    file.unlink()
    os.symlink(to, file)


@pytest.mark.parametrize(("seen", "word"), [("yes", "it was trained on patients"), ("unknown", "it is not known")])
def test_a_network_that_may_have_seen_the_patients_is_a_warning(seen: str, word: str, tmp_path: Path) -> None:
    verdict = check_cohort(*with_files(tmp_path, entry(has_seen_patients=seen)))
    assert word in warned(verdict)["prediction-of-seen"]
    assert verdict.runs


def in_a_column(folder: Path, cells: dict[str, str]) -> tuple[Study, str]:
    study, _ = with_files(folder, entry(inputs={"B": "other_net"}))
    records = [{**record, "other_net": cells.get(record["patient"], "")} for record in RECORDS]
    return study, write_table(folder, records, (*COLUMNS, "other_net"))


def test_a_column_of_the_table_names_predictions_and_no_network_reads_it(tmp_path: Path) -> None:
    study, table = in_a_column(tmp_path, {"AMS1": "sent/AMS1.nii.gz", "STO1": "sent/STO1.nii.gz"})
    cohort, problems = judged_cohort(study, table)
    assert problems == []
    assert all("other_net" not in patient.files for patient in cohort.patients.values())
    files = {"STO1": f"{tmp_path}/sent/STO1.nii.gz", "AMS1": f"{tmp_path}/sent/AMS1.nii.gz"}
    assert load_predictions(study, cohort) == {("other", "B"): files}
    assert list(warned(check_cohort(study, table))) == ["prediction-missing"]


def test_a_prediction_behind_a_broken_link_is_not_taken_for_none(tmp_path: Path) -> None:
    study, table = with_files(tmp_path, entry())
    copied_link(tmp_path / "sent/AMS1.nii.gz", tmp_path / "nothing.nii.gz")
    (problem,) = errors_of(list(check_cohort(study, table).problems))
    assert (problem.check, problem.patient) == ("file-broken-link", "AMS1")


def test_a_column_or_a_file_of_it_that_is_missing_is_told(tmp_path: Path) -> None:
    study, table = in_a_column(tmp_path, {"AMS1": "sent/nothing.nii.gz", "AMS2": "sent/AMS2.nii.gz"})
    (problem,) = errors_of(list(check_cohort(study, table).problems))
    assert (problem.check, problem.row, problem.subject) == ("file-missing", 5, "other_net")
    table = write_table(tmp_path, RECORDS)
    (problem,) = errors_of(list(check_cohort(study, table).problems))
    assert (problem.check, problem.subject) == ("column-missing", "other_net")


def test_rounding_noise_is_taken_as_what_it_means(tmp_path: Path) -> None:
    write_image(tmp_path / "scan.nii.gz")
    write_image(tmp_path / "mask.nii.gz", np.where(MASK, 0.9999, 1e-5).astype(np.float32))
    write_image(tmp_path / "map.nii.gz", np.where(MASK, 1.0001, -1e-5).astype(np.float32))
    for kind, name in (("masks", "mask"), ("probabilities", "map")):
        take_predictions({"P": f"{tmp_path}/{name}.nii.gz"}, {"P": f"{tmp_path}/scan.nii.gz"}, kind, tmp_path)
        taken = volumes.load(tmp_path / "P.nii.gz").data
        assert np.unique(taken).tolist() == [0, 1]


@pytest.fixture
def loaded(tmp_path: Path) -> LoadedStudy:
    """A study with another network's maps of one patient of a fold and one of two of the hold-out."""
    other = probabilities(threshold="out_of_fold", has_seen_patients="unknown")
    study, table = with_files(tmp_path, other, ["STO1", "AMS2"])
    cohort, _ = judged_cohort(study, table)
    return LoadedStudy(study, cohort, None, load_predictions(study, cohort))


def test_patients_without_a_prediction_are_not_judged(loaded: LoadedStudy) -> None:
    assert [case["patient"] for case in patients.measured(loaded, "other", "B")] == ["STO1", "AMS2"]
    assert patients.validation_by_fold(loaded, "other", "B") == {0: ["STO1"], 1: []}
    assert [Path(file).name for file in elsewhere.predicted_files(loaded, "other", "B", "test")] == ["AMS2.nii.gz"]
    assert len(patients.measured(loaded, "nnunet", "B")) == len(NAMES)


def test_predictions_are_given_files_as_scans_and_labels_are(loaded: LoadedStudy) -> None:
    predicted = {file for split in ("validation", "test") for file in predicted_of(loaded, split)}
    scans = {file for patient in loaded.cohort.patients.values() for file in patient.files.values()}
    assert len(predicted) == 2
    assert len(scans) == len(NAMES) * len(loaded.cohort.patients["STO1"].files)
    assert given_files(loaded) == predicted | scans


def predicted_of(loaded: LoadedStudy, split: str) -> list[str]:
    return elsewhere.predicted_files(loaded, "other", "B", split)


def test_a_network_of_elsewhere_is_judged_and_never_trained(loaded: LoadedStudy) -> None:
    assert ("other", "B") in loaded.judged
    assert ("other", "B") not in loaded.models
    assert publication.metrics_files(loaded)[-1] == "results/metrics/other/B.parquet"
    assert publication.compared(loaded)[-1] == ("other", "B")
    assert rating.choices(loaded)["other"] == "B"
    assert loaded.arch_labels["other"] == "Other net (made elsewhere)"
    assert preparation.predictions_of(loaded, "other", "B", "test") == ["results/elsewhere/other/B/test/manifest.json"]


def test_the_threshold_and_the_filter_follow_the_kind_of_prediction(loaded: LoadedStudy, tmp_path: Path) -> None:
    own = loaded.study.postprocessing.model_dump(mode="json")
    assert elsewhere.threshold_files(loaded, "other", "B") == ["results/segmentations/other/B/threshold.json"]
    assert elsewhere.given_threshold(loaded, "nnunet") is None
    assert elsewhere.postprocessing_of(loaded, "other") == own
    references = preparation.validation_references(loaded, "other", "B")
    assert [Path(file).name for file in references] == ["STO1_residual.nii.gz"]
    study, table = with_files(tmp_path / "masks", entry())
    cohort, _ = judged_cohort(study, table)
    given = LoadedStudy(study, cohort, None, load_predictions(study, cohort))
    assert elsewhere.threshold_files(given, "other", "B") == []
    assert elsewhere.given_threshold(given, "other") == 0.5
    assert elsewhere.postprocessing_of(given, "other") == {**own, "min_component_voxels": 0}
    assert elsewhere.postprocessing_of(given, "nnunet") == own


def test_the_note_of_a_network_says_what_it_had_seen_and_whom_it_lacks(loaded: LoadedStudy) -> None:
    notes = elsewhere.notes_of_elsewhere(loaded)
    assert worded(notes) == [
        "Other net (made elsewhere): it is not known whether it was trained on patients of this cohort: its numbers may"
        " be optimistic. inputs B: 1 of 2 patients of the hold-out have a prediction, and 1 of 3 of the folds. Its "
        "threshold was chosen out of fold, as those of the study's own networks."
    ]
    assert publication.table_notes(loaded)[-1] == notes[0]
    # Counted without the patients who failed and are left out, predicted or not.
    assert (
        "inputs B: 0 of 1 patients of the hold-out have a prediction, and 1 of 2 of the folds"
        in worded(notes, {"AMS2", "GOT1"})[0]
    )
