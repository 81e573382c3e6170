"""Build Table 2: hospitals and patients of each fold and of the hold-out set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from residua.cohort.split.split import Split
from residua.tables.cells import require_columns, require_known
from residua.tables.render import Table


def table2(patients: pd.DataFrame, folds: Mapping[int, Sequence[str]], holdout: Sequence[str]) -> Table:
    """Build one column per fold, and one of the hold-out set.

    ``patients`` has one row per patient with its ``hospital``; ``folds`` names the hospitals that each fold validates.
    A fold trains on the patients of all other folds. Raises ``ResiduaError`` for a hospital in no fold.
    """
    require_columns(patients, ["hospital"], "table 2")
    in_folds = [hospital for hospitals in folds.values() for hospital in hospitals]
    require_known(patients["hospital"], [*in_folds, *holdout], "the split")
    everyone = _count(patients, in_folds)
    columns: dict[str, list[object]] = {"Fold": ["Hospitals validation", "Patients train", "Patients validation"]}
    for fold, hospitals in folds.items():
        validated = _count(patients, hospitals)
        columns[str(fold)] = [", ".join(hospitals), everyone - validated, validated]
    columns["Hold-out set"] = [", ".join(holdout), "–", _count(patients, holdout)]
    caption = (
        f"Table 2. Hospitals and patients of the {len(folds)} validation sets ({everyone} patients in all) and of the "
        "hold-out test set. Each hospital lies in one set."
    )
    return Table(pd.DataFrame(columns, dtype=object), caption)


def _count(patients: pd.DataFrame, hospitals: Sequence[str]) -> int:
    return int(patients["hospital"].isin(list(hospitals)).sum())


def split_table(split: dict[str, Any]) -> Table:
    """Build Table 2 of a split: of hospitals as in the article, of persons with their number in each part."""
    cohort = Split.from_json(split)
    if cohort.unit == "person":
        return _of_persons(cohort)
    folds = {fold: _hospitals(cohort, members) for fold, members in cohort.folds.items()}
    patients = pd.DataFrame({"hospital": [cohort.hospitals[patient] for patient in cohort.patients]})
    return table2(patients, folds, _hospitals(cohort, cohort.holdout))


def _of_persons(split: Split) -> Table:
    rows = ["Hospitals validation", "Persons train", "Persons validation", "Scans train", "Scans validation"]
    columns: dict[str, list[object]] = {"Fold": [*rows]}
    for fold, members in split.folds.items():
        training = split.training(fold)
        persons = [_persons(split, training), _persons(split, members)]
        columns[str(fold)] = [", ".join(_hospitals(split, members)), *persons, len(training), len(members)]
    out = split.holdout
    columns["Hold-out set"] = [", ".join(_hospitals(split, out)), "–", _persons(split, out), "–", len(out)]
    caption = (
        f"Table 2. Hospitals, persons and scans of the {len(split.folds)} validation sets and of the hold-out test "
        "set. Each person lies in one set; a hospital may lie in several."
    )
    return Table(pd.DataFrame(columns, dtype=object), caption)


def _persons(split: Split, patients: Sequence[str]) -> int:
    return len({split.who(patient) for patient in patients})


def _hospitals(cohort: Split, patients: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(cohort.hospitals[patient] for patient in patients))
