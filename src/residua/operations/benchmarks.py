"""Read the benchmarks that Snakemake leaves of the jobs of a study."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

FOLDER = "benchmarks"
"""The folder of all benchmarks, in that of the results."""


@dataclass(frozen=True)
class JobRun:
    """One run of a job: its seconds, the most memory that it held (MB) and processor seconds; None: not measured."""

    seconds: float
    memory_mb: float | None
    cpu_s: float | None = None


@dataclass(frozen=True)
class Benchmark:
    """A job: its rule, its runs in their order, and when the last one ended."""

    rule: str
    runs: tuple[JobRun, ...]
    ended: datetime


def benchmarks_of(results: Path) -> Iterator[Benchmark]:
    """Read the benchmarks of all jobs, in the order of their files."""
    folder = results / FOLDER
    for file in sorted(folder.rglob("*.tsv")):
        ended = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        yield Benchmark(rule_of(file.relative_to(folder)), read_benchmark(file), ended)


def rule_of(benchmark: Path) -> str:
    """Return the rule of a benchmark by its path in the folder: a file of the rule, or one of its own for each job.

    >>> rule_of(Path("register/STO1_post_t1.tsv")), rule_of(Path("table1.tsv"))
    ('register', 'table1')
    """
    return benchmark.parts[0].removesuffix(".tsv")


def read_benchmark(file: Path) -> tuple[JobRun, ...]:
    """Return the runs of one job."""
    with open(file, encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream, delimiter="\t")
        return tuple(
            JobRun(_number(row.get("s")) or 0.0, _number(row.get("max_rss")), _number(row.get("cpu_time")))
            for row in rows
        )


def _number(text: str | None) -> float | None:
    """Return a number; Snakemake writes "NA" or "-" for what it could not measure."""
    try:
        return float(text or "")
    except ValueError:
        return None
