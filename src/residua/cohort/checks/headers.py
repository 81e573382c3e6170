"""What the headers of a patient's images say, before any voxel is read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from residua.cohort.problems import Problem, Severity, errors_of
from residua.cohort.table import Patient
from residua.images import Grid, load_grid
from residua.study import Study

_CONVERT_AGAIN = "convert the series to NIfTI again, or set role to exclude"
_SMALLEST_SPACING_MM = 1e-3
_AFFINE_TOLERANCE_MM = 1e-2


def check_headers(study: Study, patients: Iterable[Patient]) -> list[Problem]:
    """Problems of the headers of all files that the study reads, in the order of the table; never reads a voxel.

    A file must be one 3D NIfTI volume of real numbers with an invertible affine and positive spacing (mm), and a mask
    must lie on the grid of the sequence on which it was drawn. Files that do not exist are left to ``check_files``.
    """
    included = [patient for patient in patients if not patient.excluded]
    return [problem for patient in included for problem in _patient_problems(study, patient)]


def _patient_problems(study: Study, patient: Patient) -> list[Problem]:
    drawn_on = {**study.labels, "brain_mask": study.sequences.reference}
    compared = {*drawn_on, *drawn_on.values()}
    problems: list[Problem] = []
    grids: dict[str, Grid] = {}
    for column in study.file_columns:
        path = patient.files.get(column)
        if path is None or not os.path.isfile(path):
            continue
        found = header_problems(patient, column, path)
        problems += found
        if column in compared and not errors_of(found):
            grids[column] = load_grid(path)
    for column, sequence in drawn_on.items():
        if column in grids and sequence in grids and not grids[column].same_as(grids[sequence]):
            problems.append(other_grid(patient, column, sequence, grids))
    return problems


def header_problems(patient: Patient, column: str, path: str) -> list[Problem]:
    """Problems of one header, each naming the row, the column and the file. Never raises."""

    def problem(what: str, remedy: str = _CONVERT_AGAIN, severity: Severity = "error") -> Problem:
        return Problem(what, remedy, patient.row, patient.patient, column, path, severity)

    if os.path.getsize(path) == 0:
        return [problem("the file is empty (0 bytes)", "copy it again from its source")]
    try:
        opened: Any = nib.load(path)
    except Exception as error:
        return [problem(f"cannot be read as NIfTI ({error})")]
    if not isinstance(opened, nib.Nifti1Image):
        return [problem(f"{type(opened).__name__} instead of NIfTI", "convert it to .nii.gz")]
    if len(opened.shape) != 3 or min(opened.shape) < 2:
        return [problem(f"not one 3D volume: shape {opened.shape}", "give the single volume as a file of its own")]
    errors = [problem(what) for what in _geometry_errors(opened, _stored_spacing(path, type(opened.header)))]
    return errors or [problem(*doubt, "warning") for doubt in _geometry_doubts(opened.header)]


def _stored_spacing(path: str, header: Any) -> NDArray[np.float64]:
    # An opened image shows a mended spacing (0 became 1, the sign is gone); other programs read what is stored.
    with nib.openers.ImageOpener(path) as stream:
        return np.asarray(header.from_fileobj(stream, check=False)["pixdim"][1:4], dtype=np.float64)


def _geometry_errors(opened: Any, spacing: NDArray[np.float64]) -> list[str]:
    errors = []
    dtype = opened.get_data_dtype()
    if dtype.kind not in "biuf":
        errors.append(f"voxels of type {dtype} instead of one real number each")
    if not np.all(np.isfinite(spacing)) or np.any(spacing <= 0):
        errors.append(f"spacing {tuple(float(s) for s in spacing)} mm is not positive")
    if not np.all(np.isfinite(opened.affine)):
        errors.append("the affine has values that are not finite")
    elif _degenerate(opened.affine):
        errors.append("the affine is degenerate: it maps the volume onto a plane, a line or a point")
    return errors


def _degenerate(affine: NDArray[np.float64]) -> bool:
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    if np.any(spacing < _SMALLEST_SPACING_MM):
        return True
    return bool(abs(np.linalg.det(affine[:3, :3] / spacing)) < _SMALLEST_SPACING_MM)


def _geometry_doubts(header: Any) -> list[tuple[str, str]]:
    sform, qform = header.get_sform(coded=True), header.get_qform(coded=True)
    if sform[0] is None and qform[0] is None:
        return [("the header gives no orientation, so left and right are a guess", _CONVERT_AGAIN)]
    if sform[0] is None or qform[0] is None or np.allclose(sform[0], qform[0], atol=_AFFINE_TOLERANCE_MM):
        return []
    return [("sform and qform disagree, and programs differ in which they follow", "make them equal")]


def other_grid(patient: Patient, column: str, sequence: str, grids: dict[str, Grid]) -> Problem:
    """That the mask in ``column`` does not lie on the grid of ``sequence``, as ``grids`` show."""
    what = f"{_described(grids[column])} does not lie on the grid of {sequence}, {_described(grids[sequence])}"
    if grids[column].shape == grids[sequence].shape and grids[column].spacing_mm == grids[sequence].spacing_mm:
        what += ", but elsewhere in space"
    remedy = f"resample the mask to {patient.files[sequence]} with nearest neighbour, or draw it on that image"
    return Problem(what, remedy, patient.row, patient.patient, column, patient.files[column])


def _described(grid: Grid) -> str:
    spacing = "x".join(f"{size:.3g}" for size in grid.spacing_mm)
    return f"shape {grid.shape} of {spacing} mm"
