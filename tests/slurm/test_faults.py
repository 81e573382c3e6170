"""Faults of a cluster while a training runs on it: what dies, who notices, and where the training goes on.

Whatever happens, it comes to the weights of one that nobody disturbed: on processors with one thread a training repeats
to the bit, so that equal digests of its files are equal weights.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from cluster import GPU_NODES, Cluster
from processes import carries, running
from residua.cluster.claim import FOLDER
from residua.cluster.leaving import STOPPED
from runs import Study
from studies import Study as LocalStudy
from trainings import MODEL, OnCluster, digests_of, lengthen, until

EPOCHS, ENDLESS = 30, 5000
OUTAGE_S = 30
"""SLURM's commands try for ten seconds."""
REAL_SBATCH = shutil.which("sbatch")
pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def undisturbed(finished: LocalStudy, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Digests of the model of a training that ran through, without SLURM."""
    study = finished.copied(tmp_path_factory.mktemp("undisturbed") / "study")
    lengthen(study, EPOCHS)
    study.run(MODEL)
    return digests_of(study.folder)


@pytest.fixture
def epochs() -> int:
    """For how long a training goes on, where a test says nothing else."""
    return EPOCHS


@pytest.fixture
def training(finished: LocalStudy, cluster: Cluster, tmp_path: Path, epochs: int) -> Iterator[OnCluster]:
    """The same training on the cluster; nothing outlives the test."""
    started = OnCluster(finished.copied(tmp_path / "study"), cluster, tmp_path, epochs)
    yield started
    started.end()
    cluster.run("scancel", "--me")
    until(lambda: not cluster.run("squeue", "--noheader").strip(), started)


@contextmanager
def held(job: str) -> Iterator[int]:
    """Let the training of a SLURM job stand still, so that it does not end meanwhile; give its process."""
    (process,) = [each for each in running() if is_training(each) and carries(each, "SLURM_JOB_ID", job)]
    os.kill(process, signal.SIGSTOP)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGCONT)


def is_training(process: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")[1].endswith(b".train.py")
    return False


def is_step(process: int, job: str) -> bool:
    """Whether a process is SLURM's own beside the processes of a job."""
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes().startswith(f"slurmstepd: [{job}.".encode())
    return False


def start_at_once(cluster: Cluster, training: OnCluster, job: str) -> None:
    """Let a job that was queued again not wait for the two minutes within which SLURM expects its processes to end."""
    until(lambda: not any(is_step(process, job) for process in running()), training)
    cluster.run("scontrol", "update", f"JobId={job}", "StartTime=now")


def ends_as(undisturbed: dict[str, str], training: OnCluster, main: int, states: list[str]) -> None:
    assert main == 0, training.said
    assert training.states() == states
    assert digests_of(training.folder) == undisturbed


def test_before_its_time_limit_it_is_asked_to_leave_and_goes_on_as_another_job(
    training: OnCluster, cluster: Cluster, undisturbed: dict[str, str]
) -> None:
    main = training.start()
    _, reached = training.trains(jobs=1)
    (job,) = training.jobs()
    with held(job["JobId"]) as process:
        # What begins two minutes before the end is here already; SLURM looks every half minute.
        cluster.run("scontrol", "update", f"JobId={job['JobId']}", "TimeLimit=2")
        until(lambda: not Path(f"/proc/{process}").exists(), training)
    first, _ = training.trains(jobs=2)
    assert first >= reached
    ends_as(undisturbed, training, main.wait(), ["FAILED", "COMPLETED"])


@pytest.mark.parametrize(
    ("partition", "states"),
    [
        # With time to leave, it ends by itself and is tried again; without, SLURM queues it again, or lets it end.
        pytest.param("main", ["FAILED", "COMPLETED"], id="with-grace"),
        pytest.param("gpu", ["COMPLETED"], id="queued-again"),
        pytest.param("idle", ["PREEMPTED", "COMPLETED"], id="cancelled"),
    ],
)
def test_preempted_it_goes_on_where_there_is_room(
    training: OnCluster, cluster: Cluster, undisturbed: dict[str, str], partition: str, states: list[str]
) -> None:
    training.cluster_file.write_text(f"gpu: {{partition: {partition}}}")
    main = training.start()
    _, reached = training.trains(jobs=1)
    (job,) = training.jobs()
    node = job["NodeList"]
    urgent = ["--partition=urgent", "--exclusive", f"--nodelist={node}", "--output=/dev/null", "--wrap=sleep 30"]
    cluster.run("sbatch", *urgent)
    until(lambda: training.states()[0] in ("FAILED", "PENDING", "PREEMPTED"), training)
    if training.states() == ["PENDING"]:
        start_at_once(cluster, training, job["JobId"])
    first, _ = training.trains(jobs=len(states))
    assert first >= reached
    assert node not in (last := training.jobs()[-1])["NodeList"]
    assert int(last["Restarts"]) == 2 - len(states)
    ends_as(undisturbed, training, main.wait(), states)


def test_from_a_node_that_goes_down_it_moves_to_another(
    training: OnCluster, cluster: Cluster, undisturbed: dict[str, str]
) -> None:
    main = training.start()
    training.trains(jobs=1)
    (job,) = training.jobs()
    node = job["NodeList"]
    cluster.run("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=fault")
    try:
        until(lambda: training.states() == ["PENDING"], training)
        start_at_once(cluster, training, job["JobId"])
        until(lambda: training.states() == ["RUNNING"], training)
        assert {node, training.jobs()[0]["NodeList"]} == set(GPU_NODES)
    finally:
        cluster.run("scontrol", "update", f"NodeName={node}", "State=RESUME")
    ends_as(undisturbed, training, main.wait(), ["COMPLETED"])


def test_registrations_of_a_group_out_of_memory_are_tried_again_with_more(
    cluster: Cluster, micro_cohort: Path, tmp_path: Path
) -> None:
    (tmp_path / "cohort").symlink_to(micro_cohort)
    registered = [f"results/registered/{patient}/post_t1.nii.gz" for patient in ("STO001", "STO002")]
    resources = ["--set-resources", "register:in_turn=1", "register:mem_mb=60*20**(attempt-1)"]
    run = Study(tmp_path, cluster).run(*registered, *resources)
    assert run.code == 0, run.said
    assert [(job.memory_mb, job.state == "COMPLETED") for job in run.jobs] == [(60, False), (1200, True)]
    assert all((tmp_path / file).exists() for file in registered)


def test_without_a_controller_it_works_on_and_is_found_again(
    training: OnCluster, cluster: Cluster, undisturbed: dict[str, str]
) -> None:
    main = training.start()
    training.trains(jobs=1)
    cluster.stop_controller()
    try:
        time.sleep(OUTAGE_S)
    finally:
        cluster.start_controller()
    ends_as(undisturbed, training, main.wait(), ["COMPLETED"])


def test_what_cannot_be_submitted_waits_for_the_controller(
    training: OnCluster, cluster: Cluster, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    asked, goes_on, sbatch = tmp_path / "asked", tmp_path / "goes_on", training.programs / "sbatch"
    # The real one, at the wrong moment.
    sbatch.write_text(f"""#!/bin/sh
touch {asked}
until [ -e {goes_on} ]; do sleep 0.1; done
exec {REAL_SBATCH} "$@"
""")
    sbatch.chmod(0o755)
    main = training.start("--retries", "0")
    until(asked.exists, training)
    cluster.stop_controller()
    try:
        goes_on.touch()
        time.sleep(OUTAGE_S)
        assert main.poll() is None, training.said
    finally:
        cluster.start_controller()
    ends_as(undisturbed, training, main.wait(), ["COMPLETED"])
    assert "SLURM's controller does not answer: train is submitted when it does." in training.said


def test_after_scancel_of_everything_the_same_command_goes_on(
    training: OnCluster, cluster: Cluster, undisturbed: dict[str, str]
) -> None:
    main = training.start("--retries", "0")
    _, reached = training.trains(jobs=1)
    cluster.run("scancel", "--me")
    assert main.wait() == 1
    assert "Traceback" not in training.said
    main = training.start("--retries", "0")
    first, _ = training.trains(jobs=2)
    assert first >= reached
    ends_as(undisturbed, training, main.wait(), ["CANCELLED", "COMPLETED"])


@pytest.mark.parametrize(
    ("orphans", "says", "states"),
    [
        # Nobody noted that the first had ended: the second finds the whole model, and trains nothing.
        ("wait", r"SLURM jobs of that run still work: {}\. They are waited for", ["COMPLETED", "COMPLETED"]),
        ("cancel", r"SLURM jobs of that run are cancelled: {}\.", ["CANCELLED", "COMPLETED"]),
    ],
    ids=["wait", "cancel"],
)
def test_orphaned_by_kill_9_it_is_waited_for_or_cancelled(
    training: OnCluster, undisturbed: dict[str, str], orphans: str, says: str, states: list[str]
) -> None:
    main = training.start()
    training.trains(jobs=1)
    job = training.jobs()[0]["JobId"]
    told = re.compile(says.format(rf"{job} \(rule_train_\S+, running\)"))
    with held(job):
        main.kill()
        main.wait()
        main = training.start("--config", f"machine={{orphans: {orphans}}}")
        until(lambda: bool(told.search(training.said)), training)
    ends_as(undisturbed, training, main.wait(), states)
    first, second = training.jobs()
    assert first["EndTime"] <= second["StartTime"], "two jobs wrote one output"
    assert training.has_trained() == (orphans == "cancel")


@pytest.mark.parametrize("epochs", [ENDLESS])
def test_a_training_outlives_kill_9_scancel_of_everything_and_sigterm(training: OnCluster, cluster: Cluster) -> None:
    main = training.start()
    _, reached = training.trains(jobs=1)
    main.kill()
    main.wait()
    assert training.states() == ["RUNNING"]

    main = training.start("--config", "machine={orphans: cancel}")
    first, _ = training.trains(jobs=2)
    assert "The last run in this folder was killed (process " in training.said
    assert re.search(r"SLURM jobs of that run are cancelled: \d+ \(rule_train_\S+, running\)", training.said)
    assert first >= reached, "scancel let the training save its last epoch"

    cluster.run("scancel", "--me")
    again, reached = training.trains(jobs=3)
    assert again > first, "tried again, from the last epoch"

    main.terminate()
    assert main.wait() == 1
    assert training.said.rstrip().endswith(STOPPED)
    until(lambda: "RUNNING" not in training.states(), training)
    assert not list(training.folder.glob(".snakemake/locks/*"))
    # The next call sees to what SLURM may still be ending.
    assert (training.folder / FOLDER / "run.json").exists()
