"""Submit to PBS, LSF and Grid Engine, and ask them of a job: options of their commands, and what they answer.

Standard library alone: Snakemake asks of each job every few seconds, in a process of its own.

Whether a finished job succeeded is known from its exit code, which the job itself writes into ``FOLDER``: schedulers
forget their jobs. The scheduler is asked only whether a job without an exit code is still alive. Schedulers also use
their numbers again: each submission has a stamp, which its exit code must have in its name.
"""

from __future__ import annotations

import json
import math
import os
import re
import shlex
import subprocess
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


class NoAnswerError(ResiduaError):
    """A scheduler does not tell how a job is."""


@dataclass(frozen=True)
class JobRequest:
    """What a job asks for; the rest is of the cluster file.

    ``extra`` are further options. Grid Engines differ in the names of memory, parallel environment and GPU.
    ``gpu_per`` and ``memory_per`` say what Grid Engine and LSF multiply by the job's slots.
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
    gpu_per: str = "job"
    memory_per: str = "job"


@dataclass(frozen=True)
class Scheduler:
    """One scheduler: how to submit, how its answer names the job, and what says that it knows a job no more.

    ``reads_script``: it takes a job's script on standard input, and not by its name.
    """

    submit: Callable[[JobRequest, Path], list[str]]
    identifier: re.Pattern[str]
    variable: str
    query: tuple[str, ...]
    gone: re.Pattern[str]
    dead: re.Pattern[str]
    reads_script: bool = False


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
    reserved = math.ceil(asked.mem_mb / (asked.threads if asked.memory_per == "slot" else 1))
    options += ["-R", f"span[hosts=1] rusage[mem={reserved}MB]", "-W", str(asked.runtime_min)]
    options += ["-gpu", f"num={asked.gpus}"] if asked.gpus else []
    options += ["-q", asked.queue] if asked.queue else []
    options += ["-P", asked.account] if asked.account else []
    return ["bsub", *options, "-o", str(output), *asked.extra]


def _sge(asked: JobRequest, output: Path) -> list[str]:
    # A card for each slot: more slots than cards would ask for more cards.
    slots = asked.gpus if asked.gpus and asked.gpu_per == "slot" else asked.threads
    # The memory of each slot.
    memory = f"{asked.memory_name}={math.ceil(asked.mem_mb / slots)}M"
    options = ["-terse", "-N", asked.name, "-l", f"{memory},h_rt={asked.runtime_min * 60}"]
    options += ["-pe", asked.slots_name, str(slots)] if slots > 1 else []
    cards = 1 if asked.gpu_per == "slot" else asked.gpus
    options += ["-l", f"{asked.gpu_name}={cards}"] if asked.gpus else []
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
        # It joins the words of a command by blanks, for a shell.
        reads_script=True,
    ),
    # A job whose start failed stays in the queue for ever, with the reason.
    "sge": Scheduler(
        _sge, re.compile(r"^(\d+)\S*\s*$", re.MULTILINE), "JOB_ID", ("qstat", "-j"),
        re.compile(r"Following jobs do not exist"), re.compile(r"^error reason", re.MULTILINE),
    ),
}  # fmt: skip


CANCEL = {"pbs": "qdel", "lsf": "bkill", "sge": "qdel"}
"""The command that cancels jobs, given their identifiers."""


def has_ended(job: str) -> bool:
    """Whether a job said how it ended, in the working directory."""
    return _told_by_itself(job) is not None


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
    engine = limits.get("grid_engine", {})
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
        **{f"{name}_name": engine[name] for name in ("memory", "slots", "gpu") if name in engine},
        gpu_per=engine.get("gpu_per", "job"),
        memory_per=limits.get("lsf", {}).get("memory_per", "job"),
    )


def submit(scheduler: Scheduler, asked: JobRequest, script: Path) -> str:
    """Submit a job script, and return the job's identifier. Raises ``ResiduaError`` with what the scheduler says."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    place, stamp = FOLDER.resolve(), str(time.time_ns())
    wrapper = place / f"{script.name}.{stamp}.sh"
    # Renamed, so that an exit code is never read half written.
    wrapper.write_text(
        f"#!/bin/sh\n/bin/sh {shlex.quote(str(script.resolve()))}\ncode=$?\n"
        f"kept={shlex.quote(str(place))}/${{{scheduler.variable}%%.*}}.{stamp}\n"
        'echo $code > "$kept.begun" && mv "$kept.begun" "$kept.exit"\nexit $code\n',
        encoding="utf-8",
    )
    command = scheduler.submit(asked, place / f"{wrapper.stem}.log")
    if scheduler.reads_script:
        done = _run(command, wrapper.read_text(encoding="utf-8"))
    else:
        done = _run([*command, str(wrapper)])
    found = scheduler.identifier.search(done.stdout)
    if done.returncode != 0 or found is None:
        raise ResiduaError(f"{shlex.join(command)}: {(done.stderr or done.stdout).strip()}")
    _expect(found[1], stamp)
    return found[1]


