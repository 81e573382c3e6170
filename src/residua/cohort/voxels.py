"""What only the voxels tell: damaged or empty images, masks that are no masks, and the volumes that were annotated."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from residua.cohort.files import Kind
from residua.cohort.headers import header_problems
from residua.cohort.problems import Problem, errors_of
from residua.cohort.table import Patient
from residua.errors import ResiduaError
from residua.images import Image, load

_COPY_AGAIN = "copy or convert it again, or set role to exclude"
_WRITE_BINARY = "write 1 in the structure and 0 elsewhere"
_ROUNDING = 1e-3
"""Masks stored as scaled integers or resampled by other programs miss 0 and 1 by about this."""


def check_voxels(patients: Iterable[Patient], kinds: Mapping[str, Kind]) -> dict[str, Any]:
    """Read every file of the columns in ``kinds`` once, one at a time, and return builtins for JSON.

    ``problems``: a record for each image with values that are not finite or all equal, each mask with values other
    than 0 and 1, and each file that cannot be read. ``residual_ml`` and so on for every label: the annotated volume
    (ml) by patient, measured on the mask's own grid. Files that do not exist are left to ``check_files``.
    """
    volumes: dict[str, dict[str, float]] = {f"{column}_ml": {} for column, kind in kinds.items() if kind == "label"}
    problems: list[Problem] = []
    for patient in (patient for patient in patients if not patient.excluded):
        for column, kind in kinds.items():
            path = patient.files.get(column)
            if path is None or not os.path.isfile(path):
                continue
            image, found = _loaded(patient, column, path)
            problems += found
            if image is None:
                continue
            judge = _image_faults if kind == "image" else _mask_faults
            problems += [_problem(patient, column, path, *fault) for fault in judge(image, column)]
            if kind == "label":
                volumes[f"{column}_ml"][patient.patient] = _volume_ml(image)
    return {"problems": [problem.to_json() for problem in problems], **volumes}


def _loaded(patient: Patient, column: str, path: str) -> tuple[Image | None, list[Problem]]:
    found = header_problems(patient, column, path)
    if errors_of(found):
        return None, found
    try:
        return load(path), found
    except ResiduaError as error:
        what = str(error).removeprefix(f"{path}: ")
        return None, [*found, _problem(patient, column, path, what, _COPY_AGAIN)]


def _problem(patient: Patient, column: str, path: str, what: str, remedy: str) -> Problem:
    return Problem(what, remedy, row=patient.row, patient=patient.patient, column=column, file=path)


def _image_faults(image: Image, column: str) -> list[tuple[str, str]]:
    not_finite = image.data.size - int(np.count_nonzero(np.isfinite(image.data)))
    if not_finite:
        return [(f"{not_finite} of {image.data.size} voxels are not finite (NaN or infinite)", _COPY_AGAIN)]
    if image.data.min() == image.data.max():
        return [(f"every voxel is {image.data.flat[0]:g}", _COPY_AGAIN)]
    return []


def _mask_faults(image: Image, column: str) -> list[tuple[str, str]]:
    binary = (np.abs(image.data) <= _ROUNDING) | (np.abs(image.data - 1) <= _ROUNDING)
    if not binary.all():
        others = np.unique(image.data[~binary])
        shown = ", ".join(f"{value:g}" for value in others[:5]) + (", …" if len(others) > 5 else "")
        return [(f"a mask holds 0 and 1 only, this one also {shown}", _WRITE_BINARY)]
    if column == "brain_mask" and not (image.data > 0.5).any():
        return [("the brain mask is empty", "give the mask of the brain; an empty one is right for labels only")]
    return []


def _volume_ml(image: Image) -> float:
    return float(np.count_nonzero(image.data > 0.5)) * image.grid.voxel_ml
