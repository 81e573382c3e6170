"""Choose sequences, labels and input configurations by the columns that a table fills."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any

from residua.cohort.table.patient import Patient
from residua.cohort.table.patients import PatientTable, parse_table
from residua.errors import ResiduaError
from residua.images.nifti_names import nifti_stem
from residua.problems.lists import raise_problems
from residua.settings.base import COLUMN, REFERENCE_STANDARD
from residua.settings.columns import CONTRACT, FILES

_BEFORE_SURGERY = "pre_"
_A_LABEL = re.compile(r"tumou?r|seg|mask|label|lesion|o?edema|necro|enhanc")


@dataclass(frozen=True)
class Columns:
    """The columns that patients fill: moving sequences, labels with the sequence each was drawn on, a brain mask."""

    reference: str
    moving: tuple[str, ...]
    labels: Mapping[str, str]
    has_brain_masks: bool

    @property
    def before_surgery(self) -> list[str]:
        """Return the moving sequences from before surgery, by their names."""
        return [column for column in self.moving if column.startswith(_BEFORE_SURGERY)]

    @property
    def images(self) -> tuple[str, ...]:
        """Return all sequences, the reference first."""
        return (self.reference, *self.moving)


def filled_table(path: str) -> PatientTable:
    """Read a table with all its columns of images, also those that the published study does not know.

    Raises ``ResiduaError`` that lists everything wrong with the table.
    """
    table = table_with_images(path)
    raise_problems(table.problems, f"{path}: the cohort table cannot be used")
    return table


def table_with_images(path: str) -> PatientTable:
    """Like ``filled_table``, but returns the problems beside the patients that could be read. Never raises."""
    columns = parse_table(path, FILES, ()).columns
    others = [column for column in columns if column not in CONTRACT and re.fullmatch(COLUMN, column)]
    read = parse_table(path, (*FILES, *others), ())
    images = {name for patient in read.patients for name, file in patient.files.items() if nifti_stem(file)}
    return parse_table(path, (*FILES, *(column for column in others if column in images)), ())


def filled_columns(table: PatientTable, published: Mapping[str, Any], path: str) -> Columns:
    """Return the columns that patients fill, those of the published study first.

    Raises ``ResiduaError`` where no patient has the reference sequence or the reference standard.
    """
    patients = [patient for patient in table.patients if not patient.excluded]
    filled = {column for patient in patients for column in patient.files}
    reference, known = published["sequences"]["reference"], published["sequences"]["moving"]
    for column in (reference, REFERENCE_STANDARD):
        if column not in filled:
            raise ResiduaError(f"{path}: no patient has a file in column {column}, which every study needs: add it")
    others = [column for column in table.columns if column in filled and column not in CONTRACT]
    moving = [column for column in known if column in filled]
    moving += [column for column in others if not holds_labels(column)]
    drawn = dict(published["labels"])
    drawn |= {column: _drawn_on(column, reference, moving) for column in others if holds_labels(column)}
    labels = {label: on for label, on in drawn.items() if label in filled and on in (reference, *moving)}
    annotated = [patient for patient in patients if {reference, REFERENCE_STANDARD} <= set(patient.files)]
    has_masks = bool(annotated) and all("brain_mask" in patient.files for patient in annotated)
    return Columns(reference, tuple(moving), labels, has_masks)


def holds_labels(column: str) -> bool:
    """Return whether a column that no study declares holds masks, by its name."""
    return _A_LABEL.search(column) is not None


def _drawn_on(label: str, reference: str, moving: Collection[str]) -> str:
    if not label.startswith(_BEFORE_SURGERY):
        return reference
    return next((column for column in moving if column.startswith(_BEFORE_SURGERY)), reference)


def possible_inputs(
    columns: Columns, patients: Sequence[Patient], published: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """Return the published input configurations whose channels some patient has, all of them.

    One more holds all sequences from after surgery, where none of these does.
    """
    known = (*columns.images, *columns.labels)
    inputs = {
        name: list(channels)
        for name, channels in published.items()
        if set(channels) <= set(known) and any(set(channels) <= set(patient.files) for patient in patients)
    }
    after = [column for column in columns.images if column not in columns.before_surgery]
    covered = any(set(after) <= set(channels) for channels in inputs.values())
    if not covered and any(set(after) <= set(patient.files) for patient in patients):
        inputs[next(letter for letter in ascii_uppercase if letter not in published)] = after
    return inputs or {"A": [columns.reference]}
