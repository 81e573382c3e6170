"""Read from the benchmarks of a study how long its stages took, without the name of a patient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from residua.errors import ResiduaError
from residua.operations.benchmarks import FOLDER, JobRun, benchmarks_of


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
    jobs: dict[str, list[JobRun]] = {}
    begun, ended = [], []
    for benchmark in benchmarks_of(results):
        last = benchmark.runs[-1] if benchmark.runs else JobRun(0.0, None)
        jobs.setdefault(benchmark.rule, []).append(last)
        ended.append(benchmark.ended)
        begun.append(benchmark.ended - timedelta(seconds=last.seconds))
    if not ended:
        raise ResiduaError(f"{results / FOLDER}: no job has left its times; run the study first")
    return RunTimes(min(begun), max(ended), {stage: _summed(runs) for stage, runs in sorted(jobs.items())})


def _summed(runs: list[JobRun]) -> StageTimes:
    known = [run.memory_mb for run in runs if run.memory_mb is not None]
    return StageTimes(len(runs), sum(run.seconds for run in runs), max(known, default=None))
