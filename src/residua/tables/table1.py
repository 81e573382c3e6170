"""Build Table 1: patients, residual tumour (RT) and gross total resection (GTR) of each hospital."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from residua.cohort.split.split import Split
from residua.metrics.classification import has_residual_tumor
from residua.publishing.publish import read_json
from residua.tables.cells import number, require_columns, require_known
from residua.tables.render import Table


def table1(patients: pd.DataFrame, hospitals: Sequence[str], residual_tumor_ml: float) -> Table:
    """Build one column per hospital, in the order given, and the total.

    ``patients`` has one row per patient: ``hospital`` and ``residual_ml``, the reference volume, NaN for a patient
    without annotation. These patients are counted in a row of their own and excluded from the ratio RT / (RT + GTR).
    Raises ``ResiduaError`` for a hospital missing from the order.
    """
    require_columns(patients, ["hospital", "residual_ml"], "table 1")
    require_known(patients["hospital"], hospitals, "the order of hospitals")
    columns = {}
    for hospital in hospitals:
        columns[hospital] = _column(patients[patients["hospital"] == hospital], residual_tumor_ml)
    columns["Total"] = _column(patients, residual_tumor_ml)
    frame = pd.DataFrame(columns, dtype=object)
    if not patients["residual_ml"].isna().any():
        frame = frame.drop(index="Not annotated")
    caption = (
        f"Table 1. Patients of each hospital. RT: residual tumour, reference volume of at least {residual_tumor_ml:g} "
        "ml; GTR: gross total resection, below; RT ratio: RT of all annotated patients."
    )
    return Table(frame.rename_axis("Hospital").reset_index(), caption)


def _column(patients: pd.DataFrame, residual_tumor_ml: float) -> dict[str, object]:
    annotated = patients["residual_ml"].dropna()
    with_tumor = int(has_residual_tumor(annotated, residual_tumor_ml).sum())
    return {
        "Patients": len(patients),
        "RT": with_tumor,
        "GTR": len(annotated) - with_tumor,
        "Not annotated": len(patients) - len(annotated),
        "RT ratio (%)": number(100 * with_tumor / len(annotated) if len(annotated) else math.nan, 1),
    }


def cohort_table(checks: Sequence[str], split: dict[str, Any], residual_tumor_ml: float) -> Table:
    """Build Table 1 from the volumes that the cohort's checks measured, in the order of folds and hold-out."""
    volumes_ml = {patient: ml for check in checks for patient, ml in read_json(check)["residual_ml"].items()}
    cohort = Split.from_json(split)
    rows = [(cohort.hospitals[patient], volumes_ml.get(patient)) for patient in cohort.patients]
    patients = pd.DataFrame(rows, columns=["hospital", "residual_ml"]).astype({"residual_ml": float})
    table = table1(patients, list(dict.fromkeys(patients["hospital"])), residual_tumor_ml)
    if not cohort.persons:
        return table
    persons = len({cohort.who(patient) for patient in cohort.patients})
    return replace(table, notes=(*table.notes, f"Patients are counted by scan: {len(patients)} of {persons} persons."))
