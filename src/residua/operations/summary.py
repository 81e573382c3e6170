"""Read the costs of a finished run from its results folder."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from residua.errors import ResiduaError
from residua.operations.benchmarks import JobRun, benchmarks_of


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
    runs: dict[str, list[JobRun]] = defaultdict(list)
    for benchmark in benchmarks_of(results):
        runs[benchmark.rule] += benchmark.runs
    if not runs:
        raise ResiduaError(f"{results}: no benchmarks; give the results folder of a run")
    costs = [_cost(rule, of_rule) for rule, of_rule in runs.items() if of_rule]
    return sorted(costs, key=lambda cost: -cost.total_s)


def _cost(rule: str, runs: list[JobRun]) -> RuleCost:
    seconds = [run.seconds for run in runs]
    # A job that ended before the first sample has no memory reading.
    return RuleCost(rule, len(runs), sum(seconds), max(seconds), max(run.memory_mb or 0.0 for run in runs))
