"""Whether the study can run on a cohort: checks of the table, the files, their headers and, on request, voxels."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from residua.cohort.checks.duplicates import find_duplicates
from residua.cohort.checks.headers import check_headers
from residua.cohort.checks.positives import positives_of
from residua.cohort.checks.results import invalid_patients
from residua.cohort.checks.stripped import stripped_problems
from residua.cohort.checks.voxels import check_voxels
from residua.cohort.cohort import Cohort, judged_cohort
from residua.cohort.commands.standing import known_headers
from residua.cohort.commands.start import start_problems, undecided_problems
from residua.cohort.places import HEADERS
from residua.cohort.ratings import judged_ratings
from residua.cohort.split.fold_kinds import fold_kind_problems
from residua.cohort.split.folds import PLACEMENT
from residua.cohort.split.frozen import changed_folds
from residua.cohort.split.persons import PERSONS
from residua.cohort.table.files import before_surgery, drawn_on, kinds_of
from residua.cohort.table.patient import Patient
from residua.cohort.table.rater_table import Raters
from residua.external.predictions import judged_predictions
from residua.problems.lists import errors_of
from residua.problems.problem import Problem, Severity
from residua.publishing.code_digest import code_digest
from residua.settings.study import Study


@dataclass(frozen=True)
class Verdict:
    """All problems of a cohort, grouped by patient, and whether the study could run nevertheless.

    ``patients`` is the number of those to include, ``hospitals`` the hospital of every patient in the table, and
    ``volumes_ml`` the annotated volumes by label and patient, where the voxels were read.
    """

    problems: tuple[Problem, ...]
    patients: int
    runs: bool
    hospitals: Mapping[str, str]
    volumes_ml: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def totals(self) -> dict[tuple[str, Severity], int]:
        """Return the number of problems by check and severity, the largest first."""
        return dict(Counter((problem.check, problem.severity) for problem in self.problems).most_common())

    def to_json(self) -> dict[str, Any]:
        """Return builtins for a program to read."""
        problems = [problem.to_json() for problem in self.problems]
        totals = [{"check": check, "severity": s, "problems": n} for (check, s), n in self.totals().items()]
        facts = {"runs": self.runs, "patients": self.patients, "problems": problems, "totals": totals}
        return {**facts, **{label: dict(volumes) for label, volumes in self.volumes_ml.items()}}


def check_cohort(
    study: Study,
    table_path: str,
    voxels: bool = True,
    cache: str | os.PathLike[str] | None = None,
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Verdict:
    """Return all problems of the cohort of ``table_path``, each once.

    Headers take milliseconds a file, voxels up to seconds, or no time where ``cache`` knows them; ``cache``,
    ``workers`` and ``progress`` are those of ``check_voxels``. Never raises for what the table or a file holds.
    """
    cohort, problems = judged_cohort(study, table_path)
    frozen = changed_folds(PLACEMENT, PERSONS)
    problems += frozen
    included = [patient for patient in cohort.patients.values() if not patient.excluded]
    problems += _headers(study, included, cache if voxels else None)
    volumes: dict[str, dict[str, float]] = {}
    if voxels:
        found = check_voxels(included, kinds_of(study), drawn_on(study), cache, workers, progress)
        problems += [Problem.from_json(record) for record in found["problems"]]
        problems += _duplicates(study, cohort, found)
        problems += stripped_problems(found["stripped"], study.brain_mask.method)
        volumes = {name: found[name] for name in found if name.endswith("_ml")}
        positive = positives_of(found["residual_ml"], study.classification.residual_tumor_ml)
        problems += fold_kind_problems(study, cohort.split, positive)
    # Without a readable row all of that would be wrong for want of patients.
    beside = _beside_the_patients(study, cohort, voxels, cache, workers) if cohort.patients else []
    problems += beside
    beside += frozen
    standing = errors_of(problems)
    if standing and study.on_invalid == "exclude":
        of_patients = [problem for problem in problems if problem not in beside]
        without, standing = _without_invalid(study, table_path, of_patients, beside)
        standing += undecided_problems(study, without, cache, workers) if voxels else []
    ordered = sorted(dict.fromkeys([*problems, *standing]), key=lambda problem: problem.row or 0)
    hospitals = {patient.patient: patient.hospital for patient in cohort.patients.values()}
    return Verdict(tuple(ordered), len(included), not standing, hospitals, volumes)


def _headers(study: Study, patients: list[Patient], cache: str | os.PathLike[str] | None) -> list[Problem]:
    if cache is None:
        return check_headers(study, patients)
    # Where nothing can be kept, everything is read each time.
    with suppress(OSError):
        os.makedirs(cache, exist_ok=True)
    code = code_digest(Path(__file__).parents[1] / "checks" / "headers.py", Path(__file__).parents[3])
    return known_headers(study, patients, os.path.join(cache, HEADERS), code)


def _duplicates(study: Study, cohort: Cohort, found: dict[str, Any]) -> list[Problem]:
    hospitals = {patient.patient: patient.hospital for patient in cohort.patients.values()}
    persons = {patient.patient: patient.who for patient in cohort.patients.values()}
    duplicates = find_duplicates([found], hospitals, cohort.split.parts(), persons, before_surgery(study))
    return [replace(problem, row=cohort.patients[problem.patient or ""].row) for problem in duplicates]


def _beside_the_patients(
    study: Study, cohort: Cohort, voxels: bool, cache: str | os.PathLike[str] | None, workers: int
) -> list[Problem]:
    """Return what is wrong with raters, weights, choices and predictions made elsewhere.

    No run goes on so, whatever ``on_invalid`` says.
    """
    raters, problems = judged_ratings(study, cohort)
    problems += judged_predictions(study, cohort)[1]
    return problems + start_problems(study, cohort, raters, voxels, cache if voxels else None, workers)


def _without_invalid(
    study: Study, table_path: str, of_patients: list[Problem], beside: list[Problem]
) -> tuple[Cohort, list[Problem]]:
    """Return the cohort without the patients that have an error, and the errors with which it cannot run either."""
    cohort, left = judged_cohort(study, table_path, invalid_patients(of_patients))
    # A patient who is excluded is no longer rated, and is not predicted.
    raters, unrated = judged_ratings(study, cohort)
    predictions, unpredicted = judged_predictions(study, cohort)
    needed = {rating.patient for rating in (raters or Raters(())).ratings}.union(*predictions.values())
    still = [problem for problem in beside if problem.patient is None or problem.patient in needed]
    return cohort, errors_of([*left, *unrated, *unpredicted, *still])
