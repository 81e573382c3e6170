"""Find the predictions that were made elsewhere: which patients have one, and where it lies.

Loaded at every start and inside every job, hence without an image library.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches

from residua.cohort.cohort import Cohort
from residua.cohort.table.files import file_problem
from residua.cohort.table.paths import plain_path
from residua.cohort.table.rows import path_problem
from residua.problems.lists import raise_problems
from residua.problems.problem import Problem
from residua.problems.severity import problem_of
from residua.settings.base import IDENTIFIER, REFERENCE_STANDARD
from residua.settings.elsewhere import PATIENT, Elsewhere
from residua.settings.statistics import OUT_OF_FOLD
from residua.settings.study import Study

_NAMES = 5
Predictions = Mapping[tuple[str, str], Mapping[str, str]]
"""By network and input configuration: the file of every patient of the study that has one."""


@dataclass(frozen=True)
class _Place:
    """A network with an input configuration, and where its predictions are said to lie."""

    name: str
    inputs: str
    place: str
    other: Elsewhere

    @property
    def key(self) -> str:
        return f"elsewhere.{self.name}.inputs.{self.inputs}"

    @property
    def is_column(self) -> bool:
        return PATIENT not in self.place

    def problem(self, check: str, what: str, remedy: str, patient: str | None = None) -> Problem:
        return problem_of(check, what, remedy, patient, self.key)


def load_predictions(study: Study, cohort: Cohort) -> Predictions:
    """Return the predictions made elsewhere. Raises one ``ResiduaError`` that lists everything wrong with them."""
    predictions, problems = judged_predictions(study, cohort)
    raise_problems(problems, "The predictions that were made elsewhere cannot be used")
    return predictions


def judged_predictions(study: Study, cohort: Cohort) -> tuple[Predictions, list[Problem]]:
    """Like ``load_predictions``, but returns the problems beside what was found. Opens no prediction; never raises."""
    problems: list[Problem] = []
    predictions = find_predictions(study, cohort)
    for place in _places(study):
        own = predictions[place.name, place.inputs]
        if misplaced := path_problem(place.place.replace(PATIENT, "")):
            problems.append(replace(misplaced, subject=place.key))
        elif not place.is_column or place.place in cohort.predicted:
            # The check of the table tells of a column that is missing.
            problems += [*_absent(place, own, cohort), *_lacking(place, own, cohort), *_doubtful(place, own, cohort)]
    problems += [problem for name, other in study.elsewhere.items() for problem in _seen(name, other)]
    return predictions, problems


def find_predictions(study: Study, cohort: Cohort) -> Predictions:
    """Return the predictions made elsewhere without a check: a job takes those that the start of its run checked."""
    return {(place.name, place.inputs): _found(place, cohort) for place in _places(study)}


def _places(study: Study) -> list[_Place]:
    return [
        _Place(name, inputs, place, other)
        for name, other in study.elsewhere.items()
        for inputs, place in other.inputs.items()
    ]


def _found(place: _Place, cohort: Cohort) -> dict[str, str]:
    found = cohort.predicted.get(place.place, {}) if place.is_column else _of_pattern(place.place, cohort)
    return {patient: found[patient] for patient in cohort.split.patients if patient in found}


def _of_pattern(pattern: str, cohort: Cohort) -> dict[str, str]:
    paths = {patient: plain_path(pattern.replace(PATIENT, patient)) for patient in cohort.split.patients}
    return {patient: path for patient, path in paths.items() if os.path.lexists(path)}


def _absent(place: _Place, found: Mapping[str, str], cohort: Cohort) -> list[Problem]:
    """Return a problem for each file that the table names and that does not exist."""
    named = (replace(cohort.patients[patient], files={place.place: file}) for patient, file in found.items())
    return [problem for patient in named if (problem := file_problem(patient, place.place))]


def _lacking(place: _Place, found: Mapping[str, str], cohort: Cohort) -> list[Problem]:
    """Return what is wrong with the patients that have, or lack, a prediction."""
    holdout = cohort.split.holdout
    without = [patient for patient in holdout if patient not in found]
    problems = []
    if without and len(without) == len(holdout):
        expected = place.place if place.is_column else plain_path(place.place.replace(PATIENT, holdout[0]))
        where = f"column {expected} is empty for all of them" if place.is_column else f"there is no {expected}"
        what = f"no patient of the hold-out has a prediction: {where}"
        remedy = "correct the path in the config (relative to the working directory), or fill in the column"
        problems.append(place.problem("prediction-none", what, remedy))
    elif without:
        what = f"{len(without)} of {len(holdout)} patients of the hold-out have no prediction ({_some(without)})"
        remedy = "give them one; they are counted, and this network is judged on the others"
        problems.append(place.problem("prediction-missing", what, remedy))
    if place.other.threshold == OUT_OF_FOLD and not set(found) - set(holdout):
        what = "a threshold cannot be chosen out of fold: no patient of a fold has a prediction"
        remedy = "give predictions of the folds' patients too, or the threshold of the network's author"
        problems.append(place.problem("prediction-none", what, remedy))
    return problems


def _doubtful(place: _Place, found: Mapping[str, str], cohort: Cohort) -> list[Problem]:
    """Return predictions that belong to nobody, to two patients, or that are no predictions."""
    problems = []
    unknown = [] if place.is_column else [name for name in _named(place.place) if name not in cohort.patients]
    if unknown:
        close = get_close_matches(unknown[0], list(cohort.patients), n=1)
        what = f"{len(unknown)} file(s) of patients that are not in the cohort table ({_some(unknown)})"
        remedy = f"did you mean {close[0]}? They are not read" if close else "correct their names; they are not read"
        problems.append(place.problem("prediction-unknown", what, remedy))
    first: dict[str, str] = {}
    for patient, file in found.items():
        real = os.path.realpath(file)
        other = first.setdefault(real, patient)
        if other != patient:
            what, remedy = f"{file} is also the prediction of patient {other}", "give every patient its own"
            problems.append(place.problem("prediction-repeated", what, remedy, patient))
        drawn = cohort.patients[patient].files.get(REFERENCE_STANDARD)
        if drawn is not None and os.path.realpath(drawn) == real:
            what, remedy = f"{file} is the reference standard itself", "give what the network made"
            problems.append(place.problem("prediction-is-reference", what, remedy, patient))
    return problems


def _named(pattern: str) -> list[str]:
    """Return the names that stand in place of the patient's in all files that a pattern matches."""
    name = rf"(?P<patient>{IDENTIFIER[1:-1]})"
    parts = [re.escape(part) for part in os.path.normpath(pattern).split(PATIENT)]
    matcher = re.compile(name.join(parts[:2]) + "".join(f"(?P=patient){part}" for part in parts[2:]))
    files = glob.iglob("*".join(glob.escape(part) for part in pattern.split(PATIENT)))
    found = (matcher.fullmatch(os.path.normpath(file)) for file in files)
    return sorted(match["patient"] for match in found if match)


def _seen(name: str, other: Elsewhere) -> list[Problem]:
    if other.has_seen_patients == "no":
        return []
    known = other.has_seen_patients == "yes"
    what = "it was trained on patients of this cohort" if known else "it is not known whether it was trained on these"
    remedy = "its numbers may be optimistic: the tables and the report say so"
    return [problem_of("prediction-of-seen", f"{other.label}: {what}", remedy, subject=f"elsewhere.{name}")]


def _some(names: Collection[str]) -> str:
    shown = list(names)[:_NAMES]
    return ", ".join(shown) + (", …" if len(names) > _NAMES else "")
