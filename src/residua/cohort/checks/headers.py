"""Checks of the headers of a patient's images, before any voxel is read."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import nibabel as nib

from residua.cohort.checks.geometry import field_of_view_warnings, geometry_errors, geometry_warnings
from residua.cohort.checks.identity import TEXT_FIELDS, extension_problems, path_warnings, text_warnings
from residua.cohort.checks.located import UnusableFileError, located
from residua.cohort.checks.nifti import CONVERT_AGAIN, read_header
from residua.cohort.checks.pairs import between_patients, name_warnings, other_grid, within_patient
from residua.cohort.table.files import drawn_on
from residua.cohort.table.patient import Patient
from residua.errors import ResiduaError
from residua.images.volumes import Grid, load_grid
from residua.problems.lists import errors_of
from residua.problems.problem import Problem
from residua.problems.severity import problem_of
from residua.settings.study import Study

__all__ = ["check_headers", "header_problems", "other_grid"]

_READERS = 8
"""Threads that read headers: on a network file system most of the time is waiting."""
_NAMES = 3
"""How many names of a path are searched for identity: the file and the folders that data usually come in."""


def check_headers(study: Study, patients: Iterable[Patient]) -> list[Problem]:
    """Return the problems of the headers of all files that the study reads, in table order, without reading a voxel.

    Beside each file alone, a patient's files are compared (a mask must lie on the grid of the sequence on which it was
    drawn; the sequences are different files), and those of different patients. Files that do not exist are left to
    ``check_files``. Never raises.
    """
    included = [patient for patient in patients if not patient.excluded]
    with _quiet(), ThreadPoolExecutor(_READERS) as pool:
        found = list(pool.map(lambda patient: _patient_problems(study, patient), included))
    return [*(problem for problems in found for problem in problems), *between_patients(included, study)]


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence nibabel's messages about repaired headers: headers are checked as they are stored."""
    logger = nib.imageglobals.logger
    before = logger.disabled
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.disabled = True
        try:
            yield
        finally:
            logger.disabled = before


def _patient_problems(study: Study, patient: Patient) -> list[Problem]:
    problems: list[Problem] = []
    grids: dict[str, Grid] = {}
    for column in study.file_columns:
        path = patient.files.get(column)
        if path is None or not os.path.isfile(path):
            continue
        found = header_problems(patient, column, path)
        problems += found
        if errors_of(found):
            continue
        try:
            grids[column] = grid = load_grid(path)
        except ResiduaError as error:
            what = str(error).removeprefix(f"{path}: ")
            problems.append(located(problem_of("header-damaged", what, CONVERT_AGAIN), patient, column, path))
            continue
        if column in study.images:
            warned = field_of_view_warnings(grid.shape, grid.spacing_mm)
            problems += [located(warning, patient, column, path) for warning in warned]
    return [
        *problems,
        *name_warnings(patient, study.file_columns),
        *within_patient(patient, study, drawn_on(study), grids),
    ]


def header_problems(patient: Patient, column: str, path: str) -> list[Problem]:
    """Return the problems of one header, each with the row, the column and the file. Never raises."""
    try:
        header = read_header(path)
        problems = geometry_errors(header) or geometry_warnings(header)
        problems += text_warnings({field: header.text(field) for field in TEXT_FIELDS})
        problems += extension_problems(header.extensions)
    except UnusableFileError as unusable:
        problems = list(unusable.problems)
    except Exception as error:
        # Whatever a damaged header makes a library do, the other patients are checked.
        what = f"the header cannot be checked ({type(error).__name__}: {error})"
        problems = [problem_of("header-damaged", what, CONVERT_AGAIN)]
    named = path_warnings(path, os.path.join(path, *[os.pardir] * _NAMES))
    return [
        *(located(problem, patient, column, path) for problem in problems),
        # The path would repeat what is to be hidden: row and column say which file it is.
        *(located(warning, patient, column, None) for warning in named),
    ]
