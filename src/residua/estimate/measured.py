"""Learn from a finished study how much its jobs took, against the shipped numbers for the same jobs."""

from __future__ import annotations

import os
from collections import defaultdict
from contextlib import chdir
from pathlib import Path
from typing import Any

from residua.errors import ResiduaError
from residua.estimate.jobs import planned_run
from residua.estimate.planned import Corrections, costs_of
from residua.operations.benchmarks import read_benchmark
from residua.publishing.publish import read_json


def measured_by(study: Path) -> Corrections:
    """Return for each kind of job how many times the shipped numbers the jobs of a finished study took.

    A later study is thereby scaled by its own voxels, patients and steps. Raises ``ResiduaError`` for a folder in
    which no study ran.
    """
    known = study / "results" / "cohort" / "study.json"
    if not known.is_file():
        raise ResiduaError(f"--measured {study}: there is no {known}; name the folder in which a study ran")
    config: dict[str, Any] = read_json(known)
    taken: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    most: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    with chdir(study):
        for each in costs_of(planned_run(config)):
            if each.cost is None or not os.path.isfile(each.job.benchmark):
                continue
            runs = read_benchmark(Path(each.job.benchmark))
            for run in runs[-1:]:
                if run.cpu_s is not None and run.memory_mb is not None:
                    taken[each.kind][0] += run.cpu_s
                    taken[each.kind][1] += each.cost.cpu_s
                    most[each.kind] = [
                        max(most[each.kind][0], run.memory_mb),
                        max(most[each.kind][1], each.cost.memory_mb),
                    ]
    if not taken:
        raise ResiduaError(f"--measured {study}: its results hold no benchmarks of these jobs")
    return Corrections({kind: a / b for kind, (a, b) in taken.items()}, {kind: a / b for kind, (a, b) in most.items()})
