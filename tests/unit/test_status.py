"""How far a study is, read from logs that real runs left, on this machine and through SLURM."""

from __future__ import annotations

import io
import json
import os
import shutil
import socket
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import psutil
import pytest
from rich.console import Console
from typer.testing import CliRunner

from claims import rewrite
from residua.cli import app
from residua.cluster.claim import claim_folder
from residua.errors import ResiduaError
from residua.operations.run_log import latest_run, read_run
from residua.operations.stages import LAST, STAGES
from residua.operations.status import Status, status_of_study
from residua.operations.status_view import view
from residua.operations.training_progress import TrainingProgress
from residua.publishing.progress import show_progress
from rule_files import RULES

LOGS = Path(__file__).parent / "run_logs"
NOW = datetime.fromisoformat("2026-11-27T12:00:00+00:00")
TRAINING = "nnunet_B_fold0"


def ran(study: Path, kind: str, host: str | None = None, at: str = "2026-11-27T113751.089570") -> Path:
    """Put the log of a real run into a study."""
    folder = study / ".snakemake" / "log"
    folder.mkdir(parents=True, exist_ok=True)
    text = (LOGS / f"{kind}.log").read_text(encoding="utf-8").replace("/study/", f"{study}/")
    file = folder / f"{at}.snakemake.log"
    file.write_text(text.replace("Host: node1", f"Host: {host or 'node1'}"), encoding="utf-8")
    return file


def training_of(status: Status, fold: str) -> TrainingProgress:
    (found,) = (each for each in status.trainings if each.fold == fold)
    return found


def shown(status: Status) -> str:
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(view(status))
    return console.export_text()


def started(study: Path, fold: int, slurm_id: int) -> Path:
    """What the node of a training leaves at its start; returns the folder in which it works."""
    node = study / f".snakemake/slurm_logs/rule_train/nnunet_B_{fold}/{slurm_id}.log"
    node.parent.mkdir(parents=True)
    node.write_text("")
    part = study / f"results/models/nnunet/B/fold{fold}.part"
    part.mkdir(parents=True)
    return part


def epochs(study: Path, ends: list[datetime], first: int = 1) -> None:
    log = study / f"results/logs/train/{TRAINING}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"epoch {first + i}/1000 {end.isoformat(timespec='seconds')}\nloss 0.5\n" for i, end in enumerate(ends)]
    log.write_text("".join(lines))


def test_a_run_through_slurm_is_read_with_the_jobs_of_its_groups(tmp_path: Path) -> None:
    run = read_run(ran(tmp_path, "slurm").open())
    assert (run.host, run.ended, sum(run.planned.values())) == ("node1", False, 43)
    assert Counter(job.state for job in run.jobs.values()) == {"done": 33, "running": 2}
    assert Counter(job.rule for job in run.of("done"))["register"] == 8
    assert {job.wildcards["fold"]: job.slurm_id for job in run.of("running")} == {"0": "23", "1": "24"}
    assert run.began is not None
    assert f"{run.began:%H:%M:%S}" == "11:37:54"


def test_a_job_that_was_tried_again_is_done(tmp_path: Path) -> None:
    (job,) = read_run(ran(tmp_path, "retried").open()).jobs.values()
    assert (job.state, job.slurm_id, job.rule) == ("done", "6", "split_folds")


def test_failed_jobs_are_named_with_the_last_line_of_their_log(tmp_path: Path) -> None:
    ran(tmp_path, "failed")
    log = tmp_path / "results/logs/check_preprocessing.log"
    log.parent.mkdir(parents=True)
    log.write_text("1 of 16 failed:\n\n  patient AMS001, post_t1: it does not resemble the reference\n\n")
    status = status_of_study(tmp_path, NOW)
    assert (status.state, status.done, status.jobs) == ("failed", 13, 44)
    assert [(each.rule, each.said) for each in status.failures] == [
        ("select_cases", ""),
        ("select_cases", ""),
        ("check_preprocessing", "patient AMS001, post_t1: it does not resemble the reference"),
    ]
    assert status.failures[0].of == {"arch": "nnunet", "inputs": "B", "subset": "holdout"}
    assert sum(stage.failed for stage in status.stages) == 3
    assert sum(stage.done + stage.failed + stage.waiting for stage in status.stages) == 44


