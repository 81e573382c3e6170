"""Sum up what a study will take, stage by stage."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from residua.estimate.costs import Card, Cost, cost_of
from residua.estimate.jobs import PlannedRun
from residua.estimate.units import SAME, sequence_of, units_of, variant_of
from residua.operations.disk import OnDisk, by_stage, require_space
from residua.operations.run_log import Job
from residua.operations.stages import STAGES, stage_of
from residua.operations.why import timed_as
from residua.wiring.disk_use import REGISTERED, grids_of, stored_by
from residua.wiring.files import registration_of

DISK_STAGES = {
    REGISTERED: "register scans",
    "stripped": "prepare channels",
    "prepared": "prepare channels",
    "sampled": "prepare channels",
    "models": "train",
    "probability maps": "predict",
    "pages": "judge the preprocessing",
}
"""The stage whose jobs write what is stored."""
_TRAIN = "train"
_FEEDING = 11
"""Processors that feed a training on a card: those of the rule but the one that computes."""


@dataclass(frozen=True)
class Corrections:
    """How many times the shipped numbers the jobs of a finished study took, by their kind."""

    cpu: Mapping[str, float]
    memory: Mapping[str, float]


@dataclass(frozen=True)
class StagePlan:
    """What the jobs of a stage take together; ``memory_mb`` is that of the largest job."""

    stage: str
    jobs: int
    cpu_h: float
    gpu_h: float
    memory_mb: float
    disk_bytes: float


@dataclass(frozen=True)
class StudyPlan:
    """What a study takes. ``days`` are those of trainings and predictions on so many cards; None without a card.

    ``unknown`` names networks whose trainings and predictions are counted as jobs alone. ``warning`` is told where the
    disk does not suffice.
    """

    stages: tuple[StagePlan, ...]
    gpus: int
    card: str
    card_source: str
    days: float | None
    unknown: tuple[str, ...]
    warning: str | None


@dataclass(frozen=True)
class JobPlan:
    """What one job takes; no cost where nothing is known of its network. Jobs of one ``kind`` do the same work."""

    rule: str
    kind: str
    job: Job
    cost: Cost | None


def plan_of(run: PlannedRun, gpus: int, card: Card, folder: Path, measured: Corrections | None = None) -> StudyPlan:
    """Return what a run takes with so many cards; ``folder`` is where its results would lie."""
    jobs = costs_of(run, measured)
    hours = [_card_hours(each, card) if gpus else 0.0 for each in jobs]
    stored = stored_of(run)
    disk: defaultdict[str, float] = defaultdict(float)
    for kind, size in by_stage(stored).items():
        disk[DISK_STAGES[kind]] += size
    stages = []
    for stage in STAGES:
        members = [pair for pair in zip(jobs, hours, strict=True) if stage_of(pair[0].job.rule) == stage]
        if members:
            stages.append(_stage(stage, members, disk[stage]))
    unknown = {each.job.wildcards["arch"] for each in jobs if each.cost is None}
    days = _days([gpu for gpu in hours if gpu], gpus) if gpus else None
    warning = require_space(stored, folder, refuses=False)
    return StudyPlan(tuple(stages), gpus, card.name, card.source, days, tuple(sorted(unknown)), warning)


def stored_of(run: PlannedRun) -> list[OnDisk]:
    """Return what the jobs of a run leave on disk: of the registrations that could be made, those that are planned."""
    made = {
        registration_of(job.wildcards["patient"], sequence_of(run.loaded, job), "quality.json")
        for job in run.jobs
        if _rule_of(job) == "register"
    }
    return [each for each in stored_by(run.loaded) if each.stage != REGISTERED or each.path in made]


def _rule_of(job: Job) -> str:
    """Return the rule whose costs a job shares."""
    timed = timed_as(job)
    return SAME.get(timed, timed)


def _stage(stage: str, members: list[tuple[JobPlan, float]], disk_bytes: float) -> StagePlan:
    costs = [(each.cost, gpu_h) for each, gpu_h in members if each.cost]
    cpu_s = sum(_cpu_s(cost, gpu_h > 0) for cost, gpu_h in costs)
    memory_mb = max((cost.memory_mb for cost, _ in costs), default=0.0)
    return StagePlan(stage, len(members), cpu_s / 3600, sum(gpu_h for _, gpu_h in members), memory_mb, disk_bytes)


def costs_of(run: PlannedRun, measured: Corrections | None = None) -> list[JobPlan]:
    """Return every job with its cost, by the shipped numbers or as a finished study corrects them."""
    grid = grids_of(run.loaded)
    found = []
    for job in run.jobs:
        rule = _rule_of(job)
        variant = variant_of(run.loaded.study, rule, job)
        cost, kind = cost_of(rule, variant, units_of(run.loaded, rule, job, grid)), f"{timed_as(job)}:{variant}"
        if cost and measured:
            cpu, memory = measured.cpu.get(kind, 1.0), measured.memory.get(kind, 1.0)
            cost = Cost(cost.cpu_s * cpu, cost.replaced_cpu_s * cpu, cost.gpu_s, cost.memory_mb * memory)
        found.append(JobPlan(rule, kind, job, cost))
    return found


def _cpu_s(cost: Cost, on_card: bool) -> float:
    return cost.cpu_s - cost.replaced_cpu_s if on_card else cost.cpu_s


def _card_hours(planned: JobPlan, card: Card) -> float:
    """Return how long a job holds a card: as long as the card computes, or as its processors take to feed it."""
    cost = planned.cost
    if cost is None or not cost.gpu_s:
        return 0.0
    fed_by = _FEEDING if planned.rule == _TRAIN else 1
    return max(cost.gpu_s * card.times, _cpu_s(cost, on_card=True) / fed_by) / 3600


def _days(hours: list[float], cards: int) -> float:
    """Return the days until all jobs are done where each free card takes the longest that is left."""
    busy = [0.0] * cards
    for each in sorted(hours, reverse=True):
        heapq.heapreplace(busy, busy[0] + each)
    return max(busy) / 24
