"""``snakemake --profile slurm`` on a real SLURM; every statement is read from its controller's own records."""

from __future__ import annotations

import csv
import os
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import GPU_NODES, NODES, Cluster
from residua.operations.status import status_of_study
from runs import Run, SlurmJob, Study

TABLE = "results/tables/table3.csv"
REGISTERED = tuple(f"results/registered/{patient}/post_t1.nii.gz" for patient in ("STO002", "GOT001", "GOT002"))
TARGETS = (TABLE, "results/registered/STO001/pre_tumor.nii.gz", *REGISTERED)
REGISTRATIONS = 1 + len(REGISTERED)
"""STO001's label comes with the registration of its sequence."""
IN_THREES = ("--group-components", "per_patient=3")


@pytest.fixture(scope="module")
def study(cluster: Cluster, micro_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The micro study with the repository's own cluster file."""
    return _study(tmp_path_factory.mktemp("micro"), micro_cohort, cluster)


@pytest.fixture(scope="module")
def started(study: Study) -> Iterator[subprocess.Popen[str]]:
    """Its run, which goes on while the first tests run."""
    running = study.start(*TARGETS, *IN_THREES)
    yield running
    running.kill()


@pytest.fixture(scope="module")
def finished(started: subprocess.Popen[str], cluster: Cluster) -> Run:
    """Its run, at its end."""
    run = Run.of(started, cluster)
    assert run.code == 0, run.said
    return run


def _study(folder: Path, micro_cohort: Path, cluster: Cluster, cluster_file: Path | None = None) -> Study:
    (folder / "cohort").symlink_to(micro_cohort)
    return Study(folder, cluster, cluster_file)


def _of_rules(run: Run, *rules: str) -> list[SlurmJob]:
    return [job for job in run.jobs if job.rule in rules]


@pytest.mark.usefixtures("started")
def test_cluster_file_beyond_the_cluster_gives_one_message(
    micro_cohort: Path, cluster: Cluster, tmp_path: Path, cluster_file: Path
) -> None:
    cluster_file.write_text("{cpu: {partition: short}, gpu: {partition: gpux}}")
    run = _study(tmp_path, micro_cohort, cluster, cluster_file).run(TABLE)
    assert run.code != 0
    assert "Traceback" not in run.said
    assert (
        "train: partition gpux does not exist; there are main, cpu, small, gpu, idle, short, closed, urgent" in run.said
    )
    assert "mask_brain: requests 2 h, but partition short ends jobs after 1 h: set max_runtime_h" in run.said
    assert run.jobs == []
    assert not (tmp_path / "results").exists()


@pytest.mark.usefixtures("started")
def test_job_out_of_memory_is_retried_with_more(micro_cohort: Path, cluster: Cluster, tmp_path: Path) -> None:
    run = _study(tmp_path, micro_cohort, cluster).run(
        "results/cohort/folds.json", "--set-resources", "split_folds:mem_mb=20*50**(attempt-1)"
    )
    assert run.code == 0, run.said
    assert [(job.memory_mb, job.state == "COMPLETED") for job in run.jobs] == [(20, False), (1000, True)]


@pytest.mark.usefixtures("started")
def test_job_is_retried_with_what_it_had_where_no_node_has_twice_as_much(
    micro_cohort: Path, cluster: Cluster, tmp_path: Path, cluster_file: Path
) -> None:
    cluster_file.write_text("cpu: {partition: small}")
    study = _study(tmp_path, micro_cohort, cluster, cluster_file)
    before = {job["JobId"] for job in cluster.jobs()}
    main = study.start("--until", "check_cohort")
    first = _wait_for_job(cluster, before, "small")
    cluster.run("scancel", first["JobId"])
    run = Run.of(main, cluster)
    assert run.code == 0, run.said
    assert "check_cohort is tried again with 4000 MB, not 8000: no node has as much for it." in run.said
    assert "CANCELLED" in {job.state for job in run.jobs}
    assert {job.memory_mb for job in run.jobs} == {4000}


def test_study_finishes(finished: Run, study: Study) -> None:
    with (study.folder / TABLE).open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["Input"], row["Data"]) for row in rows] == [("B", "Val"), ("B", "Test")]
    assert all(re.match(r"\d+\.\d+", row["DSC-P (%)"]) for row in rows)
    assert finished.planned["train"] == finished.planned["predict"] == 2
    status = status_of_study(study.folder)
    assert (status.state, status.done, status.failures) == ("complete", finished.planned.total(), ())
    assert {(each.fold, each.state, each.epoch) for each in status.trainings} == {("0", "whole", 4), ("1", "whole", 4)}


