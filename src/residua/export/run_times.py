"""Read from the benchmarks of a study how long its stages took, without the name of a patient."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from residua.errors import ResiduaError


@dataclass(frozen=True)
class StageTimes:
    """Jobs of one stage: how many, seconds in all, and the most memory of one (MB; None: not measured)."""

    jobs: int
    seconds: float
    memory_mb: float | None


@dataclass(frozen=True)
class RunTimes:
    """When the run began and ended, and the times of its stages by name."""

    start: datetime
    end: datetime
    stages: Mapping[str, StageTimes]

    @property
    def jobs(self) -> int:
        """The number of all jobs."""
        return sum(stage.jobs for stage in self.stages.values())

    @property
    def seconds(self) -> float:
        """The seconds of all jobs together."""
        return sum(stage.seconds for stage in self.stages.values())

    def to_csv(self) -> str:
        """Write one row per stage."""
        rows = [
            f"{name},{stage.jobs},{stage.seconds:.1f},{'' if stage.memory_mb is None else f'{stage.memory_mb:.0f}'}"
            for name, stage in self.stages.items()
        ]
        return "\n".join(["stage,jobs,seconds,largest_memory_mb", *rows]) + "\n"


def times_of(results: Path) -> RunTimes:
    """Read ``benchmarks/{stage}.tsv`` and ``benchmarks/{stage}/…tsv``; a job that ran again counts with its last run.

    Raises ``ResiduaError`` where no job has left any.
    """
    places = results / "benchmarks"
    measured: dict[str, list[tuple[float, float | None]]] = {}
    begun, ended = [], []
    for file in sorted(places.rglob("*.tsv")):
        seconds, memory = _last(file)
        stage = file.relative_to(places).parts[0].removesuffix(".tsv")
        measured.setdefault(stage, []).append((seconds, memory))
        end = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        ended.append(end)
        begun.append(end - timedelta(seconds=seconds))
    if not ended:
        raise ResiduaError(f"{places}: no job has left its times; run the study first")
    return RunTimes(min(begun), max(ended), {stage: _summed(jobs) for stage, jobs in sorted(measured.items())})


def _last(file: Path) -> tuple[float, float | None]:
    """Return seconds and memory of the last row; Snakemake writes "NA" or "-" for what it could not measure."""
    with open(file, encoding="utf-8", newline="") as source:
        rows = list(csv.DictReader(source, delimiter="\t"))
    if not rows:
        return 0.0, None
    memory = rows[-1].get("max_rss") or ""
    return _number(rows[-1].get("s") or "") or 0.0, _number(memory)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _summed(jobs: list[tuple[float, float | None]]) -> StageTimes:
    known = [memory for _, memory in jobs if memory is not None]
    return StageTimes(len(jobs), sum(seconds for seconds, _ in jobs), max(known, default=None))
