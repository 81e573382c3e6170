"""Moments at which something is killed: chosen by stage and seed, not by the clock."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import yaml

from rule_files import RULE_FILES, RULES, rules_in
from studies import Job, Study

LATEST_SHARE = 0.8
"""Of a job's time in the undisturbed run; later, it may be over before it is struck."""
STAGES = {rule: file.stem for file in RULE_FILES for rule in rules_in(file.read_text(), RULES)}


class Form(Enum):
    """What is killed, and what becomes of the rest."""

    GROUP = "the main process and all its jobs at once"
    MAIN_THEN_JOBS = "the main process, and its jobs a moment later"
    MAIN = "the main process; its jobs go on"
    MAIN_OF_A_SLOW_JOB = "the main process; one job is still there when the command is given again"
    JOB = "one job"
    INTERRUPTED = "Ctrl-C: an interruption of the main process and all its jobs"
    ASKED_TO_END = "the main process is asked to end, as a batch system does (SIGTERM)"


@dataclass(frozen=True)
class Moment:
    """Stages, as ``stage_of`` names them, in one of which a job is struck."""

    stages: tuple[str, ...]
    form: Form


@dataclass
class Aim:
    """A moment with a rule of its stages, and how far a job of that rule is let go."""

    moment: Moment
    jobs: list[Job]
    share: float
    epoch: int
    seconds: dict[str, float]
    at_sight: bool = False
    _seen: dict[str, float] = field(default_factory=dict)

    @property
    def rule(self) -> str:
        return self.jobs[0].rule

    def __str__(self) -> str:
        far = f"epoch {self.epoch}" if self.rule == "train" else f"{self.share:.0%} of its time"
        return f"{stage_of(self.jobs[0])}: {self.rule} at {far}: {self.moment.form.value}"

    def start_again(self) -> None:
        """The command was given again: no job has begun."""
        self._seen = {}

    def due(self, running: Iterable[str], folder: Path) -> Job | None:
        """A job that has come so far; ``running`` are the logs of the jobs that run."""
        now = time.monotonic()
        for job in self.jobs:
            if job.log not in running:
                # One was over too soon; the next is struck as soon as it is seen.
                self.at_sight |= job.log in self._seen
            elif self._far(job, now - self._seen.setdefault(job.log, now), folder):
                return job
        return None

    def _far(self, job: Job, elapsed: float, folder: Path) -> bool:
        if self.at_sight:
            return True
        if job.rule == "train":
            return epochs_done(folder / job.outputs[0]) >= self.epoch
        return elapsed >= self.share * self.seconds[job.log]


def epochs_done(manifest: Path) -> int:
    """How far the training of an unfinished model is."""
    try:
        record = json.loads((manifest.parent.with_name(f"{manifest.parent.name}.part") / "progress.json").read_text())
    except FileNotFoundError:
        return 0
    return int(record["done"])


def epochs_of(study: Study) -> int:
    """How many epochs every network of the study is trained for."""
    (epochs,) = {network["epochs"] for network in yaml.safe_load(study.config_file.read_text())["networks"].values()}
    return int(epochs)


def stage_of(job: Job) -> str:
    """The stage of a job: the file of its rule, and for a training its network."""
    stage = STAGES[job.rule]
    return f"{stage} {job['arch']}" if stage == "train" else stage


def seconds_of(study: Study, jobs: Sequence[Job]) -> dict[str, float]:
    """How long each job of a finished study took, by its log."""

    def seconds(file: Path) -> float:
        names, values = (line.split("\t") for line in file.read_text().splitlines()[:2])
        return float(dict(zip(names, values, strict=True))["s"])

    return {job.log: seconds(study.folder / job.benchmark) for job in jobs}


def choose_aims(
    moments: Sequence[Moment], jobs: Sequence[Job], seconds: dict[str, float], epochs: int, seed: str
) -> list[Aim]:
    """One aim for every moment; the seed chooses its rule and how far a job is let go, a training by its epochs."""
    draw = random.Random(seed)
    aims = []
    for moment in moments:
        of_stage = [job for job in jobs if stage_of(job) in moment.stages]
        rule = draw.choice(sorted({job.rule for job in of_stage}))
        of_rule = [job for job in of_stage if job.rule == rule]
        aims.append(Aim(moment, of_rule, draw.uniform(0.0, LATEST_SHARE), draw.randrange(1, epochs), seconds))
    return aims
