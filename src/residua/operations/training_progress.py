"""Read how far the trainings of a study are from what they leave on disk while they run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Literal

from residua.operations.run_log import Job
from residua.operations.stages import STAGES
from residua.publishing.publish import read_json
from residua.settings.preoperative import PREOPERATIVE

TrainingState = Literal["whole", "running", "queued", "failed", "interrupted", "waiting"]
_PLACE = re.compile(r"results/models/([^/]+)/([^/]+)/fold([^/.]+)(?:\.part)?$")
_EPOCH = re.compile(r"^epoch (\d+)/(\d+) (\d{4}-\S+)$", re.MULTILINE)
_TAIL_BYTES = 32_768
"""Of a training's log, from its end: a few hundred epochs."""
_RECENT = 10
"""Epochs whose pace counts."""
_STALLED_EPOCHS, _STALLED_S = 5, 900.0
"""A training has stalled when this many times the usual passed without an epoch, and at least this many seconds."""


@dataclass(frozen=True)
class TrainingProgress:
    """One training; times in seconds, None where nothing is known. ``left_s`` counts on the pace of the last epochs.

    ``checkpoint_age_s``: since the last save from which a killed training resumes. ``stalled``: it runs, and no epoch
    ended for far longer than epochs take.
    """

    arch: str
    inputs: str
    fold: str
    state: TrainingState
    epoch: int = 0
    epochs: int | None = None
    seconds_per_epoch: float | None = None
    left_s: float | None = None
    checkpoint_age_s: float | None = None
    slurm_id: str = ""
    stalled: bool = False


def trainings(study: Path, jobs: Iterable[Job], alive: bool, now: datetime) -> list[TrainingProgress]:
    """Return every training of the run's ``jobs`` and of the folder ``study``, by network, inputs and fold.

    ``alive`` says whether the run goes on: what it began and did not end is interrupted otherwise.
    """
    begun = {_key(job): job for job in jobs if job.rule in STAGES["train"]}
    folders = (study / "results" / "models").glob("*/*/fold*")
    there = {(m[1], m[2], m[3]) for folder in folders if (m := _PLACE.search(folder.as_posix()))}
    return [_training(study, key, begun.get(key), alive, now) for key in sorted(there | set(begun))]


def _key(job: Job) -> tuple[str, str, str]:
    return job.wildcards.get("arch", ""), job.wildcards.get("inputs", PREOPERATIVE), job.wildcards.get("fold", "")


def _training(study: Path, key: tuple[str, str, str], job: Job | None, alive: bool, now: datetime) -> TrainingProgress:
    arch, inputs, fold = key
    folder = study / "results" / "models" / arch / inputs / f"fold{fold}"
    state = _state(folder, job, alive)
    part = folder if state == "whole" else folder.with_name(f"{folder.name}.part")
    epoch, epochs = _counted(part / "progress.json")
    if state == "whole":
        return TrainingProgress(arch, inputs, fold, state, epoch, epochs)
    ended = _ends(study / "results" / "logs" / "train" / f"{arch}_{inputs}_fold{fold}.log")
    pace = _pace(ended)
    running = state == "running"
    silent = (now - ended[-1][1]).total_seconds() if ended else None
    return TrainingProgress(
        *(arch, inputs, fold, state, epoch, epochs),
        seconds_per_epoch=pace,
        left_s=pace * (epochs - epoch) if running and pace is not None and epochs is not None else None,
        checkpoint_age_s=_age(part.glob("checkpoint*"), now),
        slurm_id=job.slurm_id if job and state in ("running", "queued") else "",
        stalled=running
        and silent is not None
        and pace is not None
        and silent > max(_STALLED_EPOCHS * pace, _STALLED_S),
    )


def _state(folder: Path, job: Job | None, alive: bool) -> TrainingState:
    if (job is None or job.state == "done") and (folder / "manifest.json").is_file():
        return "whole"
    if job is not None and job.state == "failed":
        return "failed"
    if not alive:
        return "interrupted"
    if job is None or job.state != "running":
        return "waiting"
    return "queued" if job.slurm_log and not os.path.exists(job.slurm_log) else "running"


def _counted(file: Path) -> tuple[int, int | None]:
    try:
        record = read_json(file)
        return int(record["done"]), int(record["total"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0, None


def _ends(log: Path) -> list[tuple[int, datetime]]:
    """Return the last epochs of a log and when each ended."""
    try:
        with open(log, "rb") as stream:
            stream.seek(max(log.stat().st_size - _TAIL_BYTES, 0))
            text = stream.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [(int(epoch), datetime.fromisoformat(time)) for epoch, _, time in _EPOCH.findall(text)]


def _pace(ended: list[tuple[int, datetime]]) -> float | None:
    """Return the median seconds of the last epochs; the first may have waited for its data."""
    recent = [
        (after - before).total_seconds()
        for (one, before), (other, after) in pairwise(ended[-_RECENT - 1 :])
        if other == one + 1
    ]
    return median(recent) if recent else None


def _age(files: Iterable[Path], now: datetime) -> float | None:
    times = []
    for file in files:
        # The run may replace it in between.
        with suppress(FileNotFoundError):
            times.append(os.stat(file).st_mtime)
    return max(now.timestamp() - max(times), 0.0) if times else None
