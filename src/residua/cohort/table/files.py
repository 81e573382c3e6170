"""Check that every file exists that the study will read: names only, fast enough for every start."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from residua.cohort.table.patient import Patient
from residua.problems.problem import Problem
from residua.problems.severity import problem_of
from residua.settings.base import REFERENCE_STANDARD
from residua.settings.regions import labels_of_regions, regions_of
from residua.settings.study import Study

Kind = Literal["image", "label", "mask", "probabilities"]


def kinds_of(study: Study) -> dict[str, Kind]:
    """Return what each file column of the study holds: an image, a label whose volume counts, or a plain mask."""
    masks: dict[str, Kind] = {column: "label" if column in study.labels else "mask" for column in study.file_columns}
    return masks | dict.fromkeys(study.images, "image")


def drawn_on(study: Study) -> dict[str, str]:
    """Return the sequence on whose grid each mask was drawn."""
    return {**study.labels, "brain_mask": study.sequences.reference}


def before_surgery(study: Study) -> list[str]:
    """Return the scans from before surgery, and the labels that were drawn on them."""
    before = study.sequences.before_surgery
    return [*before, *(label for label, sequence in study.labels.items() if sequence in before)]


def needed_columns(study: Study) -> tuple[str, ...]:
    """Return the file columns that the table must have: a label is needed only where a network reads it."""
    used = {REFERENCE_STANDARD, *study.channels, *labels_of_regions(study)}
    return tuple(column for column in study.file_columns if column not in study.labels or column in used)


def how_to_do_without(study: Study, column: str) -> str:
    """Return how to mend a table that lacks a column which the study needs: some columns can leave the config."""
    if column in (study.sequences.reference, REFERENCE_STANDARD):
        return "add it to the table"
    if column == "brain_mask":
        return "add it to the table, or choose another brain_mask.method in the config"
    sequences = study.sequences
    named: dict[str, tuple[str | None, ...]] = {"sequences.moving": sequences.moving}
    named["sequences.before_surgery"] = sequences.before_surgery
    named |= {f"labels.{label}": (label, sequence) for label, sequence in study.labels.items()}
    named["registration.resected"] = (study.registration.resected,)
    named |= {f"derived_channels.{name}": channel.subtract for name, channel in study.derived_channels.items()}
    named |= {f"networks.{arch}.region": (region.label,) for arch, region in regions_of(study).items()}
    unread = ", ".join(key for key, columns in named.items() if column in columns)
    inputs = [name for name, channels in study.inputs.items() if column in study.columns_of(channels)]
    if not inputs:
        return f"no input configuration uses it: delete it in the config ({unread}), or add it to the table"
    which = f"inputs {', '.join(inputs)}" if len(inputs) < len(study.inputs) else "every input configuration"
    return f"add it to the table, or delete it in the config (in {which}; {unread})"


def check_files(study: Study, patients: Iterable[Patient], columns: Iterable[str] | None = None) -> list[Problem]:
    """Return a problem for each file of the table that does not exist, in table order.

    An empty cell is not a problem here: ``residua.cohort.eligibility`` judges it. ``columns`` limits the check to some
    of the file columns. Excluded patients are skipped. Never raises.
    """
    wanted = set(study.file_columns if columns is None else columns)
    checked = [column for column in study.file_columns if column in wanted]
    included = [patient for patient in patients if not patient.excluded]
    problems = (file_problem(patient, column) for patient in included for column in checked)
    return [problem for problem in problems if problem]


def file_problem(patient: Patient, column: str) -> Problem | None:
    """Return why there is no file of a patient where ``column`` says; None where there is one, or none is named."""
    path = patient.files.get(column)
    if path is None or os.path.isfile(path):
        return None
    return replace(_absence(path), patient=patient.patient, subject=column, row=patient.row, file=path)


def _absence(path: str) -> Problem:
    if os.path.exists(path):
        return problem_of("file-not-a-file", "not a file", "give the path of the NIfTI file itself")
    if _is_forbidden(path):
        what = "a folder of its path, or of what it links to, may not be opened"
        return problem_of("file-unreadable", what, "change the permissions of that folder")
    if os.path.islink(path):
        return _broken_link(path)
    remedy = "correct the path (relative to the table), or set role to exclude"
    return problem_of("file-missing", "the file does not exist", remedy)


def _is_forbidden(path: str) -> bool:
    try:
        os.stat(path)
    except OSError as error:
        return isinstance(error, PermissionError)
    return False


def _broken_link(path: str) -> Problem:
    if "annex/objects/" in os.readlink(path).replace(os.sep, "/"):
        what = "a git-annex link: the image itself has not been fetched"
        return problem_of("file-annex-pointer", what, "run git annex get (or datalad get) in the folder of the data")
    what = "a link to a file that does not exist"
    return problem_of("file-broken-link", what, "restore that file, or give the path of another")
