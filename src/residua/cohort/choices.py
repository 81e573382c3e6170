"""Whether validation can choose the input configuration of an experiment, from the cohort and its masks alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from residua.cohort.cohort import Cohort
from residua.cohort.table.patient import Patient
from residua.problems.problem import Problem
from residua.problems.severity import problem_of
from residua.settings.statistics import OUT_OF_FOLD, BestInputs
from residua.settings.study import Study

_LACKING = dict.fromkeys(BestInputs.model_fields, "with residual tumour") | {
    "classification": "both with residual tumour and with gross total resection"
}
"""What a fold needs, among the patients that all input configurations have, for an experiment to have a score."""


def decided(experiment: str, shared: Iterable[bool | None]) -> bool:
    """Return whether the ``shared`` patients of one fold give every input configuration a score in an experiment.

    Each says whether a patient has residual tumour (None: not known): Dice is measured on those who have, balanced
    accuracy needs both kinds.

    >>> decided("segmentation", [True, True]), decided("classification", [True, True])
    (True, False)
    """
    needed = {True, False} if experiment == "classification" else {True}
    return needed <= set(shared)


def choice_problems(
    study: Study, cohort: Cohort, positives: Callable[[Iterable[Patient]], Mapping[str, bool]]
) -> list[Problem]:
    """Return an error for each choice that is left to results which will have no score to choose by.

    The run itself would refuse, after its trainings. ``positives`` reads masks and says by patient whether there is
    residual tumour; it is asked fold by fold, only until every choice is decided. Where a mask cannot be read, nothing
    is said: that is an error of its own, which stops the study or excludes the patient.
    """
    left = [
        (experiment, arch)
        for experiment, arch in study.left_to_results
        # That nobody is shared was told with the table.
        if any(cohort.shared.values())
    ]
    for members in cohort.shared.values() if left else ():
        found = positives([cohort.patients[patient] for patient in members])
        if not all(patient in found for patient in members):
            return []
        left = [(experiment, arch) for experiment, arch in left if not decided(experiment, found.values())]
        if not left:
            break
    return [_undecided(cohort, experiment, arch) for experiment, arch in left]


def _undecided(cohort: Cohort, experiment: str, arch: str) -> Problem:
    key = f"statistics.best_inputs.{experiment}.{arch}"
    inputs = ", ".join(cohort.channels)
    return problem_of(
        "inputs-undecided",
        f"{key} is {OUT_OF_FOLD}, but no fold has patients {_LACKING[experiment]} among those that have the channels "
        f"of all input configurations ({inputs}), so that the results cannot choose",
        f"name an input configuration under {key} in the config",
    )
