"""Checks between files: labels off their image's grid, one file in two places, swapped sessions."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping

from residua.cohort.checks.located import located
from residua.cohort.table.files import before_surgery
from residua.cohort.table.patient import Patient
from residua.images.volumes import Grid
from residua.problems.problem import Problem
from residua.problems.severity import problem_of
from residua.settings.study import Study

_BEFORE = re.compile(r"(?<![a-z])pre[ -]?(?:op(?:erative)?|surg(?:ery|ical))(?![a-z])")
_AFTER = re.compile(r"(?<![a-z])post[ -]?(?:op(?:erative)?|surg(?:ery|ical))(?![a-z])")
"""Not "pre" and "post" alone, which often speak of the contrast agent."""
_SWAP = "exchange the two columns, or rename the file"


def within_patient(
    patient: Patient, study: Study, drawn_on: Mapping[str, str], grids: Mapping[str, Grid]
) -> list[Problem]:
    """Return the problems between the files of one patient.

    ``drawn_on`` names the sequence of each mask, ``grids`` the grid of every file whose header is usable.
    """
    swapped = _swapped_grids(patient, study, drawn_on, grids)
    problems = [] if swapped else _off_grid(patient, study, drawn_on, grids)
    return [*_same_file(patient, study.file_columns), *swapped, *problems]


def between_patients(patients: Iterable[Patient], study: Study) -> list[Problem]:
    """Return an error for each file that an earlier patient has too, by whatever path or link.

    Several scans of one person after surgery may have one scan before it, and its label.
    """
    before = before_surgery(study)
    first: dict[tuple[int, int], tuple[Patient, str]] = {}
    problems = []
    for patient in patients:
        for column in study.file_columns:
            place = _place(patient.files.get(column))
            if place is None:
                continue
            owner, whose = first.setdefault(place, (patient, column))
            shared = owner.who == patient.who and whose == column and column in before
            if owner.patient != patient.patient and not shared:
                what = f"the same file as {whose} of patient {owner.patient}"
                found = problem_of("file-of-two-patients", what, "give every patient files of their own")
                problems.append(located(found, patient, column, patient.files[column]))
    return problems


def name_warnings(patient: Patient, columns: Iterable[str]) -> list[Problem]:
    """Return a warning for each file whose name and column differ in the session: before or after surgery."""
    problems = []
    for column in columns:
        path = patient.files.get(column)
        if path is None or not column.startswith(("pre_", "post_")):
            continue
        # Only what the file itself is called: folders such as "preprocessed" or "post-processing" say nothing.
        name = re.sub(r"[_.\s]+", " ", os.path.basename(path).casefold())
        before, after = bool(_BEFORE.search(name)), bool(_AFTER.search(name))
        if before != after and before != column.startswith("pre_"):
            session = "before" if before else "after"
            found = problem_of("session-in-name", f"its name says that the scan was taken {session} surgery", _SWAP)
            problems.append(located(found, patient, column, path))
    return problems


def other_grid(patient: Patient, column: str, sequence: str, grids: Mapping[str, Grid]) -> Problem:
    """Return the problem that the mask in ``column`` is not on the grid of ``sequence``; ``grids`` hold both grids."""
    what = f"{_described(grids[column])} does not lie on the grid of {sequence}, {_described(grids[sequence])}"
    if grids[column].shape == grids[sequence].shape and grids[column].spacing_mm == grids[sequence].spacing_mm:
        what += f", but elsewhere in space, {grids[column].distance_mm(grids[sequence]):.3g} mm apart"
    remedy = f"resample the mask to {patient.files[sequence]} with nearest neighbour, or draw it on that image"
    return located(problem_of("label-off-grid", what, remedy), patient, column, patient.files[column])


def _off_grid(patient: Patient, study: Study, drawn_on: Mapping[str, str], grids: Mapping[str, Grid]) -> list[Problem]:
    problems = []
    for column, sequence in drawn_on.items():
        if column not in grids or sequence not in grids or grids[column].same_as(grids[sequence]):
            continue
        others = [image for image in study.images if image in grids and grids[column].same_as(grids[image])]
        if others:
            what = f"drawn on the grid of {others[0]}, not on that of {sequence}"
            remedy = f"give the mask that was drawn on {sequence}, or resample it to that image with nearest neighbour"
            found = problem_of("label-of-other-sequence", what, remedy)
            problems.append(located(found, patient, column, patient.files[column]))
        else:
            problems.append(other_grid(patient, column, sequence, grids))
    return problems


def _swapped_grids(
    patient: Patient, study: Study, drawn_on: Mapping[str, str], grids: Mapping[str, Grid]
) -> list[Problem]:
    """Return an error where two labels are each on the grid of the other's image: the sessions are swapped."""
    labels = [label for label in study.labels if label in grids and drawn_on[label] in grids]
    for one in labels:
        for other in labels:
            mine, its = drawn_on[one], drawn_on[other]
            if mine >= its or grids[mine].same_as(grids[its]):
                continue
            if grids[one].same_as(grids[its]) and grids[other].same_as(grids[mine]):
                what = f"{one} lies on the grid of {its}, and {other} on that of {mine}: the scans are swapped"
                found = problem_of("sessions-swapped", what, f"exchange {mine} and {its}, or {one} and {other}")
                return [located(found, patient, mine, patient.files[mine])]
    return []


def _same_file(patient: Patient, columns: Iterable[str]) -> list[Problem]:
    first: dict[tuple[int, int], str] = {}
    problems = []
    for column in columns:
        place = _place(patient.files.get(column))
        if place is None:
            continue
        earlier = first.setdefault(place, column)
        if earlier != column:
            found = problem_of("file-in-two-columns", f"the same file as {earlier}", "give every column its own file")
            problems.append(located(found, patient, column, patient.files[column]))
    return problems


def _place(path: str | None) -> tuple[int, int] | None:
    """Return what identifies a file under all its names: device and inode."""
    try:
        status = os.stat(path) if path is not None else None
    except OSError:
        return None
    return None if status is None else (status.st_dev, status.st_ino)


def _described(grid: Grid) -> str:
    spacing = "x".join(f"{size:.3g}" for size in grid.spacing_mm)
    return f"shape {grid.shape} of {spacing} mm"
