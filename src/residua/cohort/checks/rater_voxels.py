"""Check that each rater's mask holds only 0 and 1."""

from __future__ import annotations

import os
from collections.abc import Iterable

from residua.cohort.checks.voxels import check_voxels
from residua.cohort.table.rater_table import Rating
from residua.problems.problem import Problem


def check_rater_voxels(
    ratings: Iterable[Rating], cache: str | os.PathLike[str] | None = None, workers: int = 1
) -> list[Problem]:
    """Return the problems of the voxels of all masks, in the order of the ratings; ``cache`` as in ``check_voxels``.

    Otherwise labels would be merged, or a probability map cut at 0.5, without notice.
    """
    found = check_voxels([rating.as_patient() for rating in ratings], {"mask": "mask"}, cache=cache, workers=workers)
    return [Problem.from_json(record) for record in found["problems"]]
