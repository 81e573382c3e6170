"""Read the log that Snakemake writes while a study runs: what was planned, began, ended and failed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

State = Literal["running", "done", "failed", "waiting"]
_TIME = re.compile(r"^ *\[(\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4})\]")
_PLANNED = re.compile(r"^(\w+) +(\d+)$")
_BEGUN = re.compile(r"^(?: {4})?(?:local)?(?:rule|checkpoint) (\w+):$")
_FINISHED = re.compile(r"^Finished jobid: (\d+) \(Rule: \w+\)$")
_FAILED = re.compile(r"^(?:Error in rule \w+| {8}rule \w+):$")
_SUBMITTED = re.compile(r"^Job (\S+) has been submitted with SLURM jobid (\S+) \(log: (.*)\)\.$")
_AGAIN = re.compile(r"^Trying to restart job (\d+)\.$")
_KEPT = ("jobid", "log", "wildcards", "message", "reason", "benchmark")
_HEADER = {"Host": "host", "Command": "command", "Run directory": "run_directory"}
_NOTHING = "Nothing to be done"
_ENDS = ("Complete log(s):", "Elapsed time:", _NOTHING)


@dataclass
class Job:
    """One job of a run; ``log`` is the rule's own, relative to the study, and ``slurm_log`` that of its node.

    ``reason`` is Snakemake's, in its words. ``benchmark`` is the file of its time, relative to the study.
    """

    rule: str
    began: datetime | None
    wildcards: dict[str, str] = field(default_factory=dict)
    log: str = ""
    state: State = "running"
    message: str = ""
    reason: str = ""
    benchmark: str = ""
    slurm_id: str = ""
    slurm_log: str = ""


@dataclass
class RunLog:
    """What the log of one run says so far; ``planned`` has the number of jobs by rule, ``all`` not counted.

    ``ended``: Snakemake took its leave. Otherwise it still runs, or was killed. ``command`` is what was given in the
    folder ``run_directory``.
    """

    host: str = ""
    command: str = ""
    run_directory: str = ""
    began: datetime | None = None
    planned: Counter[str] = field(default_factory=Counter)
    jobs: dict[str, Job] = field(default_factory=dict)
    ended: bool = False
    up_to_date: bool = False

    def of(self, state: State) -> list[Job]:
        """Return the jobs in a state, in the order in which they began."""
        return [job for job in self.jobs.values() if job.state == state]


def latest_run(study: Path) -> tuple[Path, RunLog] | None:
    """Return the log of the latest run in the folder ``study`` that planned any jobs or found none to do, and its file.

    Dry runs leave no log, and that of ``--unlock`` says nothing of jobs. None where there was no run.
    """
    for file in sorted((study / ".snakemake" / "log").glob("*.snakemake.log"), reverse=True):
        with open(file, encoding="utf-8", errors="replace") as stream:
            found = read_run(stream)
        if found.planned or found.up_to_date:
            return file, found
    return None


def read_run(lines: Iterable[str]) -> RunLog:
    """Read the lines of a log as far as it is written, or what a dry run prints."""
    run = RunLog()
    _Reader(run).take_in(line.rstrip("\n") for line in lines)
    return run


def _describe(job: Job, name: str, value: str) -> None:
    if name == "log":
        job.log = value.partition(", ")[0]
    elif name == "wildcards":
        job.wildcards = dict(pair.partition("=")[::2] for pair in value.split(", "))
    elif name == "reason":
        job.reason = value
    elif name == "benchmark":
        job.benchmark = value


class _Reader:
    """Goes through the lines; a block belongs to the job that its line ``jobid`` names."""

    def __init__(self, run: RunLog) -> None:
        self._run = run
        self._time: datetime | None = None
        self._block: Job | None = None
        self._failure: dict[str, str] | None = None
        self._tabulates = False

    def take_in(self, lines: Iterable[str]) -> None:
        for line in lines:
            if line.startswith(" "):
                self._indented(line)
            else:
                self._outer(line)

    def _outer(self, line: str) -> None:
        self._failure = None
        if time := _TIME.match(line):
            self._at(time[1])
        elif begun := _BEGUN.match(line):
            self._block = Job(begun[1], self._time)
        elif _FAILED.match(line):
            self._block, self._failure = None, {}
        elif finished := _FINISHED.match(line):
            self._become(finished[1], "done")
        elif submitted := _SUBMITTED.match(line):
            self._submitted(*submitted.groups())
        elif again := _AGAIN.match(line):
            self._become(again[1], "waiting")
        elif line == "Job stats:":
            self._tabulates = True
        elif self._tabulates and (planned := _PLANNED.match(line)):
            if planned[1] not in ("all", "total"):
                self._run.planned[planned[1]] = int(planned[2])
        elif not line:
            self._tabulates = False
        elif line.startswith(_ENDS):
            self._run.ended = True
            self._run.up_to_date |= line.startswith(_NOTHING)

    def _indented(self, line: str) -> None:
        if begun := _BEGUN.match(line):
            self._block = Job(begun[1], self._time)
            return
        if _FAILED.match(line):
            self._block, self._failure = None, {}
            return
        if time := _TIME.match(line):
            self._at(time[1])
            return
        name, separator, _ = line[:200].strip().partition(": ")
        if name in _HEADER and not self._run.planned:
            setattr(self._run, _HEADER[name], line.strip().partition(": ")[2])
        elif name in _KEPT and separator:
            self._note(name, line.strip().partition(": ")[2])

    def _note(self, name: str, value: str) -> None:
        if self._failure is not None:
            self._failure[name] = value
            if name == "jobid":
                self._become(value, "failed")
            job = self._run.jobs.get(self._failure.get("jobid", ""))
            if job and job.rule and self._failure.get("message", "None") != "None":
                job.message = self._failure["message"]
        elif self._block is not None and name == "jobid":
            self._run.jobs[value] = self._block
        elif self._block is not None:
            _describe(self._block, name, value)

    def _submitted(self, jobid: str, slurm_id: str, log: str) -> None:
        # Jobs that go to the cluster as a group have no number of their own there.
        if jobid in self._run.jobs:
            self._run.jobs[jobid].slurm_id, self._run.jobs[jobid].slurm_log = slurm_id, log

    def _become(self, jobid: str, state: State) -> None:
        if jobid in self._run.jobs:
            self._run.jobs[jobid].state = state

    def _at(self, text: str) -> None:
        # Snakemake writes the time of this machine's place, in English.
        self._time = datetime.strptime(text, "%a %b %d %H:%M:%S %Y").astimezone()
        self._run.began = self._run.began or self._time
