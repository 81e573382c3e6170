"""Submit to PBS, LSF and Grid Engine, and ask them of a job: options of their commands, and what they answer.

Standard library alone: Snakemake asks of each job every few seconds, in a process of its own.

Whether a finished job succeeded is known from its exit code, which the job itself writes into ``FOLDER``: schedulers
forget their jobs. The scheduler is asked only whether a job without an exit code is still alive.
"""

from __future__ import annotations

import json
import math
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from residua.errors import ResiduaError

FOLDER = Path(".snakemake", "generic")
"""Where jobs leave their output and exit codes, in the study's folder."""
_PROPERTIES = "# properties = "
Status = Literal["running", "success", "failed"]


@dataclass(frozen=True)
class JobRequest:
    """What a job asks for; the rest is of the cluster file.

    ``extra`` are further options. Grid Engines differ in the names of memory, parallel environment and GPU.
    """

    name: str
    threads: int
    mem_mb: int
    runtime_min: int
    gpus: int
    queue: str | None = None
    account: str | None = None
    extra: tuple[str, ...] = ()
    memory_name: str = "h_vmem"
    slots_name: str = "smp"
    gpu_name: str = "gpu"


@dataclass(frozen=True)
class Scheduler:
    """One scheduler: how to submit, how its answer names the job, and what says that it knows a job no more."""

    submit: Callable[[JobRequest, Path], list[str]]
    identifier: re.Pattern[str]
    variable: str
    query: tuple[str, ...]
    gone: re.Pattern[str]
    dead: re.Pattern[str]


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}:00"


def _pbs(asked: JobRequest, output: Path) -> list[str]:
    chunk = f"select=1:ncpus={asked.threads}:mem={asked.mem_mb}mb" + (f":ngpus={asked.gpus}" if asked.gpus else "")
    options = ["-N", asked.name, "-l", chunk, "-l", f"walltime={_clock(asked.runtime_min)}"]
    options += ["-q", asked.queue] if asked.queue else []
    options += ["-A", asked.account] if asked.account else []
    return ["qsub", *options, "-j", "oe", "-o", str(output), "-V", *asked.extra]


def _lsf(asked: JobRequest, output: Path) -> list[str]:
    # Units are written out: a cluster sets the default unit of its limits.
    options = ["-J", asked.name, "-n", str(asked.threads), "-M", f"{asked.mem_mb}MB"]
    options += ["-R", f"span[hosts=1] rusage[mem={asked.mem_mb}MB]", "-W", str(asked.runtime_min)]
    options += ["-gpu", f"num={asked.gpus}"] if asked.gpus else []
    options += ["-q", asked.queue] if asked.queue else []
    options += ["-P", asked.account] if asked.account else []
    return ["bsub", *options, "-o", str(output), *asked.extra]


def _sge(asked: JobRequest, output: Path) -> list[str]:
    # The memory of each slot.
    memory = f"{asked.memory_name}={math.ceil(asked.mem_mb / asked.threads)}M"
    options = ["-terse", "-N", asked.name, "-l", f"{memory},h_rt={asked.runtime_min * 60}"]
    options += ["-pe", asked.slots_name, str(asked.threads)] if asked.threads > 1 else []
    options += ["-l", f"{asked.gpu_name}={asked.gpus}"] if asked.gpus else []
    options += ["-q", asked.queue] if asked.queue else []
    options += ["-P", asked.account] if asked.account else []
    return ["qsub", *options, "-S", "/bin/sh", "-cwd", "-j", "y", "-o", str(output), "-V", *asked.extra]


SCHEDULERS = {
    "pbs": Scheduler(
        _pbs, re.compile(r"^(\d+\S*)\s*$", re.MULTILINE), "PBS_JOBID", ("qstat", "-f"),
        re.compile(r"Unknown Job Id|Job has finished"), re.compile(r"^\s*job_state = [FXC]\s*$", re.MULTILINE),
    ),
    "lsf": Scheduler(
        _lsf, re.compile(r"^Job <(\d+)> is submitted", re.MULTILINE), "LSB_JOBID", ("bjobs", "-noheader", "-o", "stat"),
        re.compile(r"Job <\d+> is not found"), re.compile(r"^(DONE|EXIT)\s*$", re.MULTILINE),
    ),
    # A job whose start failed stays in the queue for ever, with the reason.
    "sge": Scheduler(
        _sge, re.compile(r"^(\d+)\S*\s*$", re.MULTILINE), "JOB_ID", ("qstat", "-j"),
        re.compile(r"Following jobs do not exist"), re.compile(r"^error reason", re.MULTILINE),
    ),
}  # fmt: skip


