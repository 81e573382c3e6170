"""The publication's tables from the files of a run, and how they are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

import pandas as pd

from residua.cohort.folds import Split
from residua.publish import read_json, write_text
from residua.study import Classification
from residua.tables.render import Table, to_csv, to_markdown
from residua.tables.table1 import table1
from residua.tables.table2 import table2
from residua.tables.table3 import table3

ARCH_LABELS = {"nnunet": "nnU-Net", "agunet": "AGU-Net"}


def write_table(table: Table, csv: str | PathLike[str], markdown: str | PathLike[str]) -> None:
    """The same table for programs and for readers."""
    write_text(csv, to_csv(table))
    write_text(markdown, to_markdown(table))


def cohort_table(checks: Sequence[str], split: dict[str, Any], residual_tumor_ml: float) -> Table:
    """Table 1 of the volumes that the cohort's checks measured, hospitals in the order of folds and hold-out."""
    volumes_ml = {patient: ml for check in checks for patient, ml in read_json(check)["residual_ml"].items()}
    cohort = Split.from_json(split)
    rows = [(cohort.hospitals[patient], volumes_ml.get(patient)) for patient in cohort.patients]
    patients = pd.DataFrame(rows, columns=["hospital", "residual_ml"]).astype({"residual_ml": float})
    return table1(patients, list(dict.fromkeys(patients["hospital"])), residual_tumor_ml)


def split_table(split: dict[str, Any]) -> Table:
    """Table 2 of a split."""
    cohort = Split.from_json(split)
    folds = {fold: _hospitals(cohort, members) for fold, members in cohort.folds.items()}
    patients = pd.DataFrame({"hospital": [cohort.hospitals[patient] for patient in cohort.patients]})
    return table2(patients, folds, _hospitals(cohort, cohort.holdout))


def performance_table(metrics: Sequence[str], classification: Mapping[str, Any]) -> Table:
    """Table 3 of the measurements of every network and inputs."""
    cases = pd.concat([pd.read_parquet(file) for file in metrics], ignore_index=True)
    return table3(cases, Classification(**classification), ARCH_LABELS)


def _hospitals(cohort: Split, patients: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(cohort.hospitals[patient] for patient in patients))
