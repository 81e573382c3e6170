"""Plan the split of a study: hospitals or persons into folds and the hold-out, as the config says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from residua.cohort.split.folds import PLACEMENT, assign
from residua.cohort.split.persons import PERSONS, Places, Tumors, assign_persons, divided_persons, planned_persons
from residua.cohort.split.placement import Placement, planned_placement
from residua.cohort.split.split import Split
from residua.cohort.table.patient import Patient
from residua.problems.problem import Problem
from residua.settings.participation import DrawnFolds
from residua.settings.study import Study


@dataclass(frozen=True)
class PlannedSplit:
    """The split, the hospitals of each fold or the place of each person, and the problems of both."""

    split: Split
    placement: Placement = field(default_factory=dict)
    places: Places = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def planned_split(
    study: Study, patients: Sequence[Patient], tumors: Tumors, placed: bool = True, frozen: bool = True
) -> PlannedSplit:
    """Split ``patients``; ``tumors`` says by patient who has residual tumour, and is called only when it is needed.

    Without ``placed`` nobody is put into a fold; without ``frozen`` the folds that a start froze in the current folder
    do not count. Raises what ``tumors`` raises, nothing else.
    """
    found = _of_persons if isinstance(study.folds, DrawnFolds) else _of_hospitals
    planned = found(study, patients, tumors, placed, frozen)
    divided = divided_persons(planned.split, {patient.patient: patient for patient in patients})
    return PlannedSplit(planned.split, planned.placement, planned.places, (*planned.problems, *divided))


def _of_persons(study: Study, patients: Sequence[Patient], tumors: Tumors, placed: bool, frozen: bool) -> PlannedSplit:
    assert isinstance(study.folds, DrawnFolds)
    table = PERSONS if frozen else ""
    places, unplaced = planned_persons(study, study.folds, patients, table, tumors) if placed else ({}, [])
    split, unfit = assign_persons(study, study.folds, patients, places)
    return PlannedSplit(split, places=places, problems=(*unplaced, *unfit))


def _of_hospitals(
    study: Study, patients: Sequence[Patient], tumors: Tumors, placed: bool, frozen: bool
) -> PlannedSplit:
    hospitals = {patient.patient: patient.hospital for patient in patients}

    def positives() -> Mapping[str, int]:
        return Counter(hospitals[patient] for patient, tumor in tumors().items() if tumor)

    table = PLACEMENT if frozen else ""
    placement, unplaced = planned_placement(study, patients, table, positives) if placed else ({}, [])
    split, unfit = assign(study, patients, placement)
    return PlannedSplit(split, placement=placement, problems=(*unplaced, *unfit))
