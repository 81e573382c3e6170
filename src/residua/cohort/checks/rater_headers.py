"""Check that each rater's mask lies on the grid of the image that it was drawn on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

from residua.cohort.checks.headers import header_problems, other_grid
from residua.cohort.table.rater_table import Raters
from residua.errors import ResiduaError
from residua.images.volumes import load_grid
from residua.problems.lists import errors_of
from residua.problems.problem import Problem

_REFERENCE = "the reference image"


def check_rater_headers(raters: Raters, references: Mapping[str, str]) -> list[Problem]:
    """Return the problems of the headers of all masks, in table order, without reading a voxel.

    A mask must be one 3D NIfTI volume on the grid of ``references[patient]``, the reference image of each rated
    patient. Masks that do not exist are left to ``judged_raters``, broken references to ``check_headers``.
    """
    usable = {patient: _is_image(references[patient]) for patient in raters.patients}
    problems: list[Problem] = []
    for rating in raters.ratings:
        if not os.path.isfile(rating.mask):
            continue
        drawn = rating.as_patient()
        own = header_problems(drawn, "mask", rating.mask)
        problems += own
        if errors_of(own) or not usable[rating.patient]:
            continue
        drawn = replace(drawn, files={**drawn.files, _REFERENCE: references[rating.patient]})
        grids = {column: load_grid(file) for column, file in drawn.files.items()}
        if not grids["mask"].same_as(grids[_REFERENCE]):
            problems.append(other_grid(drawn, "mask", _REFERENCE, grids))
    return problems


def _is_image(path: str) -> bool:
    try:
        load_grid(path)
    except ResiduaError:
        return False
    return True