def test_the_latest_run_that_planned_anything_counts(tmp_path: Path) -> None:
    ran(tmp_path, "failed", at="2026-11-27T100000.000000")
    ran(tmp_path, "retried", at="2026-11-27T110000.000000")
    unlocked = tmp_path / ".snakemake/log/2026-11-27T120000.000000.snakemake.log"
    unlocked.write_text("Unlocked working directory.")
    found = latest_run(tmp_path)
    assert found is not None
    assert found[0].name.startswith("2026-11-27T110000")
    ran(tmp_path, "nothing", at="2026-11-27T130000.000000")
    assert status_of_study(tmp_path, NOW).state == "complete"


@pytest.mark.parametrize(("kind", "state"), [("retried", "complete"), ("failed", "failed"), ("slurm", "killed")])
def test_the_state_of_a_run_whose_process_is_gone(tmp_path: Path, kind: str, state: str) -> None:
    ran(tmp_path, kind, socket.gethostname())
    assert status_of_study(tmp_path, NOW).state == state


def test_a_run_that_began_on_another_host_is_not_called_killed(tmp_path: Path) -> None:
    ran(tmp_path, "slurm", "another-host")
    assert status_of_study(tmp_path, NOW).state == "on another host"


@pytest.mark.parametrize(
    ("changed", "state"), [({}, "running"), ({"ticks": 1}, "killed"), ({"numbers": "pid:[7]"}, "on another host")]
)
def test_what_is_on_record_of_a_run_says_whether_it_lives(
    tmp_path: Path, changed: dict[str, object], state: str
) -> None:
    """The process of a container, or of another user, cannot be seen to write the log."""
    ran(tmp_path, "slurm", socket.gethostname())
    claim_folder(tmp_path)._lock.close()
    rewrite(tmp_path, **changed)
    assert status_of_study(tmp_path, NOW).state == state


def test_a_run_whose_process_writes_its_log_is_running(tmp_path: Path) -> None:
    file = ran(tmp_path, "slurm", socket.gethostname())
    holding = "import sys; log = open(sys.argv[1], 'a'); print('open', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", holding, str(file), "snakemake"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        status = status_of_study(tmp_path, NOW)
        process.communicate()
    assert status.state == "running"
    assert {stage.stage: stage.running for stage in status.stages if stage.running} == {"train": 2}


def test_where_a_process_of_another_user_may_write_it_nothing_is_said_of_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran(tmp_path, "slurm", socket.gethostname())

    def denied(process: psutil.Process) -> None:
        raise psutil.AccessDenied(process.pid)

    monkeypatch.setattr(psutil.Process, "open_files", denied)
    waiting = "import sys; print('begun', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", waiting, "snakemake"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        # Its command can be seen only when it has begun.
        assert process.stdout is not None
        process.stdout.readline()
        status = status_of_study(tmp_path, NOW)
        process.communicate()
    assert status.state == "not seen"
    assert "it may be running" in shown(status)


