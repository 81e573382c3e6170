"""Trainings that start from scans before surgery: what the configuration may say, who takes part, what leaks."""

from __future__ import annotations

import json
import subprocess
import sys
from copy import deepcopy
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml

from cohort_tables import ROOT, row, write_images, write_table
from residua.cohort.cohort import load_cohort
from residua.cohort.commands.verdict import check_cohort
from residua.errors import ResiduaError
from residua.networks.agunet.settings import AGUNetSettings
from residua.networks.preoperative import select_before_surgery
from residua.publishing.publish import stage, write_json, write_text
from residua.report.before_surgery import with_starts
from residua.report.methods import methods
from residua.settings.base import REFERENCE_STANDARD
from residua.settings.study import Study, load_study
from residua.wiring import patients, preoperative
from residua.wiring.loaded import LoadedStudy
from residua.wiring.training import settings_of_training, start_of

MICRO: dict[str, Any] = yaml.safe_load((ROOT / "tests/micro/config.yaml").read_text())
SCAN, LABEL = "pre_t1ce", "pre_tumor"
WEIGHTS = {"file": "start.safetensors", "sha256": "a" * 64}


def study_with(choice: dict[str, Any], **changed: Any) -> Study:
    config = deepcopy(MICRO) | {"archs": ["agunet"]} | changed
    config["networks"]["agunet"] |= choice
    return load_study(config)


def agunet(**choice: Any) -> AGUNetSettings:
    settings = study_with(choice).settings_of("agunet")
    assert isinstance(settings, AGUNetSettings)
    return settings


def loaded_from(tmp_path: Path, rows: list[dict[str, str]], **choice: Any) -> LoadedStudy:
    write_images(tmp_path, rows)
    study = study_with({"init": "preoperative", **choice}, brain_mask={"method": "template"})
    return LoadedStudy(study, load_cohort(study, write_table(tmp_path, rows, tuple(rows[0]))))


def cohort() -> list[dict[str, str]]:
    """Three patients of each fold and two held out; the last of fold 1 has no scan before surgery."""
    rows = [row(f"{hospital}{n}", hospital) for hospital in ("STO", "GOT") for n in range(3)]
    rows[-1] |= {SCAN: "", LABEL: ""}
    return [*rows, row("AMS0", "AMS"), row("AMS1", "AMS")]


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"init": "file"}, "init: file needs initial_weights"),
        ({"init": "none", "initial_weights": WEIGHTS}, "initial_weights need init: file"),
        ({"init": "preoperative", "initial_weights": WEIGHTS}, "initial_weights need init: file"),
        ({"init": "preoperative", "filters_per_channel": 4}, "leave out filters_per_channel"),
        (
            {"init": "preoperative", "initial_bundles": {"B": {"file": "b.zip", "sha256": "a" * 64}}},
            "start from init: preoperative or from initial_bundles",
        ),
        ({"init": "preoperative", "preoperative": {"stopping_fraction": 0}}, "stopping_fraction"),
        ({"init": "else"}, "init"),
    ],
)
def test_a_start_that_cannot_be_meant_is_refused(choice: dict[str, Any], said: str) -> None:
    with pytest.raises(ResiduaError) as refused:
        agunet(**choice)
    assert said in str(refused.value)


def test_a_study_without_tumours_before_surgery_cannot_start_from_them() -> None:
    without = {
        "labels": {REFERENCE_STANDARD: "post_t1ce"},
        "registration": {**MICRO["registration"], "resected": None},
    }
    with pytest.raises(ResiduaError, match=r"networks\.agunet\.init is preoperative, and no label is drawn on"):
        study_with({"init": "preoperative"}, **without)
    assert study_with({}, **without).resected is None


def test_named_weights_are_the_start_by_themselves() -> None:
    config = deepcopy(MICRO["networks"]["agunet"]) | {"initial_weights": WEIGHTS}
    config.pop("init")
    assert AGUNetSettings.model_validate(config).init == "file"


def test_trainings_that_start_otherwise_are_described_as_before_there_was_a_choice() -> None:
    assert not {"init", "preoperative"} & set(agunet().model_dump(mode="json"))
    assert not {"init", "preoperative"} & set(agunet(init="file", initial_weights=WEIGHTS).model_dump(mode="json"))
    assert agunet(init="preoperative").model_dump(mode="json")["init"] == "preoperative"


