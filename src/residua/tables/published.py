"""The publication's tables from the files of a run, and how they are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

import pandas as pd

from residua.cohort.folds import Split
from residua.publish import read_json, write_text
from residua.statistics.cases import read_cases
from residua.study import Classification, Statistics
from residua.tables import supplement
from residua.tables.html import to_html
from residua.tables.latex import to_latex
from residua.tables.render import Table, to_csv, to_markdown
from residua.tables.table1 import table1
from residua.tables.table2 import table2
from residua.tables.table3 import table3
from residua.tables.table4 import table4

_FORMS = {"csv": to_csv, "md": to_markdown, "tex": to_latex, "html": to_html}
_SUPPLEMENT = {
    "tukey": supplement.tukey,
    "architectures": supplement.architectures,
    "intervals": supplement.intervals,
    "overlaps": supplement.overlaps,
    "raters": supplement.raters,
}


def write_table(table: Table, files: Mapping[str, str | PathLike[str]]) -> None:
    """The same table in four forms; ``files`` names the file of each: csv, md, tex and html."""
    for form, write in _FORMS.items():
        write_text(files[form], write(table))


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


def performance_table(
    metrics: Sequence[str], classification: Mapping[str, Any], arch_labels: Mapping[str, str], notes: Sequence[str]
) -> Table:
    """Table 3 of the measurements of every network and inputs."""
    return table3(read_cases(metrics), Classification(**classification), arch_labels, notes)


def classification_table(
    metrics: Sequence[str], classification: Mapping[str, Any], arch_labels: Mapping[str, str], notes: Sequence[str]
) -> Table:
    """Table 4 of the measurements of every network and inputs."""
    return table4(read_cases(metrics), Classification(**classification), arch_labels, notes)


def supplementary_table(
    name: str, results: str, arch_labels: Mapping[str, str], statistics: Mapping[str, Any]
) -> Table:
    """The table ``name`` of ``residua.tables.supplement``, of its parquet file."""
    return _SUPPLEMENT[name](pd.read_parquet(results), arch_labels, Statistics(**statistics))


def _hospitals(cohort: Split, patients: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(cohort.hospitals[patient] for patient in patients))
