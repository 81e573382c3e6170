"""No result of any kind is taken for finished once it is damaged: it is found, refused by name, and made again."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

import pytest

from damages import KINDS, damage
from residua.errors import DamagedStageError
from residua.operations.verify import Verification, verify_study
from residua.publishing.publish import digest, manifest_of, verified
from residua.publishing.seals import require_sealed, sealed_files
from rule_files import RULES
from studies import Job, Study, by_rule

NOT_IN_THE_MICRO_STUDY = {
    "of an application": (
        "bring_back", "describe_resections", "judge_calibrations", "list_patients", "report_patient", "score_bundles",
        "score_thresholds", "summarise_validation", "tabulate_patients", "unpack",
    ),
    "of an option": (
        "analyse_survival", "bring_back_brain", "choose_again", "combine", "compare_conventions", "compare_subgroups",
        "compare_subsets", "deface", "ensemble_lacking", "export_model", "forest_figures", "kaplan_meier",
        "leave_out", "make_training_heads", "mask_preoperative", "measure_again", "measure_conventions",
        "measure_lacking", "plan_folds", "plan_network", "prepare_derived", "prepare_preoperative",
        "prepare_preoperative_tumor", "prepare_sampled", "register_without_label", "report_cases", "sample",
        "segment_again", "segment_lacking", "select_preoperative", "take_elsewhere",
        "take_initial_weights", "train_brain_model", "train_preoperative", "warp_label",
    ),
    "a figure that the micro study leaves out": (
        "agreement_figure", "calibration_figure", "confusion_figure", "dice_by_volume_figure", "discrimination_figure",
        "learning_curves_figure", "pipeline_figure",
    ),
}  # fmt: skip
"""Rules of which the finished micro study has no job. The same lines of scripts/_here.py seal what they write."""
WITHOUT_DIGEST = (
    r"(logs|benchmarks|\.sha256)/.*",  # of the runs, and the digests themselves
    r".*\.lock",  # empty
    r".*/\.manifest\.json",  # a copy: a training that is published again is compared with it, file by file
    r"cohort/problems/.*\.json",  # hints of which patients failed; a damaged one is ignored, and the check runs
    r"cohort/voxels/.*\.json",  # each entry holds its own digest, and is read from the scan anew where it is damaged
    r"cohort/headers\.json",  # as the problems
    r"cohort/given\.json",  # as the voxels: a file that it does not describe is read anew
)  # fmt: skip
"""Files below the results that no digest covers, and why none is needed."""


def verify(study: Study) -> Verification:
    return verify_study(study.folder, 2, lambda done, total: None)


@pytest.fixture(scope="module")
def jobs(finished: Study) -> list[Job]:
    """Every job of the finished study."""
    return finished.planned("--forceall")


def test_every_rule_has_a_case_here(jobs: list[Job]) -> None:
    run, others = set(by_rule(jobs)), [rule for rules in NOT_IN_THE_MICRO_STUDY.values() for rule in rules]
    assert run | set(others) == set(RULES)
    assert not run & set(others)


def test_every_result_is_compared_with_a_digest(finished: Study) -> None:
    with chdir(finished.folder):
        covered = set(sealed_files())
        for manifest in Path("results").rglob("manifest.json"):
            covered |= {f"{manifest.parent}/{name}" for name in manifest_of(manifest)["files"]}
        found = {str(file) for file in Path("results").rglob("*") if file.is_file()}
    unknown = found - covered
    pattern = re.compile("|".join(f"results/(?:{each})" for each in WITHOUT_DIGEST))
    assert [file for file in sorted(unknown) if not pattern.fullmatch(file)] == []


def test_every_output_is_refused_and_found_once_it_is_damaged(study: Study, jobs: list[Job]) -> None:
    outputs = [output for job in jobs for output in job.outputs]
    with chdir(study.folder):
        for number, output in enumerate(outputs):
            damage(Path(output), KINDS[number % len(KINDS)])
        # What scripts/_here.py does with the inputs of every job before its script begins.
        for output in outputs:
            with pytest.raises(DamagedStageError) as raised:
                require_sealed([output])
            assert str(raised.value).startswith(f"{output}: changed or damaged since it was made")
            assert f"rm {output} " in str(raised.value)
    found = verify(study)
    assert found.remake == tuple(sorted(outputs))
    assert all(any(said.startswith(output) for said in found.damaged) for output in outputs)


def test_every_folder_is_refused_and_found_once_a_file_of_it_is_damaged(study: Study, jobs: list[Job]) -> None:
    manifests = sorted(output for job in jobs for output in job.outputs if output.endswith("/manifest.json"))
    with chdir(study.folder):
        for number, manifest in enumerate(manifests):
            names = sorted(manifest_of(manifest)["files"])
            name = names[number % len(names)]
            damage(
                Path(manifest).with_name(name) if "/" not in name else Path(manifest).parent / name, KINDS[number % 4]
            )
            with pytest.raises(DamagedStageError, match=re.escape(name)):
                verified(manifest)
    found = verify(study)
    assert found.remake == tuple(manifests)
    assert len(found.damaged) == len(manifests)


DAMAGED = (
    "results/cohort/folds.json",
    "results/registered/STO001/post_t1_warp.nii.gz",
    "results/segmentations/nnunet/B/threshold.json",
    "results/metrics/nnunet/B.parquet",
    "results/figures/figure4.png",
    "results/figures/figure4.txt",
    "results/tables/table3.csv",
)
IN_FOLDERS = {
    "results/brain/AMS-0/manifest.json": "AMS002.nii.gz",
    "results/segmentations/nnunet/A/test/manifest.json": "AMS001.nii.gz",
}


@pytest.mark.long  # Every output is damaged and refused above.
def test_a_job_refuses_what_is_damaged_and_the_named_commands_make_it_again(study: Study) -> None:
    results = study.folder / "results"
    before = {file: digest(file) for kind in ("json", "nii.gz", "csv") for file in results.rglob(f"*.{kind}")}
    for number, file in enumerate([*DAMAGED, *(str(Path(m).with_name(name)) for m, name in IN_FOLDERS.items())]):
        damage(study.folder / file, KINDS[number % len(KINDS)])
    readers = ("results/tables/table2.html", "results/statistics/discrimination.parquet")
    for reader in readers:
        (study.folder / reader).unlink()
    tried = study.snakemake(*readers)
    said = tried.stdout + tried.stderr
    assert tried.returncode != 0
    assert "Traceback" not in said
    assert "table2: results/cohort/folds.json: changed or damaged since it was made" in said
    assert "rm results/cohort/folds.json and run the same snakemake command again" in said
    assert "discrimination: results/metrics/nnunet/B.parquet: changed or damaged since it was made" in said

    # A start writes it, and so it is made again with a result that is cheap.
    damage(study.folder / "results/cohort/study.json")
    residua = str(Path(sys.executable).parent / "residua")
    asked = subprocess.run(
        [residua, "explain", str(study.folder), "--verify", "--json"], capture_output=True, text=True
    )
    assert asked.returncode == 1
    found = json.loads(asked.stdout)
    assert set(found["remake"]) == {*DAMAGED, *IN_FOLDERS, "results/cohort/study.json", "results/report/index.html"}
    variables = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(" && ".join(found["commands"]), shell=True, env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert verify(study).damaged == ()
    assert study.planned() == []
    own = {study.folder / f"results/cohort/{name}.json" for name in ("study", "given")}
    assert {file for file, content in before.items() if digest(file) != content} <= own