def _expect(job: str, stamp: str) -> None:
    """Keep a job's stamp, and remove what earlier jobs of the same number left."""
    for left in FOLDER.glob(f"{_number(job)}.*"):
        # The job may have ended by now.
        if not left.name.startswith(f"{_number(job)}.{stamp}."):
            left.unlink(missing_ok=True)
    (FOLDER / f"{_number(job)}.stamp").write_text(stamp, encoding="utf-8")


def status(scheduler: Scheduler, job: str, patience_s: float, answer_s: float = 120) -> Status:
    """Return how a job is. Raises ``NoAnswerError`` where that cannot be told now.

    ``patience_s``: how long the exit code of a job that the scheduler no longer knows may take to appear;
    ``answer_s``: how long the scheduler may take to answer.
    """
    if told := _told_by_itself(job):
        return told
    try:
        # Its answers are known in English.
        asked = _run([*scheduler.query, job], language="C", limit_s=answer_s)
    except ResiduaError as error:
        raise NoAnswerError(str(error)) from None
    said = asked.stdout + asked.stderr
    ended = scheduler.gone.search(said) or (asked.returncode == 0 and scheduler.dead.search(asked.stdout))
    if ended:
        # It may have ended while the scheduler was asked.
        return _told_by_itself(job) or ("failed" if _gone_for_s(job) > patience_s else "running")
    if asked.returncode != 0:
        raise NoAnswerError(f"{shlex.join(scheduler.query)} {job}: {said.strip() or f'exit code {asked.returncode}'}")
    _gone_mark(job).unlink(missing_ok=True)
    return "running"


def _told_by_itself(job: str) -> Status | None:
    """Return how a job ended, by the exit code that it left; None as long as there is none."""
    stamp = FOLDER / f"{_number(job)}.stamp"
    if not stamp.is_file():
        return None
    kept = FOLDER / f"{_number(job)}.{stamp.read_text(encoding='utf-8')}.exit"
    if not kept.is_file():
        return None
    return "success" if kept.read_text(encoding="utf-8").strip() == "0" else "failed"


def _gone_for_s(job: str) -> float:
    """Return since when the scheduler says that a job has ended, of which there is no exit code."""
    mark = _gone_mark(job)
    mark.parent.mkdir(parents=True, exist_ok=True)
    if not mark.exists():
        mark.touch()
    return time.time() - mark.stat().st_mtime


def _gone_mark(job: str) -> Path:
    return FOLDER / f"{_number(job)}.gone"


def _number(job: str) -> str:
    # PBS adds its server's name, which a job may know in another form.
    return job.partition(".")[0]


def _run(
    command: Sequence[str], given: str | None = None, language: str | None = None, limit_s: float | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command with ``given`` on its standard input; ``language`` takes the place of the user's."""
    variables = {**os.environ, "LC_ALL": language} if language else None
    try:
        return subprocess.run(command, input=given, env=variables, capture_output=True, text=True, timeout=limit_s)
    except OSError as error:
        raise ResiduaError(f"{command[0]}: cannot be started ({error.strerror}); is this a login node of it?") from None
    except subprocess.TimeoutExpired:
        raise ResiduaError(f"{command[0]}: no answer within {limit_s:g} s") from None
