from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from random import Random

import pytest

from cohort_tables import FILES, PUBLISHED, ROOT, row, snapshot, study, write_table
from residua.cohort.split.balance import balanced, greedy, improved, searched
from residua.cohort.split.placement import Placement, Positives, freeze, planned_placement
from residua.cohort.split.sharing import HospitalCounts, Sharing, deviations
from residua.cohort.table.patient import Patient
from residua.problems.problem import Problem
from residua.settings.study import Study
from whole_tables import read_patients

PUBLISHED_FOLDS: dict[int, list[str]] = PUBLISHED["folds"]
SIZES = {"STO": 4, "GOT": 3, "PAR": 2, "UTR": 1, "AMS": 3}
BALANCED = {"method": "balanced", "number": 2}


def table1() -> dict[str, HospitalCounts]:
    """Patients and residual tumour of the hospitals that are not held out (the article's Table 1)."""
    with open(ROOT / "src/residua/article/table1.csv", encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["hospital"] != "AMS"]
    return {row["hospital"]: HospitalCounts(int(row["patients"]), int(row["rt"])) for row in rows}


def ratios(counts: Mapping[str, HospitalCounts], placement: Mapping[int, Sequence[str]]) -> list[float]:
    """The share of patients with residual tumour in each fold."""
    folds = [[counts[hospital] for hospital in hospitals] for hospitals in placement.values()]
    return [sum(size.positives for size in fold) / sum(size.patients for size in fold) for fold in folds]


def some(seed: int, hospitals: int) -> dict[str, HospitalCounts]:
    random = Random(seed)
    patients = [random.randint(5, 90) for _ in range(hospitals)]
    return {f"H{i:02d}": HospitalCounts(n, random.randint(0, n)) for i, n in enumerate(patients)}


def sharing_of(counts: Mapping[str, HospitalCounts], number: int) -> Sharing:
    return Sharing(tuple(sorted(counts.values(), reverse=True)), number)


def cohort(folder: Path, sizes: Mapping[str, int] = SIZES, **out: str) -> tuple[Patient, ...]:
    """Patients by hospital; those of the hospitals in ``out`` are excluded."""
    records = [
        row(f"{h}{n}", h, **({"role": "exclude", "exclusion_reason": out[h]} if h in out else {}))
        for h, size in sizes.items()
        for n in range(size)
    ]
    return read_patients(write_table(folder, records), FILES)


def all_positive() -> Mapping[str, int]:
    return SIZES


def never() -> Mapping[str, int]:
    raise AssertionError("the labels need not be read")


def placed(settings: Study, folder: Path, patients: tuple[Patient, ...]) -> tuple[dict[int, tuple[str, ...]], str]:
    """The placement and its problems, one a line."""
    placement, problems = planned_placement(settings, patients, f"{folder}/placement.tsv", never)
    return placement, "\n".join(map(str, problems))


def test_a_fold_deviates_by_the_larger_of_both_shares() -> None:
    # 40 patients and 20 with residual tumour in two folds: an equal share is 20 and 10.
    counts = {"A": HospitalCounts(25, 12), "B": HospitalCounts(15, 8)}
    assert deviations(counts, {0: ("A",), 1: ("B",)}) == {0: pytest.approx(0.25), 1: pytest.approx(0.25)}
    counts = {"A": HospitalCounts(22, 5), "B": HospitalCounts(18, 15)}
    assert deviations(counts, {0: ("A",), 1: ("B",)}) == {0: pytest.approx(0.5), 1: pytest.approx(0.5)}
    nobody = {"A": HospitalCounts(22, 0), "B": HospitalCounts(18, 0)}
    assert deviations(nobody, {0: ("A",), 1: ("B",)}) == {0: pytest.approx(0.1), 1: pytest.approx(0.1)}


def test_patients_alone_do_not_decide() -> None:
    counts = {
        "A": HospitalCounts(10, 9),
        "B": HospitalCounts(10, 9),
        "C": HospitalCounts(10, 1),
        "D": HospitalCounts(10, 1),
    }
    assert balanced(counts, 2) == {0: ("A", "C"), 1: ("B", "D")}


def test_the_published_hospitals_are_shared_out_better_than_they_were() -> None:
    counts = table1()
    ours = balanced(counts, 5)
    assert sorted(hospital for hospitals in ours.values() for hospital in hospitals) == sorted(counts)
    by_us = sorted(deviations(counts, ours).values(), reverse=True)
    published = sorted(deviations(counts, PUBLISHED_FOLDS).values(), reverse=True)
    # Stockholm alone has 162 of 553 with residual tumour: 5 · 162 / 553 − 1 in any split of whole hospitals.
    assert by_us[0] == published[0] == pytest.approx(5 * 162 / 553 - 1)
    assert [round(deviation, 3) for deviation in published] == [0.465, 0.277, 0.204, 0.134, 0.059]
    assert [round(deviation, 3) for deviation in by_us] == [0.465, 0.19, 0.186, 0.114, 0.059]
    spread, published_spread = (max(r) - min(r) for r in (ratios(counts, ours), ratios(counts, PUBLISHED_FOLDS)))
    assert spread < published_spread


