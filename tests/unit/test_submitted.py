"""Jobs of PBS, LSF and Grid Engine that outlive their run: written down, waited for or cancelled, never forgotten."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from residua.cluster import submitted
from residua.cluster.claim import claim_folder
from residua.cluster.job_status import status_or_running
from residua.cluster.schedulers import FOLDER, SCHEDULERS
from residua.cluster.submitted import (
    SUBMITTER,
    any_submitted,
    cancel_submitted,
    forget_submitted,
    put_on_record,
    settle_submitted,
)
from residua.errors import ResiduaError
from small_disk import mounted
from studies import HOUSE

ALIVE = "echo '    job_state = R'"
GONE = "echo 'qstat: Unknown Job Id' >&2; exit 153"
SILENT = "echo 'cannot connect to server' >&2; exit 111"
LISTED = f'if [ -e "$FOLDER/$2" ]; then {ALIVE}; else {GONE}; fi'


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a study, which is the working directory; commands of PBS come first on the PATH.

    A job lives while a file of its number is there.
    """
    for name in ("bin", "alive", "study"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("FOLDER", str(tmp_path / "alive"))
    monkeypatch.chdir(tmp_path / "study")
    monkeypatch.setattr(submitted, "_LOOK_S", (0.05, 0.1))
    command(tmp_path, "qstat", LISTED)
    command(tmp_path, "qdel", 'for job; do rm -f "$FOLDER/$job"; echo "$job" >> "$FOLDER/../deleted"; done')
    return tmp_path / "study"


def command(folder: Path, name: str, does: str) -> None:
    (folder / "bin" / name).write_text(f"#!/bin/sh\n{does}\n")
    (folder / "bin" / name).chmod(0o755)


def job(study: Path, number: str) -> None:
    (study.parent / "alive" / number).touch()
    put_on_record("pbs", lambda: number)


def test_a_job_that_outlived_its_run_is_waited_for(study: Path) -> None:
    job(study, "1.s")
    job(study, "2.s")
    (study.parent / "alive/2.s").unlink()
    said: list[str] = []
    waiting = threading.Thread(target=settle_submitted, args=("wait", said.append))
    waiting.start()
    time.sleep(0.5)
    assert waiting.is_alive()
    assert any_submitted()
    (study.parent / "alive/1.s").unlink()
    waiting.join(30)
    assert not waiting.is_alive()
    assert len(said) == 1
    assert said[0].startswith("Jobs of the last run still live: 1.s. They are waited for.")
    assert not any_submitted()
    assert not (study.parent / "deleted").exists()


def test_a_job_that_outlived_its_run_is_cancelled_where_the_settings_say_so(study: Path) -> None:
    job(study, "1.s")
    settle_submitted("cancel", print)
    assert (study.parent / "deleted").read_text() == "1.s\n"
    assert not any_submitted()


@pytest.mark.parametrize("does", [SILENT, None])
def test_where_the_scheduler_does_not_tell_nothing_starts_and_the_job_stays_on_record(
    study: Path, does: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    job(study, "1.s")
    if does:
        command(study.parent, "qstat", does)
    else:
        monkeypatch.setenv("PATH", str(study))
    with pytest.raises(
        ResiduaError, match=r"whether job 1.s lives cannot be told \(qstat.*: .*when the scheduler answ"
    ):
        settle_submitted("cancel", print)
    assert any_submitted()


def test_a_job_that_is_gone_is_known_to_be_in_every_language(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    job(study, "1.s")
    command(study.parent, "qstat", f"[ \"$LC_ALL\" = C ] || {{ echo 'Auftrag unbekannt' >&2; exit 153; }}; {GONE}")
    settle_submitted("wait", print)
    assert not any_submitted()


def test_a_job_that_said_how_it_ended_is_not_asked_about(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job(study, "1.s")
    FOLDER.mkdir(parents=True)
    (FOLDER / "1.stamp").write_text("7")
    (FOLDER / "1.7.exit").write_text("0\n")
    monkeypatch.setenv("PATH", str(study))
    settle_submitted("wait", print)
    cancel_submitted("-")


def test_who_stops_waiting_for_the_jobs_of_another_run_does_not_cancel_them(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job(study, "1.s")
    mine = claim_folder().run.id
    cancel_submitted(mine)
    assert any_submitted()
    assert not (study.parent / "deleted").exists()
    monkeypatch.setenv(SUBMITTER, mine)
    job(study, "2.s")
    cancel_submitted(mine)
    assert (study.parent / "deleted").read_text() == "2.s\n"


def test_a_submission_that_outlives_its_run_submits_nothing(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = claim_folder()
    monkeypatch.setenv(SUBMITTER, first.run.id)
    assert put_on_record("pbs", lambda: "1.s") == "1.s"
    first._lock.close()
    monkeypatch.setenv(SUBMITTER, "another")
    with pytest.raises(ResiduaError, match="the run of this job has ended"):
        put_on_record("pbs", lambda: pytest.fail("submitted"))


def test_a_study_that_cannot_be_written_to_submits_nothing_and_says_so(study: Path) -> None:
    command(study.parent, "qsub", "echo 1.s")
    (study / "job.sh").write_text('#!/bin/sh\n# properties = {"rule": "train", "resources": {}}\n')
    (study / ".snakemake").mkdir()
    with mounted(study / ".snakemake", "ro,size=1m"):
        submitting = [sys.executable, str(HOUSE / "profiles/generic/submit.py"), "job.sh"]
        done = subprocess.run(submitting, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"{study}: nothing can be written there: Read-only file system" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_line_cut_by_a_full_disk_or_a_crash_hides_no_job(study: Path) -> None:
    job(study, "1.s")
    with open(study / ".snakemake/residua/submitted", "a") as record:
        record.write("pbs 10")
    assert submitted._on_record(study) == [submitted.Submitted("pbs", "1.s", "-")]
    forget_submitted()
    assert not any_submitted()


def test_a_scheduler_that_hangs_or_is_missing_does_not_end_the_run(
    study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.undo()
    monkeypatch.chdir(study)
    monkeypatch.setenv("PATH", f"{study.parent / 'bin'}:{os.environ['PATH']}")
    command(study.parent, "qstat", "exec sleep 600")
    assert status_or_running(SCHEDULERS["pbs"], "1.s", 0, answer_s=1) == "running"
    assert "no answer within 1 s" in capsys.readouterr().err
    asking = [sys.executable, str(HOUSE / "profiles/generic/status.py"), "pbs", "0", "1.s"]
    told = subprocess.run(asking, env={**os.environ, "PATH": str(study)}, capture_output=True, text=True)
    assert (told.returncode, told.stdout) == (0, "running\n")
    assert "qstat: cannot be started" in told.stderr
