"""Place hospitals in folds: as the config or a table lists them, one hospital a fold, or balanced and then frozen."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from residua.cohort.split.placement_table import CHECK, Placed, by_fold, read_placement, write_placement
from residua.cohort.split.spelling import did_you_mean
from residua.cohort.table.patient import Patient
from residua.problems.problem import Problem
from residua.problems.severity import problem_of
from residua.settings.base import IDENTIFIER
from residua.settings.participation import BalancedFolds, FoldsTable, LeaveOneHospitalOut
from residua.settings.study import Study

Placement = dict[int, tuple[str, ...]]
"""The hospitals of each fold."""

Positives = Callable[[], Mapping[str, int]]
"""Returns by hospital how many of its patients in the study have residual tumour; called only when needed."""


def freeze(study: Study, placement: Placement, path: str) -> None:
    """Write new balanced folds to ``path``, which later runs read; do nothing if there are no folds."""
    if placement and isinstance(study.folds, BalancedFolds) and not os.path.lexists(path):
        write_placement(path, placement)


def planned_placement(
    study: Study, patients: Iterable[Patient], path: str, positives: Positives
) -> tuple[Placement, list[Problem]]:
    """Return the hospitals of each fold (empty if there is a problem) and the problems. Writes nothing.

    Balanced folds come from the table ``path`` if it exists. They are balanced only once: new folds after an added
    patient or a corrected mask could differ, and every network would be trained again. ``leave_one_hospital_out``
    numbers the hospitals by name, so that a new hospital changes the numbers after its own.
    Raises what ``positives`` raises.
    """
    members = tuple(patients)
    if isinstance(study.folds, BalancedFolds):
        if os.path.lexists(path):
            return _frozen(study, study.folds, path)
        return _made(study, study.folds, _in_folds(study, members), positives)
    if isinstance(study.folds, LeaveOneHospitalOut):
        return _one_each(_in_folds(study, members))
    if isinstance(study.folds, FoldsTable):
        return _given(study, study.folds.path, Counter(patient.hospital for patient in members))
    return {fold: study.folds[fold] for fold in sorted(study.folds)} if isinstance(study.folds, dict) else {}, []


def _in_folds(study: Study, patients: Iterable[Patient]) -> dict[str, int]:
    """Return the number of patients in the study by hospital, in order of names; the table reports bad names."""
    hospitals = Counter(patient.hospital for patient in patients if not patient.excluded)
    return {
        h: hospitals[h] for h in sorted(hospitals) if re.fullmatch(IDENTIFIER, h) and h not in study.held_out_hospitals
    }


def _one_each(hospitals: Mapping[str, int]) -> tuple[Placement, list[Problem]]:
    if len(hospitals) < 2:
        return {}, [
            _too_few(hospitals, "leave_one_hospital_out needs at least 2 hospitals", "add patients of another hospital")
        ]
    return {fold: (hospital,) for fold, hospital in enumerate(hospitals)}, []


def _made(
    study: Study, folds: BalancedFolds, hospitals: Mapping[str, int], positives: Positives
) -> tuple[Placement, list[Problem]]:
    if len(hospitals) < folds.number:
        what = f"{folds.number} balanced folds need at least {folds.number} hospitals"
        lower = "lower folds.number in the config, or " if len(hospitals) >= 2 else ""
        return {}, [_too_few(hospitals, what, f"{lower}add patients of another hospital")]
    from residua.cohort.split.balance import balanced
    from residua.cohort.split.sharing import HospitalCounts

    positive = positives()
    return balanced({h: HospitalCounts(size, positive.get(h, 0)) for h, size in hospitals.items()}, folds.number), []


def _too_few(hospitals: Mapping[str, int], what: str, remedy: str) -> Problem:
    there = f"outside the hold-out the study has patients of only {len(hospitals)} ({', '.join(hospitals) or 'none'})"
    return problem_of("too-few-hospitals", f"{what}, but {there}", remedy, subject="hospital")


def _frozen(study: Study, folds: BalancedFolds, path: str) -> tuple[Placement, list[Problem]]:
    placed, problems = read_placement(path)
    problems += _held_out(study, placed, path)
    placement = by_fold(placed)
    if not problems and len(placement) != folds.number:
        what = f"the file has {len(placement)} frozen folds, but folds.number in the config is {folds.number}"
        anew = "delete the file to balance new folds, which trains all networks again"
        remedy = f"set folds.number to {len(placement)}, or {anew}"
        problems.append(problem_of("folds-frozen", what, remedy, file=path))
    return ({} if problems else placement), problems


def _given(study: Study, path: str, hospitals: Mapping[str, int]) -> tuple[Placement, list[Problem]]:
    placed, problems = read_placement(path)
    problems += _held_out(study, placed, path)
    missing = {hospital: size for hospital, size in hospitals.items() if hospital not in placed}
    problems += [
        problem_of(
            "hospital-without-patients",
            f"hospital {hospital} has no patient in the cohort table",
            did_you_mean(hospital, hospitals, missing) + "correct its name, or delete the line",
            subject="hospital",
            row=place.row,
            file=path,
        )
        for hospital, place in placed.items()
        if hospital not in hospitals
    ]
    return ({} if problems else by_fold(placed)), problems


def _held_out(study: Study, placed: Mapping[str, Placed], path: str) -> list[Problem]:
    return [
        problem_of(
            CHECK,
            f"the config puts hospital {hospital} into the hold-out",
            "delete the line, or take the hospital out of holdout in the config",
            subject="hospital",
            row=place.row,
            file=path,
        )
        for hospital, place in placed.items()
        if hospital in study.held_out_hospitals
    ]
