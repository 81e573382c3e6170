"""A table of the published cohort's size: Table 1's hospitals, with empty placeholders for images."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd

COLUMNS = ("post_t1ce", "post_t1", "post_flair", "pre_t1ce", "residual", "pre_tumor")
PATIENTS_BY_HOSPITAL = {
    "HAG": 40, "MIL": 55, "ZWO": 51, "VIE": 45, "ALK": 23, "PAR": 41, "SFR": 108, "GRO": 43, "UTR": 53, "AMS": 73,
    "STO": 237, "GOT": 187,
}  # fmt: skip


def write_published_cohort(folder: Path, times: float = 1) -> Path:
    """Write ``cohort.tsv`` with so many times the patients, and its placeholder files; returns the table's path."""
    rows = []
    for hospital, patients in PATIENTS_BY_HOSPITAL.items():
        for number in range(1, int(times * patients) + 1):
            patient = f"{hospital}{number:03d}"
            files = {column: f"images/{patient}/{column}.nii.gz" for column in COLUMNS}
            (folder / "images" / patient).mkdir(parents=True)
            for file in files.values():
                (folder / file).touch()
            rows.append({"patient": patient, "hospital": hospital, "role": "auto", "exclusion_reason": "", **files})
    table = folder / "cohort.tsv"
    pd.DataFrame(rows).to_csv(table, sep="\t", index=False, quoting=csv.QUOTE_MINIMAL)
    return table
