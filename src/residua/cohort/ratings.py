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
    return raters, problems if errors_of(problems) else [*problems, *_without_inputs(study, cohort, raters)]


def compared_with_raters(study: Study, cohort: Cohort, raters: Raters) -> list[str]:
    """Return the rated patients that every one of the study's networks can segment.

    One of elsewhere takes none of them away: it is compared on those for which it has a prediction.
    """
    needed = [study.inputs[name] for name in _compared_inputs(study)]
    return [patient for patient in raters.patients if all(cohort.has(patient, channels) for channels in needed)]


def _compared_inputs(study: Study) -> list[str]:
    return sorted({name for arch in study.archs for name in study.candidates("raters", arch)})


def _without_inputs(study: Study, cohort: Cohort, raters: Raters) -> list[Problem]:
    """Say which rated patients lack a channel, and are compared with no network."""
    rated, compared_patients = raters.patients, compared_with_raters(study, cohort, raters)
    lacking = [patient for patient in rated if patient not in compared_patients]
    if not lacking:
        return []
    compared = f"the input configurations that are compared ({', '.join(_compared_inputs(study))})"
    remedy = "name others under statistics.best_inputs.raters in the config"
    if len(lacking) == len(rated):
        what, remedy = f"no rated patient has every channel of {compared}", f"{remedy}, or set raters to null"
        return [problem_of("rated-without-inputs", what, remedy, file=study.raters)]
    what = (
        f"{len(lacking)} of {len(rated)} rated patients lack a channel of {compared} and take no part in the "
        f"comparison with raters: {', '.join(lacking)}"
    )
    return [problem_of("rated-left-out", what, remedy, file=study.raters)]
