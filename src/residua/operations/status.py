"""Tell how far a study is, from its files alone: nothing is run, locked or changed."""

from __future__ import annotations

import os
import socket
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import psutil

from residua.cluster import claim
from residua.cluster.study_run import StudyRun, lives
from residua.errors import ResiduaError
from residua.operations.benchmarks import rule_of
from residua.operations.run_log import Job, RunLog, latest_run
from residua.operations.stages import STAGES, stage_of
from residua.operations.training_progress import TrainingProgress, trainings

RunState = Literal["running", "complete", "failed", "stopped", "killed", "not seen", "on another host"]
MAY_RUN: tuple[RunState, ...] = ("running", "not seen", "on another host")
_TAIL_BYTES = 4096
_PROGRAMS = ("snakemake", "python")
"""How the process of a run is named."""


@dataclass(frozen=True)
class Stage:
    """The jobs of one stage: those that earlier runs did, and those of the latest run by state."""

    stage: str
    earlier: int
    done: int
    running: int
    failed: int
    waiting: int


@dataclass(frozen=True)
class Failure:
    """A failed job: what it worked on, the last line of its log, and the log, relative to the study."""

    rule: str
    of: dict[str, str]
    said: str
    log: str


@dataclass(frozen=True)
class Status:
    """How far a study is; ``done`` and ``jobs`` count the jobs of the latest run, times are ISO 8601."""

    state: RunState
    host: str
    began: str | None
    last_sign: str
    done: int
    jobs: int
    stages: tuple[Stage, ...]
    trainings: tuple[TrainingProgress, ...]
    failures: tuple[Failure, ...]


def status_of_study(study: Path, now: datetime | None = None) -> Status:
    """Return the status of the folder ``study``. Raises ``ResiduaError`` where no run has begun."""
    file, run = require_run(study)
    changed = datetime.fromtimestamp(file.stat().st_mtime).astimezone()
    state = _state(study, run, file)
    jobs = [job for job in run.jobs.values() if job.rule != "all"]
    alive = state in MAY_RUN
    failures = tuple(_failure(study, job) for job in jobs if job.state == "failed")
    return Status(
        state=state,
        host=run.host,
        began=run.began.isoformat() if run.began else None,
        last_sign=changed.isoformat(timespec="seconds"),
        done=sum(job.state == "done" for job in jobs),
        jobs=sum(run.planned.values()),
        stages=tuple(_stages(study, run, run.began or changed, alive)),
        trainings=tuple(trainings(study, jobs, alive, now or datetime.now().astimezone())),
        failures=failures,
    )


def require_run(study: Path) -> tuple[Path, RunLog]:
    """Return the latest run and its file; raise ``ResiduaError`` where none has begun."""
    found = latest_run(study)
    if found is None:
        raise ResiduaError(f"{study}: no run has begun here; give the folder of a study (snakemake --directory)")
    return found


def _state(study: Path, run: RunLog, file: Path) -> RunState:
    if not run.ended:
        if recorded := _on_record(study):
            lively = lives(recorded, locked=False)
            return "on another host" if lively is None else "running" if lively else "killed"
        if run.host != socket.gethostname():
            return "on another host"
        return _by_process(file)
    done = sum(job.state == "done" and job.rule != "all" for job in run.jobs.values())
    if run.up_to_date or done == sum(run.planned.values()):
        return "complete"
    return "failed" if run.of("failed") else "stopped"


def _on_record(study: Path) -> StudyRun | None:
    """Return the run that holds the folder, or died there."""
    try:
        found = claim.latest_run(study)
    except (ResiduaError, OSError):
        return None
    return None if found is None or found.stopped or found.given_up else found


def _by_process(log: Path) -> RunState:
    """Return whether a process of this machine has the log of a run open; those of other users cannot be seen."""
    own = os.path.realpath(log)
    state: RunState = "killed"
    # Not the command line of all: the system gives that of a busy process only when the process has the time.
    for process in psutil.process_iter(["name"]):
        if not (process.info["name"] or "").startswith(_PROGRAMS):
            continue
        try:
            if any(file.path == own for file in process.open_files()):
                return "running"
        except psutil.AccessDenied:
            state = "not seen" if _is_snakemake(process) else state
        except (psutil.Error, OSError):
            continue
    return state


def _is_snakemake(process: psutil.Process) -> bool:
    try:
        return any("snakemake" in part for part in process.cmdline())
    except (psutil.Error, OSError):
        return False


def _stages(study: Path, run: RunLog, began: datetime, alive: bool) -> list[Stage]:
    planned, earlier = Counter[str](), _earlier(study, began.timestamp())
    for rule, number in run.planned.items():
        planned[stage_of(rule)] += number
    counts = Counter((stage_of(job.rule), job.state) for job in run.jobs.values() if job.rule != "all")
    rows = []
    for stage in STAGES:
        done, failed = counts[stage, "done"], counts[stage, "failed"]
        running = counts[stage, "running"] if alive else 0
        waiting = max(planned[stage] - done - failed - running, 0)
        if planned[stage] or earlier[stage]:
            rows.append(Stage(stage, earlier[stage], done, running, failed, waiting))
    return rows


def _earlier(study: Path, before: float) -> Counter[str]:
    """Count by stage the jobs that ended before a run began: each left its benchmark."""
    folder, counts = study / "results" / "benchmarks", Counter[str]()
    for place, _, files in os.walk(folder):
        for name in files:
            file = Path(place, name)
            rule = rule_of(file.relative_to(folder))
            # A run that goes on may take it away.
            with suppress(FileNotFoundError):
                counts[stage_of(rule)] += file.stat().st_mtime < before
    return counts


def _failure(study: Path, job: Job) -> Failure:
    log = study / job.log
    return Failure(job.rule, job.wildcards, job.message or _last_line(log), job.log)


def _last_line(log: Path) -> str:
    try:
        with open(log, "rb") as stream:
            stream.seek(max(log.stat().st_size - _TAIL_BYTES, 0))
            lines = stream.read().decode("utf-8", "replace").split("\n")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
