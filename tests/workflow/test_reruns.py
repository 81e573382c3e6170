"""What reruns after which change: every test counts the jobs of the real workflow on a finished micro study."""

from __future__ import annotations

import csv
import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from residua.inference import given_files
from residua.inference.given_files import GIVEN, GivenFiles
from studies import Study, by_rule

FOLDS = NETWORKS = INPUTS = 2
MODELS, TRAININGS = NETWORKS * INPUTS, NETWORKS * INPUTS * FOLDS
PUBLISHED = Counter(
    compare_inputs=1, compare_architectures=1, intervals=1, rate=1, compare_raters=1, table3=1, table4=1,
    compare_paired=1, compare_raters_paired=1, supplementary_tables=1,
    figure3=1, figure4=1, report=1, compare_resections=1, resection_figure=1,
    describe_model=MODELS, list_lesions=1, discrimination=1,
)  # fmt: skip
"""What follows when the measurements of the best inputs change."""
NESTED = Counter(nested_estimate=1)
"""What follows when a threshold is chosen again."""
PREPARED = ("prepare_reference_standard", "prepare_stripped", "prepare_sampled", "prepare_derived")
"""The rules that prepare a channel: as drawn, stripped, sampled, or computed from two others."""


def published_of(models: int, networks: int = NETWORKS) -> Counter[str]:
    """From the probability maps of ``models`` pairs of network and inputs, of some networks, to the report."""
    stages = Counter(choose_threshold=models, segment=2 * models, measure=models) + NESTED
    # The members of an ensemble are compared for the best inputs of each network.
    return stages + Counter(compare_members=networks) + PUBLISHED


def edit(file: Path, old: str, new: str) -> Callable[[], None]:
    """Replace ``old`` in a file; returns what reverts it."""
    before = file.read_text()
    assert before.count(old) == 1, f"{file} changed; mend this test"
    file.write_text(before.replace(old, new))

    def revert() -> None:
        file.write_text(before)

    return revert


def replace_image(path: Path) -> None:
    """Another scan of the same head in the place of ``path``: other voxels, later time."""
    image = nib.load(path)
    voxels = 1.1 * np.asarray(image.dataobj)
    nib.save(nib.Nifti1Image(voxels, image.affine), path)


