"""Another row of the cohort table, and a table that was merged of several, plan what they must."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from studies import Study, by_rule
from test_reruns import FOLDS, MODELS, NETWORKS, TRAININGS, published_of

OWN, NEW = "GOT001", "GOT009"
CHANNELS = 2
OF_A_TRAINING_PATIENT = published_of(MODELS) + Counter(
    check_cohort=1, check_duplicates=1, split_folds=1, register=1, register_around_resection=1, measure_before=1,
    collect_failures=1, check_preprocessing=1, mask_brain=1, assess=1, assess_cohort=1, strip=CHANNELS,
    prepare_stripped=NETWORKS * CHANNELS, prepare_reference_standard=NETWORKS, select_cases=NETWORKS * 2 * FOLDS,
    train=TRAININGS, predict=TRAININGS, ensemble=MODELS, table1=1, table2=1, table_s2=1, table_baseline=1, figure1=1,
    participant_flow=1, flow_figure=1,
)  # fmt: skip
"""The patient's own images and batch, all trainings, and what follows; no other patient is registered.

Figure 1 shows so many patients that the new one is among them, with the scan before surgery.
"""


def rows_of(table: Path) -> list[dict[str, str]]:
    with table.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def write(table: Path, rows: Iterable[Mapping[str, str]]) -> None:
    rows = list(rows)
    table.parent.mkdir(exist_ok=True)
    with table.open("w", encoding="utf-8", newline="") as stream:
        columns = dict.fromkeys(column for row in rows for column in row)
        writer = csv.DictWriter(stream, columns, delimiter="\t", restval="")
        writer.writeheader()
        writer.writerows(rows)


def another(study: Study, **cells: str) -> dict[str, str]:
    """A row with copies of the images of ``OWN``."""
    cohort = study.folder / "cohort"
    (row,) = (row for row in rows_of(cohort / "cohort.tsv") if row["patient"] == OWN)
    for folder in ("images", "truth"):
        shutil.copytree(cohort / folder / OWN, cohort / folder / NEW)
    return {column: cell.replace(OWN, NEW) for column, cell in row.items()} | cells


def merge(study: Study, *tables: Path) -> None:
    """Make one table of several, as a user does, and let the study read it."""
    command = [sys.executable, "-m", "residua.cli", "merge", *tables, "--out", "merged", "--no-voxels"]
    shutil.rmtree(study.folder / "merged", ignore_errors=True)
    raters = ["--raters", "1=cohort/raters.tsv"]
    done = subprocess.run([*map(str, command), *raters], cwd=study.folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    study.configure(lambda config: config.update(cohort="merged/cohort.tsv", raters="merged/raters.tsv"))


@pytest.mark.parametrize("person", ["", OWN])
def test_another_patient_or_scan_is_prepared_and_everything_trained_with_it(study: Study, person: str) -> None:
    table = study.folder / "cohort/cohort.tsv"
    write(table, [*rows_of(table), another(study, person=person)])
    jobs = study.planned()
    assert by_rule(jobs) == OF_A_TRAINING_PATIENT
    assert {job["patient"] for job in jobs if job.rule.startswith("register")} == {NEW}


def test_a_merged_table_of_the_same_rows_plans_no_work_on_images_and_another_row_what_it_must(study: Study) -> None:
    folder = study.folder / "cohort"
    rows = rows_of(folder / "cohort.tsv")
    ours, theirs = folder / "ours.tsv", folder / "theirs.tsv"
    write(ours, rows[:3])
    write(theirs, rows[3:])
    merge(study, ours, theirs)
    # The split is written from the table that the config names.
    assert by_rule(study.planned()) == Counter(
        split_folds=1, check_duplicates=1, table1=1, table2=1, table_s2=1, table_baseline=1, participant_flow=1,
        flow_figure=1, report=1,
    )  # fmt: skip
    write(theirs, [*rows_of(theirs), another(study)])
    merge(study, ours, theirs)
    assert by_rule(study.planned()) == OF_A_TRAINING_PATIENT