def test_the_training_before_surgery_differs_by_its_end_and_sees_the_whole_brain() -> None:
    choice = {"epochs": 2, "stopping_fraction": 0.25}
    settings = agunet(init="preoperative", preoperative=choice, region=LABEL, sampling="balanced")
    before = settings.before_surgery
    assert before is not None
    assert (before.epochs, before.stopping_fraction, before.region, before.sampling) == (2, 0.25, None, "uniform")
    assert before.before_surgery is None
    assert before.early_stopping_on_validation is False
    same = {"learning_rate", "features", "shape", "seed", "patience_epochs"}
    assert before.model_dump(include=same) == settings.model_dump(include=same)
    assert agunet(init="preoperative").before_surgery.epochs == settings.epochs  # type: ignore[union-attr]


def test_a_fold_starts_from_the_scans_of_its_own_training_patients(tmp_path: Path) -> None:
    loaded = loaded_from(tmp_path, cohort())
    assert preoperative.of_fold(loaded, 0) == ("GOT0", "GOT1")
    assert preoperative.of_fold(loaded, 1) == ("STO0", "STO1", "STO2")
    said = preoperative.without_scans_in_words(loaded)
    assert said == "1 patient(s) of the folds lack pre_t1ce or pre_tumor: no network starts from theirs"
    assert start_of(loaded, "agunet", "B", "1") == ["results/models/agunet/pre-operative/fold1/manifest.json"]
    assert settings_of_training(loaded, "agunet", "B")["init"] == "preoperative"


def test_no_file_of_the_hold_out_or_of_a_validation_patient_reaches_a_start(tmp_path: Path) -> None:
    loaded = loaded_from(tmp_path, cohort())
    for fold in loaded.folds:
        prepared = preoperative.prepared_before(loaded, "agunet", fold)
        batches = {Path(manifest).parent.name for manifest in prepared}
        assert len(prepared) == 2 * len(batches)
        columns, training = (SCAN, LABEL), [p for p in loaded.split.training(fold) if has(loaded, p)]
        files = {f for batch in batches for c in columns for f in preoperative.files_of_batch(loaded, batch, c)}
        assert files == {loaded.cohort.patients[patient].files[c] for patient in training for c in columns}


def has(loaded: LoadedStudy, patient: str) -> bool:
    return loaded.cohort.has(patient, (SCAN, LABEL))


def test_a_batch_never_prepares_the_hold_out(tmp_path: Path) -> None:
    loaded = loaded_from(tmp_path, cohort())
    held_out = [b for b, members in loaded.cohort.batches.items() if set(members) & set(loaded.split.holdout)]
    assert held_out
    assert [preoperative.of_batch(loaded, batch) for batch in held_out] == [[]] * len(held_out)


def test_too_few_scans_stop_the_study_before_it_begins(tmp_path: Path) -> None:
    rows = cohort()
    rows[4] |= {SCAN: "", LABEL: ""}
    with pytest.raises(ResiduaError, match="fewer than 2 training patients of fold 0 have pre_t1ce and pre_tumor"):
        loaded_from(tmp_path, rows)
    # The check says it as the start does.
    study = study_with({"init": "preoperative"}, brain_mask={"method": "template"}, raters=None)
    verdict = check_cohort(study, f"{tmp_path}/cohort.tsv", voxels=False)
    assert not verdict.runs
    assert [p.check for p in verdict.problems if p.is_error] == ["too-few-before-surgery"]


def prepared(folder: Path, content: dict[str, str], channel: str) -> str:
    """A prepared batch of one channel, a file for each patient."""
    manifest = folder / channel / "ALL-0" / "manifest.json"
    with stage(manifest) as part:
        for patient, text in content.items():
            write_text(part / f"{patient}.npz", text)
    return str(manifest)


def selected(
    folder: Path,
    poisoned: str = "",
    unsound: str = "",
    persons: dict[str, str] | None = None,
    same: tuple[str, ...] = (),
) -> dict[str, Any]:
    """A selection of GOT1 to GOT3, in a batch that holds a hold-out and a validation patient, too.

    The patients ``same`` name one scan before surgery.
    """
    everyone = ("GOT1", "GOT2", "GOT3", "STO1", "AMS1")
    scans = {p: f"scan {p}" for p in everyone if p != unsound}
    tumours = {p: "noise" if p == poisoned else f"tumour {p}" for p in everyone if p != unsound}
    manifests = [prepared(folder, scans, SCAN), prepared(folder, tumours, LABEL)]
    # Brought back from each scan after surgery, the brain masks of one scan differ, and the prepared scans with them.
    digests = [{p: {SCAN: "same" if p in same else f"voxels {p}", "post_t1ce": f"post {p}"}} for p in everyone]
    return select_before_surgery(manifests, ["GOT1", "GOT2", "GOT3"], SCAN, LABEL, persons or {}, digests)