def test_every_job_runs_in_slurm(finished: Run) -> None:
    alone = Counter(job.rule for job in finished.jobs if not job.is_group)
    grouped = {
        "register", "register_around_resection", "strip", "prepare_reference_standard", "prepare_stripped",
        "choose_threshold", "segment", "measure",
    }  # fmt: skip
    assert alone == Counter({rule: n for rule, n in finished.planned.items() if rule not in grouped})
    assert {job.state for job in finished.jobs} == {"COMPLETED"}
    assert {job.node for job in finished.jobs} <= set(NODES)
    assert re.findall(r"^localrule (\w+):", finished.said, re.MULTILINE) in ([], ["all"])


def test_trainings_and_predictions_get_a_gpu_and_their_memory(finished: Run) -> None:
    jobs = _of_rules(finished, "train", "predict", "ensemble")
    assert len(jobs) == 5
    assert {(job.rule, job.memory_mb, job.limit_min) for job in jobs} == {
        ("train", 64000, 10080),
        ("predict", 32000, 720),
        ("ensemble", 32000, 1440),
    }
    assert {job.asked for job in jobs} == {"gres:gpu:1"}
    assert {job.node for job in jobs} <= set(GPU_NODES)
    assert {job.devices for job in jobs} <= {"0", "1"}
    others = [job for job in finished.jobs if job not in jobs]
    assert {(job.asked, job.devices) for job in others} == {("", "")}


def test_grouped_registrations_request_the_resources_of_one(finished: Run) -> None:
    assert finished.planned["register"] == REGISTRATIONS - 1
    assert finished.planned["register_around_resection"] == 1
    groups = [job for job in finished.jobs if job.rule.startswith("per_patient")]
    assert len(groups) == 2
    # 1000 MB and 40 bytes for each of some 200,000 voxels of two micro scans; of one job of the group, not of all.
    assert {(job.memory_mb, job.cpus) for job in groups} <= {(1009, 1), (1010, 1)}
    register_min = 120
    assert sum(job.limit_min for job in groups) == REGISTRATIONS * register_min


def test_second_call_has_nothing_to_do(finished: Run, study: Study) -> None:
    again = study.run(*TARGETS)
    assert finished.code == again.code == 0
    assert "Nothing to be done" in again.said
    assert again.jobs == []


def test_study_resumes_after_a_kill_with_another_gpu_request(
    finished: Run, study: Study, cluster: Cluster, cluster_file: Path
) -> None:
    cluster_file.write_text("gpu: {partition: closed, account: payer, request: gres, type: v100}")
    elsewhere = Study(study.folder, cluster, cluster_file)
    again = ("--forcerun", "ensemble", "--until", "ensemble")
    main = elsewhere.start(*again)
    before = {job["JobId"] for job in cluster.jobs()}
    waiting = _wait_for_job(cluster, before)
    assert status_of_study(study.folder).state == "running"
    os.kill(main.pid, signal.SIGKILL)
    main.communicate()
    assert status_of_study(study.folder).state == "killed"
    assert (waiting["Partition"], waiting["Account"]) == ("closed", "payer")
    assert waiting["TresPerNode"] == "gres:gpu:v100:1"
    assert "TresPerJob" not in waiting
    assert _state(cluster, waiting) == "PENDING"

    cluster_file.write_text(cluster_file.read_text().replace("closed", "gpu"))
    run = elsewhere.run(*again)
    assert run.code == 0, run.said
    assert f"SLURM jobs of that run are cancelled: {waiting['JobId']} (rule_ensemble" in run.said
    assert _state(cluster, waiting) == "CANCELLED"
    (job,) = run.jobs
    assert (job.state, job.node, job.partition, job.account) == ("COMPLETED", "gpu2", "gpu", "payer")
    assert job.devices in ("0", "1")


def _wait_for_job(cluster: Cluster, known: set[str], partition: str | None = None) -> dict[str, str]:
    for _ in range(300):
        new = [job for job in cluster.jobs() if job["JobId"] not in known]
        new = [job for job in new if partition in (None, job["Partition"])]
        if new:
            return new[0]
        time.sleep(0.1)
    raise AssertionError("no job was submitted")


def _state(cluster: Cluster, job: dict[str, str]) -> str:
    return next(record["JobState"] for record in cluster.jobs() if record["JobId"] == job["JobId"])