@pytest.mark.parametrize("seed", range(6))
def test_no_other_sharing_is_better(seed: int) -> None:
    counts = some(seed, 7)
    sharing = sharing_of(counts, 3)
    every = (sharing.folds(places) for places in product(range(3), repeat=7) if len(set(places)) == 3)
    best = min(sharing.score(folds) for folds in every)
    found = deviations(counts, balanced(counts, 3))
    assert sorted((round(d * sharing.unit) for d in found.values()), reverse=True) == list(best)


def test_forty_hospitals_are_distributed_alike_every_time() -> None:
    counts = some(2, 40)
    sharing = sharing_of(counts, 5)
    scores = [sharing.score(sharing.folds(places)) for places in (searched(sharing), greedy(sharing))]
    assert scores[0] <= sharing.score(sharing.folds(improved(sharing, greedy(sharing)))) < scores[1]
    ours = balanced(counts, 5)
    assert max(deviations(counts, ours).values()) < 0.02
    assert balanced(dict(reversed(counts.items())), 5) == ours


def test_equal_hospitals_go_by_name_and_not_by_the_order_of_the_table() -> None:
    counts = dict.fromkeys(("E", "B", "D", "A", "C", "F"), HospitalCounts(10, 5))
    found = balanced(counts, 3)
    assert found == balanced(dict(sorted(counts.items())), 3)
    assert sorted(map(len, found.values())) == [2, 2, 2]
    assert "A" in found[0]


def test_as_many_folds_as_hospitals_is_one_each() -> None:
    assert balanced({"A": HospitalCounts(1, 0), "B": HospitalCounts(9, 9), "C": HospitalCounts(5, 1)}, 3) == {
        0: ("B",),
        1: ("C",),
        2: ("A",),
    }


def frozen_placement(
    settings: Study, patients: tuple[Patient, ...], path: str, positives: Positives
) -> tuple[Placement, list[Problem]]:
    """Plan and freeze, as a run does."""
    placement, problems = planned_placement(settings, patients, path, positives)
    freeze(settings, placement, path)
    return placement, problems


def test_balanced_folds_are_planned_without_writing_and_frozen_once(tmp_path: Path) -> None:
    settings, path = study(folds=BALANCED), f"{tmp_path}/results/cohort/placement.tsv"
    patients = cohort(tmp_path)
    before = snapshot(tmp_path)
    planned = planned_placement(settings, patients, path, all_positive)
    # 4 + 1 and 3 + 2 patients, all of them with residual tumour.
    assert planned == ({0: ("STO", "UTR"), 1: ("GOT", "PAR")}, [])
    assert snapshot(tmp_path) == before
    assert frozen_placement(settings, patients, path, all_positive) == planned
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    assert lines[0] == "hospital\tfold"
    assert lines[1:] == [f"{h}\t{f}" for f, hs in planned[0].items() for h in hs]
    # Other patients, for whom it would differ if it were balanced anew; the labels are not even asked.
    fewer = cohort(tmp_path, {**SIZES, "STO": 1, "GOT": 9})
    assert frozen_placement(settings, fewer, path, never) == planned
    assert planned_placement(settings, fewer, f"{tmp_path}/other.tsv", all_positive)[0] != planned[0]


def test_the_hold_out_and_excluded_hospitals_are_in_no_fold(tmp_path: Path) -> None:
    patients = cohort(tmp_path, PAR="motion")
    for folds in (BALANCED, {"method": "leave_one_hospital_out"}):
        placement, _ = planned_placement(study(folds=folds), patients, "absent.tsv", all_positive)
        assert sorted(h for hospitals in placement.values() for h in hospitals) == ["GOT", "STO", "UTR"]


def test_a_mismatch_with_frozen_folds_is_reported_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "placement.tsv"
    path.write_text("hospital\tfold\nSTO\t0\nGOT\t1\nPAR\t1\nUTR\t2\n", encoding="utf-8")
    patients = cohort(tmp_path)
    before = snapshot(tmp_path)
    placement, problems = frozen_placement(study(folds=BALANCED), patients, str(path), never)
    assert placement == {}
    assert [str(problem) for problem in problems] == [
        f"{path}: the file has 3 frozen folds, but folds.number in the config is 2: "
        "set folds.number to 3, or delete the file to balance new folds, which trains all networks again"
    ]
    held = study(folds={**BALANCED, "number": 3}, holdout=["AMS", "UTR"])
    _, told = placed(held, tmp_path, patients)
    assert told == (
        f"row 5, column hospital, {path}: the config puts hospital UTR into the hold-out: "
        "delete the line, or take the hospital out of holdout in the config"
    )
    assert snapshot(tmp_path) == before


def test_a_hospital_may_leave_frozen_folds(tmp_path: Path) -> None:
    (tmp_path / "placement.tsv").write_text("hospital\tfold\nSTO\t0\nGOT\t1\nXYZ\t1\n", encoding="utf-8")
    assert placed(study(folds=BALANCED), tmp_path, cohort(tmp_path)) == ({0: ("STO",), 1: ("GOT", "XYZ")}, "")


