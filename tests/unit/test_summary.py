"""What a run cost, from Snakemake's benchmarks."""

from __future__ import annotations

from pathlib import Path

import pytest

from residua.errors import ResiduaError
from residua.operations.summary import RuleCost, rule_costs

HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


def benchmark(results: Path, name: str, *jobs: tuple[float, object]) -> None:
    """A benchmark file as Snakemake writes it: seconds and MB of each run of one job."""
    path = results / "benchmarks" / f"{name}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"{seconds}\t0:00:01\t{memory}\t1\t1\t1\t0\t0\t0\t0\n" for seconds, memory in jobs]
    path.write_text(HEADER + "".join(rows), encoding="utf-8")


def test_the_jobs_of_a_rule_are_counted_and_added_up(tmp_path: Path) -> None:
    benchmark(tmp_path, "train/nnunet_A_fold0", (10.5, 900.25))
    benchmark(tmp_path, "train/nnunet_A_fold1", (20.0, 700))
    assert rule_costs(tmp_path) == [RuleCost("train", 2, 30.5, 20.0, 900.25)]


def test_the_most_expensive_rule_comes_first_by_its_total(tmp_path: Path) -> None:
    benchmark(tmp_path, "split_folds", (8.0, 50))
    benchmark(tmp_path, "register/STO1_post_t1", (6.0, 50))
    benchmark(tmp_path, "register/STO2_post_t1", (6.0, 50))
    benchmark(tmp_path, "check_cohort/STO-0", (1.0, 50))
    assert [cost.rule for cost in rule_costs(tmp_path)] == ["register", "split_folds", "check_cohort"]


def test_a_rule_without_wildcards_has_a_file_instead_of_a_folder(tmp_path: Path) -> None:
    benchmark(tmp_path, "table1", (2.0, 60))
    assert rule_costs(tmp_path) == [RuleCost("table1", 1, 2.0, 2.0, 60.0)]


def test_a_job_too_short_to_be_sampled_has_no_memory(tmp_path: Path) -> None:
    benchmark(tmp_path, "segment/nnunet_A_test", (0.2, "NA"))
    benchmark(tmp_path, "segment/nnunet_A_validation", (0.3, "-"))
    assert rule_costs(tmp_path) == [RuleCost("segment", 2, 0.5, 0.3, 0.0)]
    benchmark(tmp_path, "segment/nnunet_B_test", (1.0, 40))
    assert rule_costs(tmp_path)[0].memory_mb == 40.0


def test_repeated_runs_of_a_job_are_all_counted(tmp_path: Path) -> None:
    benchmark(tmp_path, "measure/nnunet_A", (1.0, 10), (2.0, 30))
    assert rule_costs(tmp_path) == [RuleCost("measure", 2, 3.0, 2.0, 30.0)]


def test_other_files_are_not_benchmarks(tmp_path: Path) -> None:
    benchmark(tmp_path, "table1", (2.0, 60))
    (tmp_path / "benchmarks" / "notes.txt").write_text("s\n1\n", encoding="utf-8")
    (tmp_path / "cohort.tsv").write_text("patient\nSTO1\n", encoding="utf-8")
    assert [cost.rule for cost in rule_costs(tmp_path)] == ["table1"]


@pytest.mark.parametrize("made", [[], ["benchmarks"], ["benchmarks/train"]])
def test_a_folder_without_benchmarks_is_refused(tmp_path: Path, made: list[str]) -> None:
    for folder in made:
        (tmp_path / folder).mkdir(parents=True)
    with pytest.raises(ResiduaError) as raised:
        rule_costs(tmp_path)
    assert str(raised.value) == f"{tmp_path}: no benchmarks; give the results folder of a run"


@pytest.mark.parametrize("content", ["", HEADER])
def test_a_benchmark_without_a_run_is_omitted(tmp_path: Path, content: str) -> None:
    benchmark(tmp_path, "table1", (2.0, 60))
    (tmp_path / "benchmarks" / "table2.tsv").write_text(content, encoding="utf-8")
    assert [cost.rule for cost in rule_costs(tmp_path)] == ["table1"]
