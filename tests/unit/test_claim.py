"""One run at a time in a folder: who is alive, who is dead, and of whom nothing can be seen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from claims import holder, rewrite
from residua.cluster import claim
from residua.cluster.claim import FOLDER, claim_folder, give_up
from residua.cluster.orphans import living_jobs, processes_of, settle
from residua.cluster.study_run import StudyRun
from residua.cluster.with_run import MARK
from residua.errors import ResiduaError

JOB = """
import sys, time
from residua.cluster.with_run import leave_when_asked, leave_with_run
leave_when_asked(lambda: print("leaving", flush=True))
leave_with_run()
print("works", flush=True)
time.sleep(600)
"""
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('works', flush=True); time.sleep(600)"


def test_of_two_runs_the_second_is_refused_and_told_whom_to_wait_for(tmp_path: Path) -> None:
    first = holder(tmp_path)
    for take in (claim_folder, give_up):
        with pytest.raises(ResiduaError, match=f"Another run works in this folder .process {first.pid} on "):
            take(tmp_path)
    first.kill()
    first.wait()
    taken = claim_folder(tmp_path)
    assert [run.process for run in taken.before] == [first.pid]


def test_an_orderly_end_leaves_nothing_on_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    taken = claim_folder()
    # As Snakemake does before the process ends.
    monkeypatch.chdir("/")
    taken.release(jobs_live=False)
    assert not (tmp_path / FOLDER / "run.json").exists()
    assert claim_folder(tmp_path).before == ()


def test_where_the_disk_has_no_locks_the_record_decides(tmp_path: Path) -> None:
    first = holder(tmp_path)
    # Another file of that name is not locked: as if the file system had none.
    (tmp_path / FOLDER / "run.lock").unlink()
    with pytest.raises(ResiduaError, match=f"process {first.pid}"):
        claim_folder(tmp_path)
    # Another process that has got the number since.
    rewrite(tmp_path, ticks=1)
    assert [run.process for run in claim_folder(tmp_path).before] == [first.pid]
    first.kill()
    first.wait()


def test_a_clock_that_is_set_makes_no_run_dead(tmp_path: Path) -> None:
    first = holder(tmp_path)
    # As where the file system has no locks.
    (tmp_path / FOLDER / "run.lock").unlink()
    rewrite(tmp_path, began=psutil.Process(first.pid).create_time() - 3600)
    with pytest.raises(ResiduaError, match=f"process {first.pid}"):
        claim_folder(tmp_path)
    first.kill()
    # Dead, and nobody has asked how it ended.
    os.waitid(os.P_PID, first.pid, os.WEXITED | os.WNOWAIT)
    assert [run.process for run in claim_folder(tmp_path).before] == [first.pid]
    first.wait()


def test_a_run_of_another_host_is_left_alone_until_somebody_says_that_it_is_gone(tmp_path: Path) -> None:
    claim_folder(tmp_path)._lock.close()
    rewrite(tmp_path, host="login2", boot="another")
    with pytest.raises(ResiduaError, match=r"cannot see whether it still works. Give the command on login2.*--unlock"):
        claim_folder(tmp_path)
    give_up(tmp_path)
    assert [run.host for run in claim_folder(tmp_path).before] == ["login2"]


def test_what_was_not_settled_stays_on_record(tmp_path: Path) -> None:
    first = holder(tmp_path, "residua_1")
    first.kill()
    first.wait()
    # This one learns nothing of SLURM, and ends.
    claim_folder(tmp_path).release(jobs_live=False)
    rewrite(tmp_path, ticks=1)
    taken = claim_folder(tmp_path)
    assert [run.slurm for run in taken.before] == [None, "residua_1"]
    taken.nothing_is_left()
    taken.release(jobs_live=False)
    assert claim_folder(tmp_path).before == ()


def test_a_stopped_run_stays_on_record_while_slurm_may_still_end_its_jobs(tmp_path: Path) -> None:
    taken = claim_folder(tmp_path)
    taken.note_slurm("residua_1")
    taken.release(jobs_live=True)
    # Its process is this one, which lives: it said itself that it was done.
    assert [(run.slurm, run.stopped) for run in claim_folder(tmp_path).before] == [("residua_1", True)]


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe"])
def test_a_record_that_is_none_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / FOLDER / "run.json").write_bytes(content)
    with pytest.raises(ResiduaError, match=r"run.json: not a record of a run; remove it"):
        claim_folder(tmp_path)


def test_a_run_that_came_and_died_just_before_the_lock_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = claim._locked

    def after_another(folder: Path, earlier: object) -> object:
        monkeypatch.setattr(claim, "_locked", lock)
        other = holder(tmp_path, "residua_1")
        other.kill()
        other.wait()
        return lock(folder, None)

    monkeypatch.setattr(claim, "_locked", after_another)
    assert [run.slurm for run in claim_folder(tmp_path).before] == ["residua_1"]


def test_a_run_that_ended_while_it_waited_for_others_was_not_killed(tmp_path: Path) -> None:
    first = holder(tmp_path)
    first.kill()
    first.wait()
    claim_folder(tmp_path).release(jobs_live=False)
    assert [run.stopped for run in claim_folder(tmp_path).before] == [True, False]


def job_of(run: StudyRun, main: int, code: str = JOB, shell: bool = False) -> subprocess.Popen[str]:
    """A job of a run, begun; beside a shell that waits for it, as Snakemake starts it."""
    command = ["bash", "-c", f'{sys.executable} -c "$0"; true', code] if shell else [sys.executable, "-c", code]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, MARK: f"{run.id}:{main}"})
    assert started.stdout is not None
    assert started.stdout.readline() == "works\n"
    return started


def test_a_job_leaves_when_the_main_process_is_killed_and_cleans_up(tmp_path: Path) -> None:
    main = subprocess.Popen(["sleep", "600"])
    job = job_of(StudyRun.here(), main.pid)
    main.kill()
    main.wait()
    said, _ = job.communicate(timeout=60)
    assert said == "leaving\n"
    assert job.returncode == -signal.SIGINT, "as after Ctrl-C"


def test_what_a_dead_run_left_is_ended_and_nothing_else(tmp_path: Path) -> None:
    dead, other = StudyRun.here(), StudyRun.here()
    job, stopped = job_of(dead, os.getpid(), shell=True), [job_of(dead, os.getpid()) for _ in range(3)]
    for each in stopped:
        each.send_signal(signal.SIGSTOP)
    lives = job_of(other, os.getpid())
    said: list[str] = []
    try:
        settle(dead, "wait", said.append)
        assert processes_of(dead.id) == []
        assert len(said) == 1
        assert [each.communicate()[0] for each in (job, *stopped)] == ["leaving\n"] * 4
        assert lives.poll() is None
    finally:
        for each in (job, *stopped, lives):
            each.kill()
            each.wait()


def test_a_job_that_does_not_hear_is_killed_in_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("residua.cluster.orphans._PATIENCE_S", 1.0)
    dead = StudyRun.here()
    deaf = job_of(dead, os.getpid(), DEAF, shell=True)
    try:
        settle(dead, "wait", [].append)
        assert processes_of(dead.id) == []
        assert deaf.communicate()[0] == ""
    finally:
        deaf.kill()
        deaf.wait()


def test_where_slurm_does_not_tell_nothing_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ResiduaError, match=r"cannot be told \(squeue: there is no such program.*when SLURM answers"):
        living_jobs("residua_1")