class TestTrainings:
    """The two trainings of a run, of which one waits for its node."""

    @pytest.fixture(autouse=True)
    def run(self, tmp_path: Path) -> None:
        ran(tmp_path, "slurm", "another-host")

    def test_a_job_without_a_node_is_queued_and_one_with_a_node_runs(self, tmp_path: Path) -> None:
        started(tmp_path, 0, 23)
        status = status_of_study(tmp_path, NOW)
        states = [(each.fold, each.state, each.slurm_id) for each in status.trainings]
        assert states == [("0", "running", "23"), ("1", "queued", "24")]

    def test_pace_rest_and_the_age_of_the_save_are_told(self, tmp_path: Path) -> None:
        part = started(tmp_path, 0, 23)
        show_progress("epoch", part / "progress.json")(40, 1000)
        epochs(tmp_path, [NOW - timedelta(seconds=s) for s in (900, 300, 200, 100)], first=37)
        (part / "checkpoint.pth").write_bytes(b"")
        os.utime(part / "checkpoint.pth", times=(NOW.timestamp() - 250,) * 2)
        found = training_of(status_of_study(tmp_path, NOW), "0")
        # The first epoch after a start waits for its data: the median leaves it out.
        assert (found.epoch, found.epochs, found.seconds_per_epoch, found.left_s) == (40, 1000, 100, 96_000)
        assert found.checkpoint_age_s == pytest.approx(250)
        assert not found.stalled

    def test_a_resumed_training_counts_no_pause_as_an_epoch(self, tmp_path: Path) -> None:
        started(tmp_path, 0, 23)
        log = tmp_path / f"results/logs/train/{TRAINING}.log"
        epochs(tmp_path, [NOW - timedelta(hours=h) for h in (20, 19)], first=1)
        before = log.read_text()
        epochs(tmp_path, [NOW - timedelta(seconds=s) for s in (60, 30)], first=7)
        log.write_text(before + log.read_text())
        # One pair an hour apart and one 30 s apart; from epoch 2 to epoch 7 nothing is known.
        assert training_of(status_of_study(tmp_path, NOW), "0").seconds_per_epoch == pytest.approx((3600 + 30) / 2)

    @pytest.mark.parametrize(("silent_s", "stalled"), [(899, False), (901, True)])
    def test_it_has_stalled_when_no_epoch_ended_for_five_times_the_usual(
        self, tmp_path: Path, silent_s: int, stalled: bool
    ) -> None:
        started(tmp_path, 0, 23)
        epochs(tmp_path, [NOW - timedelta(seconds=silent_s + 100 * i) for i in (2, 1, 0)])
        assert training_of(status_of_study(tmp_path, NOW), "0").stalled is stalled

    def test_it_is_interrupted_when_the_run_was_killed(self, tmp_path: Path) -> None:
        ran(tmp_path, "slurm", socket.gethostname())
        started(tmp_path, 0, 23)
        assert {each.state for each in status_of_study(tmp_path, NOW).trainings} == {"interrupted"}

    def test_a_published_one_is_whole(self, tmp_path: Path) -> None:
        folder = tmp_path / "results/models/agunet/B/fold1"
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text("{}")
        found = next(each for each in status_of_study(tmp_path, NOW).trainings if each.arch == "agunet")
        assert (found.state, found.epochs) == ("whole", None)

    def test_a_damaged_count_is_no_count(self, tmp_path: Path) -> None:
        (started(tmp_path, 0, 23) / "progress.json").write_text('{"done": 3')
        assert training_of(status_of_study(tmp_path, NOW), "0").epochs is None


def test_what_earlier_runs_did_is_counted_apart(tmp_path: Path) -> None:
    ran(tmp_path, "slurm")
    yesterday = NOW - timedelta(days=1)
    for time, name in ((yesterday, "train/A"), (NOW, "train/B"), (yesterday, "prepare/A"), (yesterday, "table1")):
        file = tmp_path / f"results/benchmarks/{name}.tsv"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
        os.utime(file, times=(time.timestamp(),) * 2)
    earlier = {stage.stage: stage.earlier for stage in status_of_study(tmp_path, NOW).stages if stage.earlier}
    assert earlier == {"prepare channels": 1, "train": 1, LAST: 1}


@pytest.mark.parametrize("kind", ["slurm", "failed", "nothing"])
def test_the_command_shows_it_in_any_terminal_and_as_json_and_changes_nothing(tmp_path: Path, kind: str) -> None:
    ran(tmp_path, kind)
    before = sorted(tmp_path.rglob("*"))
    shown = CliRunner().invoke(app, ["status", str(tmp_path)])
    assert shown.exit_code == 0, shown.output
    as_json = CliRunner().invoke(app, ["status", str(tmp_path), "--json"])
    record = json.loads(as_json.output)
    assert record["state"] in ("on another host", "failed", "complete")
    assert [stage["stage"] for stage in record["stages"]] == [s for s in STAGES if s in shown.output]
    watched = CliRunner().invoke(app, ["status", str(tmp_path), "--watch"]) if kind == "failed" else shown
    assert watched.exit_code == 0
    assert sorted(tmp_path.rglob("*")) == before


def test_brackets_in_a_message_are_shown_as_they_are(tmp_path: Path) -> None:
    ran(tmp_path, "failed")
    log = tmp_path / "results/logs/check_preprocessing.log"
    log.parent.mkdir(parents=True)
    log.write_text("shape [/1, 2] is not [red]3[/red]")
    assert "shape [/1, 2] is not [red]3[/red]" in shown(status_of_study(tmp_path, NOW))


def test_a_folder_in_which_nothing_ran_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(ResiduaError, match="no run has begun here"):
        status_of_study(tmp_path)
    shutil.rmtree(tmp_path)
    assert CliRunner().invoke(app, ["status", str(tmp_path)]).exit_code == 1


def test_every_rule_of_a_stage_exists() -> None:
    known = set(RULES)
    assert {name for names in STAGES.values() for name in names} - known == set()
