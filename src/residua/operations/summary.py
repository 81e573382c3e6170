"""Read the costs of a finished run from its results folder."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from residua.errors import ResiduaError


@dataclass(frozen=True)
class RuleCost:
    """Wall-clock seconds of one rule's jobs, as Snakemake's benchmarks measured them."""

    rule: str
    jobs: int
    total_s: float
    longest_s: float
    memory_mb: float


def rule_costs(results: Path) -> list[RuleCost]:
    """Return the cost of every rule with a benchmark below ``results``, the most expensive first.

    Raises ``ResiduaError`` when there is no benchmark.
    """
    samples: dict[str, list[tuple[float, float]]] = defaultdict(list)
    folder = results / "benchmarks"
    for file in sorted(folder.rglob("*.tsv")):
        rule = file.relative_to(folder).parts[0].removesuffix(".tsv")
        with open(file, encoding="utf-8") as stream:
            samples[rule] += [
                (float(row["s"]), _number(row["max_rss"])) for row in csv.DictReader(stream, delimiter="\t")
            ]
    if not samples:
        raise ResiduaError(f"{results}: no benchmarks; give the results folder of a run")
    costs = [
        RuleCost(rule, len(jobs), sum(s for s, _ in jobs), max(s for s, _ in jobs), max(mb for _, mb in jobs))
        for rule, jobs in samples.items()
        if jobs
    ]
    return sorted(costs, key=lambda cost: -cost.total_s)


def _number(text: str) -> float:
    # A job that ended before the first sample has no memory reading.
    try:
        return float(text)
    except ValueError:
        return 0.0
