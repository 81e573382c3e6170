"""Another row of the cohort table, and a table that was merged of several, plan what they must."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest

from studies import Study, by_rule
from test_reruns import FOLDS, MODELS, NETWORKS, TRAININGS, published_of

OWN, NEW = "GOT001", "GOT009"
OTHER = "GOT002"
"""Another patient of the same hospital, whose files a batch holds beside those of ``OWN``."""
FILES = ("post_t1ce", "post_t1", "pre_t1ce", "residual", "pre_tumor", "brain_mask")
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


def exchange(study: Study, *cells: tuple[str, str, str]) -> None:
    """Exchange the file cells of pairs of patients in ``cells``: two patients, and a column."""
    table = study.folder / "cohort/cohort.tsv"
    rows = {row["patient"]: row for row in rows_of(table)}
    for one, other, column in cells:
        rows[one][column], rows[other][column] = rows[other][column], rows[one][column]
    write(table, rows.values())


def exchange_columns(study: Study, patient: str, one: str, other: str) -> None:
    """Exchange the file cells of two columns of a patient."""
    table = study.folder / "cohort/cohort.tsv"
    swap = {one: other, other: one}
    rows = rows_of(table)
    write(
        table,
        ({c: row[swap.get(c, c)] for c in row} if row["patient"] == patient else row for row in rows),
    )


def rename(study: Study, patients: Iterable[str], columns: Iterable[str]) -> None:
    """Let the cells of some patients name copies of the files that they named."""
    table = study.folder / "cohort/cohort.tsv"
    rows = rows_of(table)
    for row in rows:
        for column in columns if row["patient"] in patients else ():
            file = Path(row[column])
            row[column] = str(file.with_name(f"another_{file.name}"))
            shutil.copy2(table.parent / file, table.parent / row[column])
    write(table, rows)


def plans_of_both(study: Study, first: Callable[[], None], second: Callable[[], None]) -> list[Counter[str]]:
    """The jobs by rule that each of two edits of the cohort table plans alone."""
    table = study.folder / "cohort/cohort.tsv"
    before, plans = table.read_text(), []
    for edit in (first, second):
        edit()
        plans.append(by_rule(study.planned()))
        table.write_text(before)
    return plans


@pytest.mark.parametrize(
    "columns", [FILES, *(pytest.param((column,), marks=pytest.mark.long) for column in FILES)], ids=" ".join
)
def test_files_that_two_patients_exchange_rerun_what_other_files_do(study: Study, columns: tuple[str, ...]) -> None:
    exchanged, renamed = plans_of_both(
        study,
        lambda: exchange(study, *((OWN, OTHER, column) for column in columns)),
        lambda: rename(study, (OWN, OTHER), columns),
    )
    assert exchanged == renamed
    assert exchanged["check_cohort"] == 1


def test_files_that_two_columns_exchange_rerun_what_other_files_do(study: Study) -> None:
    columns = ("post_t1ce", "post_t1")
    exchanged, renamed = plans_of_both(
        study, lambda: exchange_columns(study, OWN, *columns), lambda: rename(study, (OWN,), columns)
    )
    assert exchanged == renamed
    assert (exchanged["register"], exchanged["mask_brain"], exchanged["train"]) == (1, 1, TRAININGS)


def test_exchanged_reference_standards_of_the_folds_train_again_and_of_the_hold_out_are_measured(
    study: Study,
) -> None:
    exchange(study, (OWN, OTHER, "residual"))
    jobs = by_rule(study.planned())
    assert (jobs["prepare_reference_standard"], jobs["train"]) == (NETWORKS, TRAININGS)
    exchange(study, (OWN, OTHER, "residual"), ("AMS001", "AMS002", "residual"))
    jobs = by_rule(study.planned())
    assert (jobs["measure"], jobs["rate"], jobs["train"]) == (MODELS, 1, 0)


def test_masks_that_two_raters_exchange_are_scored_again(study: Study) -> None:
    table = study.folder / "cohort/raters.tsv"
    rows = rows_of(table)
    one, other = (row for row in rows if row["patient"] == "AMS001" and row["rater"] in ("novice1", "novice2"))
    one["mask"], other["mask"] = other["mask"], one["mask"]
    write(table, rows)
    assert by_rule(study.planned()) == Counter(
        rate=1, compare_raters=1, compare_raters_paired=1, figure4=1, supplementary_tables=1, report=1
    )


def test_settings_that_exchange_their_values_run_their_job_again(study: Study) -> None:
    table, survival = study.folder / "cohort/cohort.tsv", "results/statistics/survival.parquet"
    write(table, ({**row, "survival_days": str(200 + 90 * i), "death": "1"} for i, row in enumerate(rows_of(table))))

    def choose(segmentation: str, classification: str) -> None:
        choices = {"segmentation": segmentation, "classification": classification}
        study.configure(
            lambda config: [config["statistics"]["best_inputs"][by].update(nnunet=c) for by, c in choices.items()]
        )

    choose("A", "B")
    study.run(survival)
    assert study.planned(survival) == []
    choose("B", "A")
    assert by_rule(study.planned(survival)) == Counter(analyse_survival=1)


def test_records_without_the_names_of_settings_plan_nothing_and_show_other_settings(study: Study) -> None:
    records = [file for file in (study.folder / ".snakemake/metadata").rglob("*") if file.is_file()]
    for file in records:
        record = json.loads(file.read_text())
        assert all(re.match(r"\w+=", value) for value in record["params"])
        unnamed = sorted(value.partition("=")[2] for value in record["params"])
        file.write_text(json.dumps(record | {"params": unnamed}))
    assert records
    assert study.planned() == []
    study.configure(lambda config: config["postprocessing"].update(min_component_voxels=7))
    assert by_rule(study.planned()) == published_of(MODELS)