def test_noise_in_others_changes_no_selection_and_noise_in_its_own_does(tmp_path: Path) -> None:
    """A training depends on the digest of its selection, which holds that of every file that it opens."""
    found = {}
    for name in ("nobody", "AMS1", "STO1", "GOT2"):
        record = selected(tmp_path / name, poisoned=name)
        found[name] = sha256(str(record).replace(str(tmp_path / name), "").encode()).hexdigest()
        assert record["files"]["GOT1"].keys() == {SCAN, REFERENCE_STANDARD}
        assert set(record["files"]) == {"GOT1", "GOT2", "GOT3"}
        assert record["validation"] == []
    assert found["AMS1"] == found["STO1"] == found["nobody"]
    assert found["GOT2"] != found["nobody"]


def test_patients_without_a_sound_brain_mask_are_left_out_and_named(tmp_path: Path) -> None:
    record = selected(tmp_path, unsound="GOT2")
    assert record["training"] == ["GOT1", "GOT3"]
    assert record["unprepared"] == ["GOT2"]


OF_ONE = {"GOT2": "GOT1"}


def test_a_scan_that_several_patients_name_is_taken_once(tmp_path: Path) -> None:
    record = selected(tmp_path, persons=OF_ONE, same=("GOT1", "GOT2"))
    assert record["training"] == list(record["files"]) == ["GOT1", "GOT3"]
    assert (record["unprepared"], record["repeated"]) == ([], {"GOT2": "GOT1"})
    assert "persons" not in record
    # Where the mask of the first failed, the other patient's files stand for the scan.
    record = selected(tmp_path / "unsound", unsound="GOT1", persons=OF_ONE, same=("GOT1", "GOT2"))
    assert record["training"] == list(record["files"]) == ["GOT2", "GOT3"]
    assert (record["unprepared"], record["repeated"]) == ([], {"GOT1": "GOT2"})


def test_two_scans_of_one_person_both_train_and_say_whose_they_are(tmp_path: Path) -> None:
    record = selected(tmp_path, persons=OF_ONE)
    assert record["training"] == ["GOT1", "GOT2", "GOT3"]
    assert record["persons"] == OF_ONE
    assert not {"persons", "repeated"} & set(selected(tmp_path / "others"))


def test_a_start_needs_two_persons(tmp_path: Path) -> None:
    with pytest.raises(ResiduaError, match="1 of 2 persons have a brain mask of pre_t1ce, and a training needs two"):
        selected(tmp_path, unsound="GOT3", persons=OF_ONE)


def of_persons() -> list[dict[str, str]]:
    """The cohort, whose first patient at each hospital has another scan after surgery, and the same before it."""
    rows = [each | {"person": ""} for each in cohort()]
    for hospital in ("STO", "GOT", "AMS"):
        before = {column: f"images/{hospital}0_{column}.nii.gz" for column in (SCAN, LABEL)}
        rows.append(row(f"{hospital}0b", hospital, person=f"{hospital}0", **before))
    return rows


def test_no_person_of_the_hold_out_or_of_a_validation_fold_is_in_a_start(tmp_path: Path) -> None:
    loaded = loaded_from(tmp_path, of_persons())
    assert preoperative.of_fold(loaded, 0) == ("GOT0", "GOT1", "GOT0b")
    assert preoperative.scans_of_fold(loaded, 0) == ["GOT0", "GOT1"]
    for fold in loaded.folds:
        training = {loaded.split.who(patient) for patient in preoperative.of_fold(loaded, fold)}
        others = {loaded.split.who(patient) for patient in (*loaded.split.validation(fold), *loaded.split.holdout)}
        assert training
        assert not training & others


@pytest.mark.parametrize("hospital", ["STO", "AMS"])
def test_a_person_on_two_sides_starts_nothing(tmp_path: Path, hospital: str) -> None:
    with pytest.raises(ResiduaError, match="GOT0"):
        loaded_from(tmp_path, [*of_persons(), row(f"{hospital}9", hospital, person="GOT0")])


def test_two_scans_of_one_person_are_too_few_before_the_study_begins(tmp_path: Path) -> None:
    rows = of_persons()
    rows[4] |= {SCAN: "", LABEL: ""}
    with pytest.raises(ResiduaError, match="fewer than 2 training persons of fold 0 have pre_t1ce and pre_tumor"):
        loaded_from(tmp_path, rows)


@pytest.mark.parametrize(("share", "told"), [(0.0, {}), (0.25, {"GOT0b": "GOT0"})])
def test_trainings_that_set_patients_aside_know_whose_scans_are_whose(
    tmp_path: Path, share: float, told: dict[str, str]
) -> None:
    loaded = loaded_from(tmp_path, of_persons(), stopping_fraction=share)
    inputs = next(iter(loaded.study.inputs))
    assert patients.persons_of_training(loaded, "agunet", inputs, "fold0") == told


