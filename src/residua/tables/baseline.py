"""Build the table of baseline characteristics: patients, scanners and volumes, by set and by hospital."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from residua.cohort.split.split import Split
from residua.images.thickness import slice_thicknesses
from residua.publishing.publish import read_json
from residua.settings.base import GRADES
from residua.tables.cells import NOT_AVAILABLE
from residua.tables.covariates import group_name
from residua.tables.render import Cell, Table

_GRADED = {"annotation_quality": "Annotation quality", "image_quality": "Image quality"}
_COUNTED = {"sex": "Sex", "field_strength_t": "Field strength", "manufacturer": "Manufacturer", **_GRADED}
_MEASURED = {
    "age": "Age, years",
    "slice_mm": "Thickest voxel edge of the reference, mm",
    "before_ml": "Tumour before surgery, ml",
    "residual_ml": "Residual tumour, ml",
}


def baseline_table(
    checks: Iterable[str],
    folds: Mapping[str, Any],
    clinical: Mapping[str, Mapping[str, str]],
    reference: str,
    resected: str | None,
) -> Table:
    """Build the table from ``results/cohort/checks/*.json``, for the patients of ``folds.json``.

    ``clinical`` holds what the cohort table says of each patient. ``reference`` is the column of the reference
    sequence, ``resected`` the label of the tumour before surgery; None: the study has none.
    """
    found: dict[str, dict[str, Any]] = {}
    for check in checks:
        record = read_json(check)
        numbers = {
            "residual_ml": record["residual_ml"],
            "before_ml": record.get(f"{resected}_ml", {}),
            "slice_mm": slice_thicknesses(record["grids"], reference),
        }
        for patient in record["grids"]:
            found[patient] = {name: of[patient] for name, of in numbers.items() if patient in of}
    split = Split.from_json(folds)
    rows = [{**clinical.get(patient, {}), **found.get(patient, {})} for patient in split.patients]
    patients = pd.DataFrame(rows, index=list(split.patients))
    return baseline(patients, split, ("before_ml",) if resected is None else ())


def baseline(patients: pd.DataFrame, split: Split, left_out: Sequence[str] = ()) -> Table:
    """Build one column for all, the folds together, the hold-out and each hospital; ``patients`` has a row for each.

    Numbers are median and quartiles, over the patients whose number is known; counts name every value that occurs, and
    the unknown where there are any. Grades are listed from the best, and not at all where nobody has one.
    """
    sets = {
        "All": list(split.patients),
        "Cross-validation": [p for p in split.patients if p not in set(split.holdout)],
        "Hold-out": list(split.holdout),
    }
    for patient in split.patients:
        sets.setdefault(split.hospitals[patient], []).append(patient)
    graded = [name for name in _GRADED if _known(patients, name)]
    values = {name: _values(patients, name) for name in _COUNTED if name not in _GRADED or name in graded}
    columns: dict[str, list[object]] = {name: _column(patients, who, values, left_out) for name, who in sets.items()}
    frame = pd.DataFrame({"": list(_rows(values, left_out)), **columns}, dtype=object)
    caption = (
        "Baseline characteristics (not in the article), of all scans, by set and by hospital. Numbers: median "
        "[quartiles], with how many are known and how many undefined; counts: scans (percent of the set)."
    )
    return Table(frame, caption)


def _values(patients: pd.DataFrame, name: str) -> list[str | None]:
    known = _known(patients, name)
    grades: list[str] = [grade for grade in reversed(GRADES) if name in _GRADED and grade in known]
    return [*(grades or sorted(set(known))), *([None] if len(known) < len(patients) else [])]


def _rows(values: Mapping[str, Sequence[str | None]], left_out: Sequence[str]) -> Iterable[str]:
    yield "Scans"
    yield from (title for name, title in _MEASURED.items() if name not in left_out)
    for name, possible in values.items():
        yield from (f"{_COUNTED[name]}: {_named(name, value)}" for value in possible)


def _column(
    patients: pd.DataFrame, who: Sequence[str], values: Mapping[str, Sequence[str | None]], left_out: Sequence[str]
) -> list[object]:
    own = patients.loc[list(who)]
    cells: list[object] = [len(own)]
    cells += [_quartiles(own, name) for name in _MEASURED if name not in left_out]
    for name, possible in values.items():
        counts = Counter(_known(own, name))
        unknown = len(own) - counts.total()
        numbers = [unknown if value is None else counts[value] for value in possible]
        cells += [_share(number, len(own)) for number in numbers]
    return cells


def _known(patients: pd.DataFrame, name: str) -> list[str]:
    return [] if name not in patients else [str(value) for value in patients[name].dropna()]


def _quartiles(patients: pd.DataFrame, name: str) -> Cell:
    numbers = pd.to_numeric(patients[name]) if name in patients else pd.Series(np.nan, patients.index)
    known = numbers.dropna().to_numpy(np.float64)
    if not known.size:
        return Cell(NOT_AVAILABLE, 0, len(patients))
    low, middle, high = np.quantile(known, [0.25, 0.5, 0.75])
    return Cell(f"{middle:.1f} [{low:.1f}, {high:.1f}]", known.size, len(patients) - known.size)


def _share(number: int, of: int) -> str:
    return f"{number} ({100 * number / of:.0f}\N{NO-BREAK SPACE}%)" if number else "0"


def _named(name: str, value: str | None) -> str:
    if value is None:
        return "not known"
    return group_name("field_strength" if name == "field_strength_t" else name, value)
