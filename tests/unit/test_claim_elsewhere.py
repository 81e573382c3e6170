"""Runs of other machines, containers and SLURM jobs in the same folder, and a disk without locks."""

from __future__ import annotations

import errno
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from claims import holder, record, rewrite
from residua.cluster import claim, study_run
from residua.cluster.claim import FOLDER, claim_folder, give_up
from residua.cluster.study_run import StudyRun
from residua.errors import ResiduaError


def test_this_machine_started_again_holds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    is_machine(tmp_path, monkeypatch, "the same")
    claim_folder(tmp_path)._lock.close()
    rewrite(tmp_path, boot="before")
    assert len(claim_folder(tmp_path).before) == 1


def is_machine(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (folder / "machine-id").write_text(f"{name}\n")
    monkeypatch.setattr(study_run, "_MACHINE", folder / "machine-id")


@pytest.mark.parametrize("elsewhere", [{"machine": "another"}, {"machine": ""}, {"numbers": "pid:[7]"}])
def test_another_machine_of_the_same_name_is_not_this_one_started_again(
    elsewhere: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_machine(tmp_path, monkeypatch, "this")
    claim_folder(tmp_path)._lock.close()
    rewrite(tmp_path, boot="another", **elsewhere)
    with pytest.raises(
        ResiduaError, match=r"another container, on another machine of the same name, or .*add --unlock"
    ):
        claim_folder(tmp_path)
    give_up(tmp_path)
    assert len(claim_folder(tmp_path).before) == 1


def no_locks(*arguments: object) -> None:
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


@pytest.mark.parametrize("after_a_dead_run", [False, True])
@pytest.mark.parametrize("links", [True, False])
def test_of_many_claims_at_once_one_wins_where_the_disk_has_no_locks(
    after_a_dead_run: bool, links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_link(*names: object) -> None:
        raise PermissionError

    monkeypatch.setattr("fcntl.lockf", no_locks)
    if not links:
        monkeypatch.setattr("os.link", no_link)
    for attempt in range(5):
        study = tmp_path / str(attempt)
        if after_a_dead_run:
            first = holder(study)
            first.kill()
            first.wait()
        starting, won = threading.Barrier(6), list[claim.Claim]()

        def take(study: Path = study, starting: threading.Barrier = starting, won: list[claim.Claim] = won) -> None:
            starting.wait()
            with suppress(ResiduaError):
                won.append(claim_folder(study))

        takers = [threading.Thread(target=take) for _ in range(6)]
        for taker in takers:
            taker.start()
        for taker in takers:
            taker.join()
        assert len(won) == 1
        assert record(study)["run"]["id"] == won[0].run.id
        assert sorted(file.name for file in (study / FOLDER).iterdir()) == ["run.json", "run.lock"]


def test_a_claim_that_was_made_while_another_read_the_record_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fcntl.lockf", no_locks)
    before_others, won = claim._before_others, list[claim.Claim]()

    def late(*arguments: Any) -> Any:
        monkeypatch.setattr(claim, "_before_others", before_others)
        won.append(claim_folder(tmp_path))
        return before_others(*arguments)

    monkeypatch.setattr(claim, "_before_others", late)
    with pytest.raises(ResiduaError, match=f"Another run works in this folder .process {os.getpid()} on "):
        claim_folder(tmp_path)
    assert record(tmp_path)["run"]["id"] == won[0].run.id


def test_who_dies_while_it_takes_the_folder_keeps_nobody_out(tmp_path: Path) -> None:
    first = holder(tmp_path)
    first.kill()
    first.wait()
    (dead,) = claim_folder(tmp_path).before
    died = dead.model_copy(update={"id": "taker"})
    (tmp_path / FOLDER / f"after-{record(tmp_path)['run']['id']}").write_text(died.model_dump_json())
    rewrite(tmp_path, ticks=1)
    assert len(claim_folder(tmp_path).before) == 2
    assert not list((tmp_path / FOLDER).glob("after-*"))


IN_ANOTHER_NAMESPACE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]


@pytest.fixture
def container(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A run that holds the folder, with numbers of processes of its own."""
    if subprocess.run([*IN_ANOTHER_NAMESPACE, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("namespaces need root")
    held = holder(tmp_path, inside=IN_ANOTHER_NAMESPACE)
    yield held
    held.kill()
    held.wait()


def test_a_run_in_a_container_is_never_taken_for_dead_while_it_lives(
    container: subprocess.Popen[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(
        ResiduaError, match=r"Another run works in this folder .process 1 on .* kill 1 in its container on "
    ):
        claim_folder(tmp_path)
    with monkeypatch.context() as changed:
        changed.setattr("fcntl.lockf", no_locks)
        with pytest.raises(ResiduaError, match=r"it began in another container.*--unlock"):
            claim_folder(tmp_path)
    container.kill()
    container.wait()
    # The lock that it had is free.
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with suppress(ResiduaError):
            assert len(claim_folder(tmp_path).before) == 1
            return
        time.sleep(0.1)
    pytest.fail("the folder is not free")


def test_a_run_of_a_user_who_is_hidden_is_not_taken_for_dead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where /proc is mounted with hidepid, and the file system has no locks."""
    first = holder(tmp_path)
    own, told = f"/proc/{first.pid}/stat", study_run._told
    monkeypatch.setattr(study_run, "_told", lambda file: "" if str(file) == own else told(file))
    with pytest.raises(ResiduaError, match=f"Another run works in this folder .process {first.pid} on "):
        claim_folder(tmp_path)
    (tmp_path / FOLDER / "run.lock").unlink()
    with monkeypatch.context() as changed:
        changed.setattr("fcntl.lockf", no_locks)
        with pytest.raises(ResiduaError, match=r"under a user who is hidden here.*--unlock"):
            claim_folder(tmp_path)
    first.kill()
    first.wait()
    assert [run.process for run in claim_folder(tmp_path).before] == [first.pid]


SQUEUE: dict[str, tuple[str, bool | None]] = {"lives": ("echo RUNNING", True), "ended": ("true", False)}
SQUEUE["forgotten"] = ("echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1", False)
SQUEUE["silent"] = ("echo 'Unable to contact slurm controller' >&2; exit 1", None)


@pytest.mark.parametrize("told", SQUEUE)
def test_slurm_knows_whether_a_run_inside_a_job_on_another_node_lives(
    told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, lively = SQUEUE[told]
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    (tmp_path / "bin").mkdir()
    for name, does in (("squeue", answer), ("scontrol", "echo 'ClusterName             = alps'")):
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    claim_folder(tmp_path)._lock.close()
    rewrite(tmp_path, host="node7", boot="another", inside="4711", slurm_cluster="alps")
    if lively is False:
        assert [run.inside for run in claim_folder(tmp_path).before] == ["4711"]
        return
    with pytest.raises(ResiduaError, match="or scancel 4711" if lively else "nor does SLURM tell here whether its job"):
        claim_folder(tmp_path)
    rewrite(tmp_path, slurm_cluster="another")
    with pytest.raises(ResiduaError, match="nor does SLURM tell here"):
        claim_folder(tmp_path)


def test_a_slurm_job_that_begins_again_on_another_node_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    claim_folder(tmp_path)._lock.close()
    rewrite(tmp_path, host="node7", boot="another")
    with pytest.raises(ResiduaError, match="cannot see"):
        claim_folder(tmp_path)
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    assert [run.host for run in claim_folder(tmp_path).before] == ["node7"]


def test_unlock_takes_nothing_from_a_run_whose_record_was_removed(tmp_path: Path) -> None:
    first = holder(tmp_path)
    (tmp_path / FOLDER / "run.json").unlink()
    with pytest.raises(ResiduaError, match="Another run works"):
        give_up(tmp_path)
    first.kill()
    first.wait()
    give_up(tmp_path)


def test_unlock_frees_a_folder_whose_taker_died_elsewhere(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir(parents=True)
    elsewhere = StudyRun.here().model_copy(update={"boot": "another", "host": "login2"})
    (tmp_path / FOLDER / "after-nobody").write_text(elsewhere.model_dump_json())
    with pytest.raises(ResiduaError, match="Give the command on login2"):
        claim_folder(tmp_path)
    give_up(tmp_path)
    assert claim_folder(tmp_path).before == ()