def test_methods_count_scans_and_persons_before_surgery(tmp_path: Path) -> None:
    of_fold = {"training": ["GOT1", "GOT2", "GOT3"], "unprepared": []}
    write_json(tmp_path / "fold0.json", {**of_fold, "persons": OF_ONE, "repeated": {"GOT4": "GOT3", "GOT5": "GOT3"}})
    passages = methods(study_with({"init": "preoperative"}), {"agunet": "AGU-Net"}, rated=False, folds=2)
    told = with_starts(passages, {"agunet": "AGU-Net"}, {("agunet", 0): str(tmp_path / "fold0.json")}, [])
    (described,) = [passage.paragraphs for passage in told if passage.heading == "AGU-Net"]
    assert described[-1] == (
        "In the training before surgery 3 scans of 2 persons had part, each once; 2 further patients had theirs among "
        "these."
    )


def test_methods_say_who_had_no_part_in_a_start_and_why(tmp_path: Path) -> None:
    write_json(tmp_path / "fold0.json", {"training": ["GOT1", "GOT3"], "unprepared": ["GOT2"]})
    write_json(tmp_path / "fold1.json", {"training": ["STO1", "GOT1"], "unprepared": ["GOT2"]})
    selections = {("agunet", fold): str(tmp_path / f"fold{fold}.json") for fold in (0, 1)}
    passages = methods(study_with({"init": "preoperative"}), {"agunet": "AGU-Net"}, rated=False, folds=2)
    assert with_starts(passages, {}, {}, []) == passages
    told = with_starts(passages, {"agunet": "AGU-Net"}, selections, ["STO2", "STO3"])
    (described,) = [passage.paragraphs for passage in told if passage.heading == "AGU-Net"]
    assert described[-1] == (
        "In the training before surgery 3 patients had part; others of the folds had none, 2 for want of the scan or "
        "of the mask and 1 because no sound brain mask was made on the scan."
    )


JOB = """
import __main__, json, runpy, sys
from types import SimpleNamespace
class Files(list):
    pass
script, described = sys.argv[1:]
job = SimpleNamespace(**json.loads(described))
files, job.input, job.params = job.input, Files(sum(job.input.values(), [])), SimpleNamespace(**job.params)
vars(job.input).update(files)
__main__.__file__, __main__.snakemake = script, job
sys.path.insert(0, script.rpartition("/")[0])
runpy.run_path(script)
"""
"""Run a script as a job of Snakemake, which is described by JSON."""


def test_patients_whom_the_study_leaves_out_have_no_part_in_a_start(tmp_path: Path) -> None:
    everyone = ("GOT1", "GOT2", "GOT3", "STO1")
    write_json(tmp_path / "folds.json", {"GOT2": {}, "STO1": {}})
    # Images in common with somebody who is left out stop nothing, as in the trainings.
    write_json(tmp_path / "checks.json", {"digests": {"GOT1": {SCAN: "same"}, "STO1": {SCAN: "same"}}})
    manifests = [prepared(tmp_path, {p: f"{channel} {p}" for p in everyone}, channel) for channel in (SCAN, LABEL)]
    checks, left_out = [str(tmp_path / "checks.json")], [str(tmp_path / "folds.json")]
    params = {"patients": everyone[:3], "validation": everyone[3:], "columns": (SCAN, LABEL), "persons": {}}
    described = {
        "input": {"prepared": manifests, "checks": checks, "left_out": left_out},
        **{"output": [str(tmp_path / "fold0.json")], "params": params, "log": [], "threads": 1, "rule": "r"},
    }
    script = str(ROOT / "scripts/select_preoperative.py")
    subprocess.run([sys.executable, "-c", JOB, script, json.dumps(described)], check=True)
    selection = json.loads((tmp_path / "fold0.json").read_text())
    assert selection["training"] == ["GOT1", "GOT3"]
    assert set(selection["files"]) == {"GOT1", "GOT3"}
    assert selection["unprepared"] == []


def test_a_start_needs_two_sound_patients(tmp_path: Path) -> None:
    manifests = [prepared(tmp_path, {"GOT1": channel}, channel) for channel in (SCAN, LABEL)]
    with pytest.raises(ResiduaError, match="1 of 2 patients have a brain mask of pre_t1ce"):
        select_before_surgery(manifests, ["GOT1", "GOT2"], SCAN, LABEL, {}, [])
