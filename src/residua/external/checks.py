"""Check that predictions made elsewhere lie on the grid of the reference and hold masks or probabilities."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from residua.cohort.checks.headers import header_problems, other_grid
from residua.cohort.checks.located import located
from residua.cohort.checks.voxels import check_voxels
from residua.cohort.table.files import Kind
from residua.cohort.table.patient import Patient
from residua.errors import ResiduaError
from residua.images.volumes import load_grid
from residua.problems.lists import errors_of
from residua.problems.problem import Problem
from residua.problems.severity import problem_of

_KINDS: dict[str, Kind] = {"masks": "mask", "probabilities": "probabilities"}
_INTERPOLATIONS = {"masks": "nearest neighbour", "probabilities": "linear interpolation"}
_PREDICTION, _REFERENCE = "prediction", "the reference image"


@dataclass(frozen=True)
class Given:
    """One prediction: its patient, its file, the file of the patient's reference image, and what to call it."""

    patient: str
    file: str
    reference: str
    name: str = _PREDICTION

    def as_patient(self) -> Patient:
        """Return the patient with these files alone, for the checks of the cohort's files."""
        return Patient(self.patient, "", "holdout", "", None, {self.name: self.file})


def prediction_problems(
    given: Iterable[Given],
    kind: str,
    voxels: bool = True,
    cache: str | os.PathLike[str] | None = None,
    workers: int = 1,
) -> list[Problem]:
    """Return the problems of headers, grids and, with ``voxels``, values of predictions of one kind. Never raises."""
    every = list(given)
    problems = [problem for each in every for problem in _header_problems(each, kind)]
    broken = {problem.file for problem in errors_of(problems)}
    whole = [each for each in every if each.file not in broken and os.path.isfile(each.file)]
    if not voxels or not whole:
        return problems
    kinds: Mapping[str, Kind] = {each.name: _KINDS[kind] for each in whole}
    found = check_voxels([each.as_patient() for each in whole], kinds, cache=cache, workers=workers)
    return problems + [Problem.from_json(record) for record in found["problems"]]


def _header_problems(given: Given, kind: str) -> list[Problem]:
    if not os.path.isfile(given.file):
        return []
    patient = given.as_patient()
    problems = header_problems(patient, given.name, given.file)
    if errors_of(problems):
        return problems
    grids = {}
    try:
        grids[_REFERENCE] = load_grid(given.reference)
    except ResiduaError:
        # The check of the cohort tells it.
        return problems
    grids[given.name] = load_grid(given.file)
    if not grids[given.name].same_as(grids[_REFERENCE]):
        both = replace(patient, files={**patient.files, _REFERENCE: given.reference})
        off = other_grid(both, given.name, _REFERENCE, grids)
        remedy = f"resample it to {given.reference} with {_INTERPOLATIONS[kind]}"
        problems.append(located(problem_of("prediction-off-grid", off.what, remedy), patient, given.name, given.file))
    return problems
