"""One table of all new patients, a row each (stage ``tabulate_patients``)."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from residua.publishing.publish import read_json, verified

RECORD = "prediction.json"
"""The record of a patient within the folder."""
_COLUMNS: dict[str, tuple[str, ...]] = {
    "patient": ("patient",),
    "state": ("state",),
    "class": ("classification", "told"),
    "probability": ("classification", "probability"),
    "residual_ml": ("volumes", "residual_ml"),
    "residual_low_ml": ("volumes", "residual_low_ml"),
    "residual_high_ml": ("volumes", "residual_high_ml"),
    "mean_pairwise_dice": ("folds", "mean_pairwise_dice"),
    "before_ml": ("volumes", "before_ml"),
    "extent_percent": ("resection", "extent_percent"),
    "extent_low_percent": ("resection", "extent_low_percent"),
    "extent_high_percent": ("resection", "extent_high_percent"),
    "rano_resect": ("resection", "rano_resect"),
    "longest_mm": ("diameters", "longest_mm"),
    "perpendicular_mm": ("diameters", "perpendicular_mm"),
    "bundle": ("bundle", "name"),
}
"""Each column, and where its value stands in the record of a patient."""
_TEXTS = ("warnings", "flags", "problems")


def patients_table(records: Sequence[Mapping[str, Any]]) -> str:
    """Return the table as TSV; a cell is empty where there is nothing to tell.

    >>> print(patients_table([{"patient": "P1", "state": "refused", "problems": [{"what": "no file"}]}]).split()[-2:])
    ['no', 'file']
    """
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
    writer.writerow([*_COLUMNS, *_TEXTS])
    for record in records:
        values = [_at(record, keys) for keys in _COLUMNS.values()]
        texts = ["; ".join(part["what"] for part in record.get(name) or ()) for name in _TEXTS]
        writer.writerow([_cell(value) for value in [*values, *texts]])
    return stream.getvalue()


def recorded(manifest: str) -> dict[str, Any]:
    """Return the record in the published folder of a patient."""
    record: dict[str, Any] = read_json(verified(manifest, lambda name: name == RECORD)[RECORD])
    return record


def _at(record: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        record = (record or {}).get(key)
    return record


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else str(value)