def test_too_few_hospitals_are_one_clear_problem_and_no_file(tmp_path: Path) -> None:
    settings, path = study(folds={**BALANCED, "number": 5}), tmp_path / "placement.tsv"
    placement, problems = frozen_placement(settings, cohort(tmp_path), str(path), never)
    assert placement == {}
    assert not path.exists()
    assert [str(problem) for problem in problems] == [
        "column hospital: 5 balanced folds need at least 5 hospitals, but outside the hold-out the study has patients "
        "of only 4 (GOT, PAR, STO, UTR): lower folds.number in the config, or add patients of another hospital"
    ]
    alone = study(folds={"method": "leave_one_hospital_out"}, holdout=["AMS", "GOT", "PAR", "UTR"])
    _, told = placed(alone, tmp_path, cohort(tmp_path))
    assert (
        "leave_one_hospital_out needs at least 2 hospitals, but outside the hold-out the study has patients of only 1"
        in told
    )


def test_every_hospital_that_is_not_held_out_is_a_fold_by_name(tmp_path: Path) -> None:
    settings = study(folds={"method": "leave_one_hospital_out"})
    placement, told = placed(settings, tmp_path, cohort(tmp_path))
    assert (placement, told) == ({0: ("GOT",), 1: ("PAR",), 2: ("STO",), 3: ("UTR",)}, "")
    reordered, _ = placed(settings, tmp_path, tuple(reversed(cohort(tmp_path))))
    assert reordered == placement


def test_folds_that_the_config_names_are_taken_as_they_are(tmp_path: Path) -> None:
    named = study(folds={1: ["GOT", "PAR"], 0: ["STO", "UTR"]})
    placement, told = placed(named, tmp_path, cohort(tmp_path))
    assert list(placement.items()) == [(0, ("STO", "UTR")), (1, ("GOT", "PAR"))]
    assert told == ""


def test_a_given_table_decides(tmp_path: Path) -> None:
    given = tmp_path / "folds.csv"
    given.write_text("fold;hospital\n1;GOT\n0;STO\n\n1;UTR\n0;PAR\n", encoding="utf-8")
    settings = study(folds={"method": "file", "path": str(given)})
    assert placed(settings, tmp_path, cohort(tmp_path)) == ({0: ("STO", "PAR"), 1: ("GOT", "UTR")}, "")


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("hospital\tfolds\nSTO\t0\n", "row 1, column folds, {path}: unknown column: did you mean fold?"),
        (
            "hospital\tfold\nSTO\t0\nGOT\tone\n",
            "row 3, column fold, {path}: 'one' is not a fold: give a number from 0 on",
        ),
        ("hospital\tfold\nSTO\t0\nGOT\t1\nSTO\t1\n", "row 4, column hospital, {path}: hospital STO is also in row 2"),
        ("hospital\tfold\nSTO\t0\nG-T\t1\n", "row 3, column hospital, {path}: 'G-T' is not an identifier"),
        ("hospital\tfold\nSTO\t0\nGOT\n", "row 3, {path}: 1 cells under 2 columns"),
        ("hospital\tfold\nSTO\t0\nGOT\t2\n", "column fold, {path}: folds are numbered [0, 2], expected 0 to 1"),
        ("hospital\tfold\nSTO\t0\nGOT\t0\n", "column fold, {path}: folds [0] are too few"),
        ("hospital\tfold\n", "column fold, {path}: the table has no hospital"),
        (
            "hospital\tfold\nSTO\t0\nAMS\t1\n",
            "row 3, column hospital, {path}: the config puts hospital AMS into the hold-out",
        ),
        (
            "hospital\tfold\nSTO\t0\nGOTT\t1\n",
            "row 3, column hospital, {path}: hospital GOTT has no patient in the cohort table: did you mean GOT?",
        ),
        ("", "{path}: the table is empty: give a header and one row per hospital"),
        (None, "{path}: the table cannot be read (No such file or directory): correct the path"),
    ],
)
def test_problems_of_a_given_folds_table_name_the_row(tmp_path: Path, table: str | None, told: str) -> None:
    path = tmp_path / "folds.tsv"
    if table is not None:
        path.write_text(table, encoding="utf-8")
    settings = study(folds={"method": "file", "path": str(path)})
    placement, problems = planned_placement(settings, cohort(tmp_path), "absent.tsv", never)
    assert placement == {}
    assert told.format(path=path) in "\n".join(map(str, problems))
    assert all(isinstance(problem, Problem) and problem.check and problem.is_error for problem in problems)


def test_nothing_that_computes_is_imported_before_folds_are_balanced() -> None:
    split = "residua.cohort.split"
    code = f"import sys, {split}.placement, {split}.folds, {split}.leakage; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert "residua.cohort.split.leakage" in loaded
    assert not {"numpy", "scipy", "pandas", "nibabel", "residua.cohort.split.balance"} & set(loaded)
