"""The cohort as the workflow sees it: patients, their split and their batches, from one table and the config.

Loaded at every start and inside every job, hence in milliseconds: nothing here imports an array or an image library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from residua.cohort.batches import batches
from residua.cohort.files import check_files, needed_columns
from residua.cohort.folds import Split, assign
from residua.cohort.problems import Problem, errors_of, raise_problems
from residua.cohort.table import Patient, parse_table
from residua.study import Study

__all__ = ["Cohort", "Patient", "Problem", "Split", "judged_cohort", "load_cohort"]


@dataclass(frozen=True)
class Cohort:
    """Every row of the table by patient (excluded ones too; ``split.patients`` has the others), split and batches."""

    patients: Mapping[str, Patient]
    split: Split
    batches: Mapping[str, tuple[str, ...]]


def load_cohort(study: Study, table_path: str) -> Cohort:
    """The cohort of ``table_path``, split as the config says; looks whether files exist, opens none but the table.

    Raises one ``ResiduaError`` that lists everything wrong with the table, the split and the files at once.
    """
    cohort, problems = judged_cohort(study, table_path)
    if errors_of(problems):
        # The study stops here anyway: what the headers would stop it for next is told in the same breath.
        from residua.cohort.headers import check_headers

        problems += check_headers(study, cohort.patients.values())
    raise_problems(problems, f"{table_path}: the study cannot run on this cohort")
    return cohort


def judged_cohort(study: Study, table_path: str) -> tuple[Cohort, list[Problem]]:
    """Like ``load_cohort``, but returns the problems beside what could be read. Never raises."""
    needed = needed_columns(study)
    table = parse_table(table_path, study.file_columns, needed)
    problems = list(table.problems)
    split, unfit = assign(study, table.patients)
    if table.patients:
        # A column that the header lacks was told once; it is not told again for each patient.
        there = [column for column in study.file_columns if column in table.columns]
        problems += [*unfit, *check_files(study, table.patients, there)]
    patients = {patient.patient: patient for patient in table.patients}
    return Cohort(patients, split, batches(table.patients)), problems
