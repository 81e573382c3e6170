"""What a study needs beside its patients, as ``residua check`` and the start of a run both judge it."""

from __future__ import annotations

import os

from residua.cohort.checks.positives import positive_patients
from residua.cohort.checks.rater_headers import check_rater_headers
from residua.cohort.checks.rater_voxels import check_rater_voxels
from residua.cohort.choices import choice_problems
from residua.cohort.cohort import Cohort
from residua.cohort.commands.initial_bundles import initial_bundle_problems
from residua.cohort.commands.plans import plan_problems
from residua.cohort.commands.statistics import statistics_problems
from residua.cohort.commands.weights import weights_problems
from residua.cohort.table.rater_table import Raters
from residua.external.checks import Given, prediction_problems
from residua.external.predictions import find_predictions
from residua.problems.problem import Problem
from residua.settings.study import Study


def start_problems(
    study: Study,
    cohort: Cohort,
    raters: Raters | None,
    voxels: bool = True,
    cache: str | os.PathLike[str] | None = None,
    workers: int = 1,
) -> list[Problem]:
    """Return the problems of weights, bundles, plans, statistics, choices, predictions made elsewhere, raters' masks.

    Later stages refuse every error too, some only after all trainings. Without ``voxels`` no mask is read. It never
    raises.
    """
    problems = weights_problems(study) + initial_bundle_problems(study, cohort.split)
    problems += [*plan_problems(study, cohort.split), *statistics_problems(study.statistics)]
    problems += elsewhere_problems(study, cohort, voxels, cache, workers)
    problems += undecided_problems(study, cohort, cache, workers) if voxels else []
    if raters is None:
        return problems
    reference = study.sequences.reference
    files = {patient: cohort.patients[patient].files for patient in raters.patients if patient in cohort.patients}
    references = {patient: own[reference] for patient, own in files.items() if reference in own}
    known = Raters(tuple(rating for rating in raters.ratings if rating.patient in references))
    problems += check_rater_headers(known, references)
    broken = {problem.file for problem in problems if problem.is_error}
    whole = [rating for rating in raters.ratings if rating.mask not in broken and os.path.isfile(rating.mask)]
    return problems + (check_rater_voxels(whole, cache, workers) if voxels else [])


def undecided_problems(
    study: Study, cohort: Cohort, cache: str | os.PathLike[str] | None, workers: int
) -> list[Problem]:
    """Return what ``choice_problems`` finds by the reference standard, as far as masks must be read for it."""
    cut_ml = study.classification.residual_tumor_ml
    return choice_problems(study, cohort, lambda patients: positive_patients(patients, cut_ml, cache, workers))


def elsewhere_problems(
    study: Study, cohort: Cohort, voxels: bool, cache: str | os.PathLike[str] | None, workers: int
) -> list[Problem]:
    """Return the problems of the files of predictions made elsewhere. Never raises."""
    reference = study.sequences.reference
    problems = []
    for (name, inputs), files in find_predictions(study, cohort).items():
        references = {p: cohort.patients[p].files[reference] for p in files if cohort.has(p, (reference,))}
        given = [Given(p, files[p], references[p], f"elsewhere.{name}.inputs.{inputs}") for p in references]
        problems += prediction_problems(given, study.elsewhere[name].kind, voxels, cache, workers)
    return problems