def touch_all(folder: Path) -> int:
    """Give every file below ``folder`` the present time."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    for path in files:
        os.utime(path)
    return len(files)


def test_a_finished_study_has_nothing_to_do(study: Study) -> None:
    assert study.planned() == []


def test_another_component_size_reruns_segmentation_and_what_follows(study: Study) -> None:
    study.configure(lambda config: config["postprocessing"].update(min_component_voxels=7))
    assert by_rule(study.planned()) == published_of(MODELS)


def test_another_t1w_reruns_one_registration_and_what_uses_it_and_nothing_of_inputs_a(study: Study) -> None:
    replace_image(study.folder / "cohort/images/STO002/post_t1.nii")
    jobs = study.planned()
    of_b = NETWORKS * FOLDS
    assert by_rule(jobs) == published_of(NETWORKS) + Counter(
        check_cohort=1, register=1, collect_failures=1, check_preprocessing=1, assess=1, assess_cohort=1, strip=1,
        prepare_stripped=NETWORKS,
        select_cases=of_b, train=of_b, predict=of_b, ensemble=NETWORKS, table1=1, figure1=1, check_duplicates=1,
        participant_flow=1, flow_figure=1, table_s2=1, table_baseline=1,
    )  # fmt: skip
    assert {(job["patient"], job["sequence"]) for job in jobs if job.rule == "register"} == {("STO002", "post_t1")}
    assert {job["inputs"] for job in jobs if job.rule != "describe_model"} == {None, "B"}


def test_a_scan_or_mask_replaced_by_an_older_file_reruns_what_a_newer_one_does(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(study.folder)
    monkeypatch.setattr(given_files, "_SETTLED_NS", 0)
    scan = Path("cohort/images/AMS001/post_t1.nii")
    mask = next(Path("cohort/raters/novice1").glob("AMS001.nii*"))
    kept = Path(GIVEN)
    assert {str(scan), str(mask)} <= set(json.loads(kept.read_text()))
    kept.unlink()
    GivenFiles(kept).keep_as_seen([str(scan)])
    seen = kept.read_text()
    read_after_every_change_of(scan)
    for file in (scan, mask):
        replace_image(file)
    newer = by_rule(study.planned())
    assert newer["register"] == newer["rate"] == 1
    for file in (scan, mask):
        os.utime(file, (1.5e9, 1.5e9))
    # By another folder of its name.
    scan.parent.rename("former")
    shutil.copytree("former", scan.parent)
    assert by_rule(study.planned()) == newer
    assert kept.read_text() == seen


def read_after_every_change_of(scan: Path) -> None:
    """Let no time tell whether a scan is the one that its jobs read, as where a folder was renamed."""
    for file in Path(".snakemake/metadata").rglob("*"):
        record = json.loads(file.read_text()) if file.is_file() else {}
        if str(scan) in (record.get("input_checksums") or {}):
            file.write_text(json.dumps({**record, "starttime": 2e10}))


def test_another_t1w_of_the_holdout_trains_nothing(study: Study) -> None:
    replace_image(study.folder / "cohort/images/AMS001/post_t1.nii")
    jobs = by_rule(study.planned())
    assert jobs["register"] == 1
    assert jobs["ensemble"] == NETWORKS
    assert jobs["train"] == jobs["predict"] == 0
    assert jobs["compare_members"] == NETWORKS


@pytest.mark.long
def test_another_t1w_of_the_holdout_is_seen_once(study: Study) -> None:
    replace_image(study.folder / "cohort/images/AMS001/post_t1.nii")
    study.run()
    assert study.planned() == []


def test_another_reference_standard_of_the_hold_out_is_measured_at_once_and_trains_nothing(study: Study) -> None:
    label = next(study.folder.glob("cohort/images/AMS001/residual.nii*"))
    image = nib.load(label)
    voxels = np.asarray(image.dataobj).copy()
    voxels[tuple(np.argwhere(voxels)[0])] = 0
    nib.save(nib.Nifti1Image(voxels, image.affine, image.header), label)
    jobs = by_rule(study.planned())
    assert jobs["check_cohort"] == 1
    assert jobs["measure"] == 4
    assert jobs["table3"] == jobs["table4"] == 1
    assert not {"train", "ensemble", "segment", "choose_threshold", "register"} & set(jobs)


def test_another_label_of_the_resected_tumour_repeats_one_registration_and_no_training(study: Study) -> None:
    label = next(study.folder.glob("cohort/images/STO002/pre_tumor.nii*"))
    image = nib.load(label)
    voxels = np.asarray(image.dataobj).copy()
    voxels[tuple(np.argwhere(voxels)[0])] = 0
    nib.save(nib.Nifti1Image(voxels, image.affine, image.header), label)
    jobs = study.planned("results/registered/STO002/pre_tumor.nii.gz")
    assert by_rule(jobs) == Counter(register_around_resection=1)
    everything = by_rule(study.planned())
    assert everything["register_around_resection"] == everything["measure_before"] == 1
    assert not {"register", "strip", *PREPARED, "select_cases", "train"} & set(everything)


def test_a_grade_of_quality_is_counted_and_trains_again_only_where_it_leaves_a_patient_out(study: Study) -> None:
    table = study.folder / "cohort/cohort.tsv"
    rows = list(csv.DictReader(table.open(encoding="utf-8"), delimiter="\t"))

    def grade_of(patient: str, grade: str) -> None:
        with table.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, [*rows[0], "annotation_quality"], delimiter="\t")
            writer.writeheader()
            writer.writerows(
                {**row, "annotation_quality": grade if row["patient"] == patient else "good"} for row in rows
            )

    grade_of("STO002", "poor")
    assert by_rule(study.planned()) == Counter(table_baseline=1, report=1)
    study.configure(lambda config: config["protocol"].update(least_annotation_quality="fair"))
    jobs = by_rule(study.planned())
    assert jobs["participant_flow"] == jobs["split_folds"] == 1
    assert jobs["train"] == TRAININGS
    assert not {"register", "register_around_resection"} & set(jobs)
    grade_of("STO002", "fair")
    jobs = by_rule(study.planned())
    assert jobs["table_baseline"] == jobs["report"] == 1
    assert not {"split_folds", "participant_flow", *PREPARED, "select_cases", "train"} & set(jobs)


BATCHES, OF_NEW = 3, NETWORKS * FOLDS
NEW_INPUTS = Counter(
    select_cases=OF_NEW + NETWORKS, train=OF_NEW, predict=OF_NEW, ensemble=NETWORKS, choose_threshold=NETWORKS,
    segment=2 * NETWORKS, measure=NETWORKS, list_lesions=1, discrimination=1, nested_estimate=1,
    compare_inputs=1, compare_paired=1,
    intervals=1, table3=1, table4=1, supplementary_tables=1, report=1, participant_flow=1, flow_figure=1,
    describe_model=MODELS + NETWORKS,
)  # fmt: skip
"""What follows the channels of new inputs; while the best are B, neither networks nor raters are compared again."""


def test_inputs_of_a_new_sequence_schedule_exactly_their_own_trainings(study: Study) -> None:
    study.configure(lambda config: config["sequences"]["moving"].append("post_flair"))
    study.configure(lambda config: config["inputs"].update(F=["post_t1ce", "post_flair"]))
    jobs = study.planned()
    assert by_rule(jobs) == NEW_INPUTS + Counter(
        # A sequence that the study did not have is checked and registered first.
        check_cohort=BATCHES, check_duplicates=1, table1=1, table_s2=1, table_baseline=1, figure1=1, register=6,
        collect_failures=1, check_preprocessing=1, assess=BATCHES, assess_cohort=1, strip=BATCHES,
        prepare_stripped=NETWORKS * BATCHES,
    )  # fmt: skip
    assert {job["inputs"] for job in jobs if job.rule != "describe_model"} == {None, "F"}
    assert {job["channel"] for job in jobs} == {None, "post_flair"}


def test_a_derived_channel_schedules_the_inputs_that_use_it(study: Study) -> None:
    gain = {"subtract": ["post_t1ce", "post_t1"], "normalise": "brain"}
    study.configure(lambda config: config.update(derived_channels={"gain": gain}))
    assert study.planned() == []
    study.configure(lambda config: config["inputs"].update(F=["post_t1ce", "gain"]))
    jobs = study.planned()
    # Its sequences are registered, assessed and stripped for inputs B.
    assert by_rule(jobs) == NEW_INPUTS + Counter(prepare_derived=NETWORKS * BATCHES)
    assert {job["inputs"] for job in jobs if job.rule != "describe_model"} == {None, "F"}


@pytest.mark.long
def test_another_definition_of_a_derived_channel_prepares_it_again(study: Study) -> None:
    gain = {"subtract": ["post_t1ce", "post_t1"], "normalise": "brain"}
    study.configure(lambda config: config.update(derived_channels={"gain": gain}))
    study.configure(lambda config: config["inputs"].update(F=["post_t1ce", "gain"]))
    held_out = "results/prepared/nnunet/F/holdout.json"
    study.run(held_out)
    assert study.planned(held_out) == []
    study.configure(lambda config: config["derived_channels"]["gain"].update(normalise="none"))
    assert by_rule(study.planned(held_out)) == Counter(prepare_derived=1, select_cases=1)


def test_touching_every_image_reruns_nothing(study: Study) -> None:
    assert touch_all(study.folder / "cohort") > 0
    assert study.planned() == []


def test_a_copy_of_the_study_with_new_times_reruns_nothing(finished: Study, tmp_path: Path) -> None:
    copied = finished.copied(tmp_path / "copied", copy=shutil.copy)
    newest = max(path.stat().st_mtime for path in finished.folder.rglob("*.tsv"))
    assert (copied.folder / "cohort/cohort.tsv").stat().st_mtime > newest
    assert copied.planned() == []


def test_moving_study_and_checkout_reruns_nothing(study: Study, tmp_path: Path) -> None:
    moved = Study(tmp_path / "elsewhere" / "study")
    moved.folder.parent.mkdir()
    study.folder.rename(moved.folder)
    assert moved.with_house_copied(tmp_path / "elsewhere" / "house").planned() == []


def test_editing_or_checking_out_the_training_script_trains_nothing(study: Study, tmp_path: Path) -> None:
    study = study.with_house_copied(tmp_path / "house")
    script = study.house / "scripts/train.py"
    script.write_text(script.read_text() + "\nprint('edited')\n")
    time.sleep(0.01)
    touch_all(study.house)
    assert study.planned() == []


def test_a_library_edit_reruns_the_stages_that_use_it_until_reverted(study: Study, tmp_path: Path) -> None:
    study = study.with_house_copied(tmp_path / "house")
    revert = edit(study.house / "src/residua/segmentation/masks.py", "large[0] = False", "large[0] = bool(0)")
    assert by_rule(study.planned()) == published_of(MODELS)
    revert()
    assert study.planned() == []


def test_a_stricter_check_looks_again_and_repeats_no_stage_of_a_network(study: Study, tmp_path: Path) -> None:
    study = study.with_house_copied(tmp_path / "house")
    edit(study.house / "src/residua/cohort/checks/labels.py", "_MOSTLY = 0.5", "_MOSTLY = 0.4")
    jobs = by_rule(study.planned())
    assert jobs["check_cohort"] == 3
    assert jobs["check_duplicates"] == jobs["participant_flow"] == 1
    networks = ("select_cases", "train", "predict", "ensemble", "choose_threshold", "segment", "measure")
    assert not {*PREPARED, *networks} & set(jobs)


def test_an_edit_of_preparation_reruns_it_and_the_trainings_that_read_it(study: Study, tmp_path: Path) -> None:
    study = study.with_house_copied(tmp_path / "house")
    revert = edit(study.house / "src/residua/preparation/brain_crop.py", "box: Box = boxes[0]", "box: Box = boxes[-1]")
    jobs = by_rule(study.planned())
    assert jobs["register"] == jobs["mask_brain"] == jobs["strip"] == 0
    assert jobs["prepare_stripped"] > 0
    assert jobs["prepare_reference_standard"] > 0
    assert jobs["train"] == TRAININGS
    revert()
    revert = edit(study.house / "src/residua/preparation/strip.py", "np.float32(0)", "np.float32(-0.0)")
    jobs = by_rule(study.planned())
    assert jobs["register"] == jobs["mask_brain"] == jobs["prepare_reference_standard"] == 0
    assert jobs["strip"] > 0
    assert jobs["prepare_stripped"] > 0
    assert jobs["train"] == TRAININGS
    revert()
    assert study.planned() == []


def test_a_new_version_trains_again_on_purpose(study: Study) -> None:
    study.configure(lambda config: config.update(version=2))
    jobs = by_rule(study.planned())
    assert jobs["train"] == TRAININGS
    assert not {"register", "register_around_resection", *PREPARED, "select_cases"} & set(jobs)
