"""Who is to be predicted: the patients of a call, as rows of a table with absolute paths."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from residua.cohort.table.patients import parse_table
from residua.cohort.table.rows import CohortRow, wrong_cells
from residua.errors import ResiduaError
from residua.images.nifti_names import nifti_stem
from residua.importers.tree import entries
from residua.inference.new_patients import DEFAULTS
from residua.problems.lists import raise_problems
from residua.settings.columns import CLINICAL
from residua.settings.study import Study


@dataclass(frozen=True)
class NewPatient:
    """A patient of a call: a name, the file of each column, and what else a table says."""

    patient: str
    files: Mapping[str, Path]
    further: Mapping[str, str] = field(default_factory=dict)

    def row(self) -> dict[str, str]:
        """Return the row of the patient in the table of the application."""
        files = {column: str(file.absolute()) for column, file in self.files.items()}
        return {"patient": self.patient, **self.further, **files}


def require_known(patients: Sequence[NewPatient], study: Study) -> None:
    """Raise ``ResiduaError`` for a name that is unsafe or stands twice, and for columns that the study lacks."""
    names = [patient.patient for patient in patients]
    _require_safe(names, "The patients cannot be named so")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ResiduaError(f"patient {twice[0]} is given twice; give every patient a name of its own")
    unknown = {column for patient in patients for column in patient.files if column not in study.file_columns}
    if unknown:
        raise ResiduaError(
            f"the bundles know no {', '.join(sorted(unknown))}, but {', '.join(study.file_columns)}: leave the file "
            "out, or name its column as the bundles do"
        )


def _require_safe(names: Iterable[str], title: str) -> None:
    unsafe = [problem for name in names for problem in wrong_cells(CohortRow, {"patient": name}, ("patient",))]
    raise_problems(unsafe, title)


def patients_below(folder: Path, study: Study) -> list[NewPatient]:
    """Return the patients of a folder: ``folder/PATIENT/COLUMN.nii.gz``, ``.nii``, or ``COLUMN`` where it is DICOM.

    A link is given even where it leads to nothing: without it, the patient would be predicted by a lesser bundle.
    Raises ``ResiduaError`` when there is no patient, one has no safe name or a sequence twice, or a folder is lost.
    """
    if not folder.is_dir():
        raise ResiduaError(f"{folder}: no such folder; give the folder that holds a sub-folder per patient")
    below = [path for path in entries(folder) if _is_patient(path)]
    if not below:
        example = f"{folder}/PATIENT/{study.sequences.reference}.nii.gz"
        raise ResiduaError(f"{folder}: holds no sub-folder; expected one per patient, such as {example}")
    _require_safe([path.name for path in below], f"{folder}: each sub-folder is named as its patient")
    return [NewPatient(path.name, _images(path, study.file_columns)) for path in below]


def _is_patient(path: Path) -> bool:
    if path.is_symlink() and not path.suffix and not os.path.exists(path):
        what = "a link that leads to nothing, where a patient's folder may have been"
        raise ResiduaError(f"{path}: {what}; restore the folder, or delete the link")
    return path.is_dir()


def _images(folder: Path, columns: Iterable[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    # By the names in the folder: asked for by its path, a file behind a broken link is none.
    held = [(path, (nifti_stem(path.name) or path.name).lower()) for path in entries(folder)]
    for column in columns:
        files = [path for path, name in held if name == column]
        if len(files) > 1:
            raise ResiduaError(f"{folder}: holds both {files[0].name} and {files[1].name}; leave the right one")
        if files:
            found[column] = files[0]
    return found


def patients_of_table(table: Path, study: Study) -> list[NewPatient]:
    """Return the patients of a cohort table. Raises ``ResiduaError`` with everything that is wrong with it."""
    parsed = parse_table(str(table), study.file_columns, (study.sequences.reference,), DEFAULTS)
    raise_problems(parsed.problems, f"{table}: the table of the patients cannot be used")
    return [
        NewPatient(
            row.patient,
            {column: Path(file) for column, file in row.files.items()},
            {
                "hospital": row.hospital,
                "role": row.role,
                "exclusion_reason": row.exclusion_reason,
                "person": row.person,
                **row.clinical,
            },
        )
        for row in parsed.patients
    ]


def columns_of(patients: Sequence[NewPatient], study: Study) -> list[str]:
    """Return the columns of the table of some patients, every sequence among them."""
    given = {column for patient in patients for column in patient.row()}
    order = ("patient", "hospital", "role", "exclusion_reason", "person", *study.file_columns, *CLINICAL)
    return [column for column in order if column in {"patient", *study.images} | given]
