"""The raters of a study beside its cohort: loaded at every start, hence without an image library."""

from __future__ import annotations

from residua.cohort.cohort import Cohort
from residua.cohort.table.rater_table import Raters, judged_raters
from residua.problems.lists import errors_of, raise_problems
from residua.problems.problem import Problem
from residua.problems.severity import problem_of
from residua.settings.study import Study


def load_ratings(study: Study, cohort: Cohort) -> Raters | None:
    """Read the rater table of a study; None where the configuration names none.

    Raises one ``ResiduaError`` that lists everything wrong with the table.
    """
    raters, problems = judged_ratings(study, cohort)
    raise_problems(problems, f"{study.raters}: the rater table cannot be used")
    return raters


def judged_ratings(study: Study, cohort: Cohort) -> tuple[Raters | None, list[Problem]]:
    """Like ``load_ratings``, but returns the problems beside the ratings that could be read. Never raises."""
    if study.raters is None:
        return None, []
    split = cohort.split
    raters, problems = judged_raters(study.raters, split.holdout, list(split.excluded), split.patients)
    inputs = sorted({name for arch in study.archs for name in study.candidates("raters", arch)})
    if errors_of(problems):
        return raters, problems
    if not any(all(cohort.has(patient, study.inputs[name]) for name in inputs) for patient in raters.patients):
        what = f"no rated patient has every channel of the input configurations that are compared ({', '.join(inputs)})"
        remedy = "name others under statistics.best_inputs.raters in the config, or set raters to null"
        problems.append(problem_of("rated-without-inputs", what, remedy, file=study.raters))
    return raters, problems
