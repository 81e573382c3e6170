"""Is every file there that the study will read? Looks at names only, so that it can be asked at every start."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Literal

from residua.cohort.table.patients import Patient
from residua.problems.problem import Problem
from residua.settings.base import REFERENCE_STANDARD
from residua.settings.study import Study

Kind = Literal["image", "label", "mask"]


def kinds_of(study: Study) -> dict[str, Kind]:
    """What each file column that the study reads holds: an image, a label whose volume counts, or a plain mask."""
    masks: dict[str, Kind] = {column: "label" if column in study.labels else "mask" for column in study.file_columns}
    return masks | dict.fromkeys(study.images, "image")


def drawn_on(study: Study) -> dict[str, str]:
    """The sequence on whose grid each mask was drawn."""
    return {**study.labels, "brain_mask": study.sequences.reference}


def needed_columns(study: Study) -> tuple[str, ...]:
    """The file columns that the table must have: a label that no inputs show to a network is not needed."""
    used = {REFERENCE_STANDARD, *study.channels}
    return tuple(column for column in study.file_columns if column not in study.labels or column in used)


def check_files(study: Study, patients: Iterable[Patient], columns: Iterable[str] | None = None) -> list[Problem]:
    """A problem for each file that the table names and that does not exist, in the order of the table.

    A cell that is empty is no problem here: ``residua.cohort.eligibility`` says who may lack what. ``columns`` limits
    the check to some of the file columns. Excluded patients are not looked at. Never raises.
    """
    wanted = set(study.file_columns if columns is None else columns)
    looked_at = [column for column in study.file_columns if column in wanted]
    included = [patient for patient in patients if not patient.excluded]
    found = (_file_problem(patient, column) for patient in included for column in looked_at)
    return [problem for problem in found if problem]


def _file_problem(patient: Patient, column: str) -> Problem | None:
    path = patient.files.get(column)
    if path is None or os.path.isfile(path):
        return None
    if os.path.exists(path):
        what, remedy, check = "not a file", "give the path of the NIfTI file itself", "file-not-a-file"
    elif os.path.islink(path):
        what, remedy, check = _broken_link(path)
    else:
        what, check = "the file does not exist", "file-missing"
        remedy = "correct the path (relative to the table), or set role to exclude"
    return Problem(what, remedy, row=patient.row, patient=patient.patient, column=column, file=path, check=check)


def _broken_link(path: str) -> tuple[str, str, str]:
    if "annex/objects/" in os.readlink(path).replace(os.sep, "/"):
        what = "a git-annex link: the image itself has not been fetched"
        return what, "run git annex get (or datalad get) where the data lie", "file-annex-pointer"
    return "a link to a file that does not exist", "restore that file, or give the path of another", "file-broken-link"
