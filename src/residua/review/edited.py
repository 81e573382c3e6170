"""Read an edited mask and check it as the cohort is checked, before it becomes the reference of a patient."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from residua.cohort.checks.headers import check_headers
from residua.cohort.checks.voxels import BRAIN_MASK, check_voxels
from residua.cohort.table.files import drawn_on, kinds_of
from residua.cohort.table.patient import Patient
from residua.errors import ResiduaError
from residua.images import volumes
from residua.images.volumes import GRID_TOLERANCE_VOXELS, Grid, Image
from residua.problems.lists import raise_problems
from residua.problems.problem import Problem
from residua.review.nrrd import read_segmentation
from residua.settings.base import REFERENCE_STANDARD
from residua.settings.study import Study

_NOT_KEPT = {"identity-in-name", "identity-in-header", "header-extension", "session-in-name"}
"""Checks of what the stored mask does not take over: the file's name and the texts of its header."""


def edited_mask(study: Study, patient: Patient, edited: Path, may_be_empty: bool) -> tuple[Image, list[Problem]]:
    """Return the mask of ``edited`` on the grid of the patient's reference sequence, and the warnings of the checks.

    Raises ``ResiduaError`` with every error that ``residua check`` would find in it, for an empty mask unless
    ``may_be_empty``, and for the mask that the table names already.
    """
    if not edited.is_file():
        raise ResiduaError(f"{edited}: the file does not exist")
    grid = volumes.load_grid(patient.files[study.sequences.reference])
    with _as_nifti(edited, grid) as file:
        problems = _problems(study, patient, file, edited)
        raise_problems(problems, f"{edited}: cannot be the reference of patient {patient.patient}")
        mask = volumes.load_mask(file)
    volumes.require_same_grid(mask, Image(mask.data, grid), str(edited))
    mask = Image(mask.data, grid)
    if not mask.data.any() and not may_be_empty:
        raise ResiduaError(f"{edited}: the mask is empty; add --empty if there is no residual tumour")
    old = patient.files.get(REFERENCE_STANDARD)
    if old is not None and _is(mask, Path(old)):
        raise ResiduaError(f"{edited}: is the mask that the table names already ({old}); there is nothing to accept")
    return mask, [problem for problem in problems if problem.is_warning]


@contextmanager
def _as_nifti(edited: Path, grid: Grid) -> Iterator[Path]:
    if edited.suffix.lower() != ".nrrd":
        yield edited
        return
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "edited.nii.gz"
        volumes.save(_on_lattice(read_segmentation(edited), grid, edited), file)
        yield file


def _on_lattice(image: Image, grid: Grid, named: Path) -> Image:
    """Return an image on ``grid`` if it is a part of it, or larger: 3D Slicer may write the part that holds a segment.

    An image of another lattice stays as it is: the checks say so.
    """
    between = np.linalg.solve(grid.affine, image.grid.affine)
    offset = np.rint(between[:3, 3]).astype(int)
    shifted = np.eye(4)
    shifted[:3, 3] = offset
    ends = np.array([[0, 0, 0, 1], [*image.grid.shape, 1]]).T
    if np.abs((between - shifted) @ ends).max() > GRID_TOLERANCE_VOXELS:
        return image
    data = np.zeros(grid.shape, np.float32)
    target = tuple(slice(max(0, o), max(0, o + n)) for o, n in zip(offset, image.data.shape, strict=True))
    taken = tuple(slice(max(0, -o), max(0, s - o)) for o, s in zip(offset, grid.shape, strict=True))
    part = image.data[taken]
    if np.count_nonzero(part) < np.count_nonzero(image.data):
        raise ResiduaError(f"{named}: a part of the mask lies outside of the image; erase it there")
    data[target] = part
    return Image(data, grid)


def _problems(study: Study, patient: Patient, file: Path, named: Path) -> list[Problem]:
    """Return what ``residua check`` finds in the edited mask, in the place of the patient's reference."""
    changed = replace(
        patient, files={**patient.files, REFERENCE_STANDARD: str(file)}, role="auto", row=None, excluded_by=None
    )
    kinds, drawn = kinds_of(study), drawn_on(study)
    compared = [study.sequences.reference, REFERENCE_STANDARD, BRAIN_MASK]
    compared += [label for label in study.labels if label in patient.files and label not in compared]
    with_images = {drawn[column] for column in compared if column in drawn}
    wanted = {column: kind for column, kind in kinds.items() if column in {*compared, *with_images}}
    read = check_voxels([changed], wanted, {column: drawn[column] for column in wanted if column in drawn})
    found = [*check_headers(study, [changed]), *map(Problem.from_json, read["problems"])]
    own = [problem for problem in found if problem.subject == REFERENCE_STANDARD and problem.check not in _NOT_KEPT]
    return list(dict.fromkeys(replace(problem, file=str(named)) for problem in own))


def _is(mask: Image, file: Path) -> bool:
    try:
        old = volumes.load_mask(file)
    except ResiduaError:
        return False
    return old.grid.same_as(mask.grid) and bool(np.array_equal(old.data, mask.data))
