"""The benchmarks of a study are read in one place, for the costs of its rules and for the times in a crate."""

from __future__ import annotations

import ast
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cohort_tables import ROOT
from residua.export.run_times import StageTimes, times_of
from residua.operations.benchmarks import Benchmark, JobRun, benchmarks_of, rule_of
from residua.operations.summary import RuleCost, rule_costs

END = 1_700_000_000


def benchmark(results: Path, name: str, text: str) -> None:
    file = results / "benchmarks" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    os.utime(file, (END, END))


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("table1.tsv", "table1"),
        ("register/STO1_post_t1.tsv", "register"),
        ("train/nnunet/A/fold0.tsv", "train"),
        ("measure.tsv/odd.tsv", "measure"),
    ],
)
def test_a_rule_is_known_by_the_first_part_of_the_path(path: str, rule: str) -> None:
    assert rule_of(Path(path)) == rule


def test_every_run_is_read_and_what_was_not_measured_is_none(tmp_path: Path) -> None:
    benchmark(tmp_path, "register/STO1.tsv", "s\tmax_rss\n9.0\t80\n30.0\tNA\n")
    benchmark(tmp_path, "report.tsv", "s\tmax_rss\n-\t-\n")
    benchmark(tmp_path, "table1.tsv", "")
    benchmark(tmp_path, "table2.tsv", "s\n0.5\n")
    benchmark(tmp_path, "notes.txt", "s\tmax_rss\n9.0\t80\n")
    ended = datetime.fromtimestamp(END, UTC)
    assert list(benchmarks_of(tmp_path)) == [
        Benchmark("register", (JobRun(9.0, 80.0), JobRun(30.0, None)), ended),
        Benchmark("report", (JobRun(0.0, None),), ended),
        Benchmark("table1", (), ended),
        Benchmark("table2", (JobRun(0.5, None),), ended),
    ]


def test_costs_count_all_runs_and_times_the_last_ones(tmp_path: Path) -> None:
    benchmark(tmp_path, "register/STO1.tsv", "s\tmax_rss\n9.0\t80\n30.0\tNA\n")
    benchmark(tmp_path, "register/STO2.tsv", "s\tmax_rss\n1.0\t90\n")
    assert rule_costs(tmp_path) == [RuleCost("register", 3, 40.0, 30.0, 90.0)]
    assert times_of(tmp_path).stages == {"register": StageTimes(2, 31.0, 90.0)}


def test_no_other_module_reads_a_benchmark() -> None:
    """Modules that read tables with tabs and speak of benchmarks: a second reader counts jobs in another way."""
    library = ROOT / "src/residua"
    readers = set()
    for file in library.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        names = {node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)}
        if "max_rss" in names:
            readers.add(file.relative_to(library).as_posix())
    assert readers == {"operations/benchmarks.py"}