def request_of(script: Path, limits: Mapping[str, Any]) -> JobRequest:
    """Return what a job script of Snakemake asks for, by the cluster file's ``limits`` for its kind.

    Raises ``ResiduaError`` for a script without Snakemake's line of properties.
    """
    lines = script.read_text(encoding="utf-8").splitlines()
    stated = next((line for line in lines if line.startswith(_PROPERTIES)), None)
    if stated is None:
        raise ResiduaError(f"{script}: no job script of Snakemake; submit by snakemake --profile generic")
    job = json.loads(stated.removeprefix(_PROPERTIES))
    resources = job["resources"]
    gpus = int(resources.get("gpu") or 0)
    kind = {**limits["cpu"], **({k: v for k, v in limits["gpu"].items() if v} if gpus else {})}
    longest = limits.get("max_runtime_h")
    minutes = int(resources.get("runtime") or 60)
    return JobRequest(
        name=f"residua_{job.get('rule') or job.get('groupid')}",
        threads=int(job.get("threads") or 1),
        mem_mb=int(resources.get("mem_mb") or 1000),
        runtime_min=min(minutes, longest * 60) if longest else minutes,
        gpus=gpus,
        queue=kind.get("queue"),
        account=kind.get("account"),
        extra=tuple(shlex.split(kind.get("extra") or "")),
        **{f"{name}_name": value for name, value in limits.get("grid_engine", {}).items()},
    )


def submit(scheduler: Scheduler, asked: JobRequest, script: Path) -> str:
    """Submit a job script, and return the job's identifier. Raises ``ResiduaError`` with what the scheduler says."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    place = FOLDER.resolve()
    wrapper = place / f"{script.name}.{time.time_ns()}.sh"
    # Renamed, so that an exit code is never read half written.
    wrapper.write_text(
        f"#!/bin/sh\n/bin/sh {shlex.quote(str(script.resolve()))}\ncode=$?\n"
        f"kept={shlex.quote(str(place))}/${{{scheduler.variable}%%.*}}\n"
        'echo $code > "$kept.begun" && mv "$kept.begun" "$kept.exit"\nexit $code\n',
        encoding="utf-8",
    )
    command = [*scheduler.submit(asked, place / f"{wrapper.stem}.log"), str(wrapper)]
    if command[0] == "bsub":
        command[-1:] = ["/bin/sh", str(wrapper)]
    done = _run(command)
    found = scheduler.identifier.search(done.stdout)
    if done.returncode != 0 or found is None:
        raise ResiduaError(f"{shlex.join(command)}: {(done.stderr or done.stdout).strip()}")
    return found[1]


def status(scheduler: Scheduler, job: str, patience_s: float) -> Status:
    """Return how a job is; one of which nothing can be learned now is taken for running, and asked of again.

    ``patience_s``: how long the exit code of a job that the scheduler no longer knows may take to appear.
    """
    if told := _told_by_itself(job):
        return told
    asked = _run([*scheduler.query, job])
    said = asked.stdout + asked.stderr
    ended = scheduler.gone.search(said) or (asked.returncode == 0 and scheduler.dead.search(asked.stdout))
    if not ended:
        if asked.returncode != 0:
            print(f"{shlex.join(scheduler.query)} {job}: {said.strip()}", file=sys.stderr)
        return "running"
    # It may have ended while the scheduler was asked.
    return _told_by_itself(job) or ("failed" if _gone_for_s(job) > patience_s else "running")


def _told_by_itself(job: str) -> Status | None:
    """Return how a job ended, by the exit code that it left; None as long as there is none."""
    kept = FOLDER / f"{_number(job)}.exit"
    if not kept.is_file():
        return None
    return "success" if kept.read_text(encoding="utf-8").strip() == "0" else "failed"


def _gone_for_s(job: str) -> float:
    """Return since when the scheduler says that a job has ended, of which there is no exit code."""
    mark = FOLDER / f"{_number(job)}.gone"
    mark.parent.mkdir(parents=True, exist_ok=True)
    if not mark.exists():
        mark.touch()
    return time.time() - mark.stat().st_mtime


def _number(job: str) -> str:
    # PBS adds its server's name, which a job may know in another form.
    return job.partition(".")[0]


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise ResiduaError(f"{command[0]}: cannot be started ({error.strerror}); is this a login node of it?") from None
