"""Place persons in folds and in the hold-out: by the config's rule or drawn, and frozen from then on."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from residua.cohort.split.drawing import Person, Place, drawn
from residua.cohort.split.person_table import HELD_OUT, read_persons, write_persons
from residua.cohort.split.split import Split
from residua.cohort.table.patient import Patient, further_persons
from residua.problems.problem import Problem
from residua.problems.severity import problem_of
from residua.settings.participation import DrawnFolds, HoldoutColumn, HoldoutShare
from residua.settings.study import Study

PERSONS = "results/cohort/persons.tsv"
"""Where the places of persons are frozen, relative to the working directory."""
_CHECK = "persons-table"
_ANEW = f"delete {PERSONS} to draw new folds, which trains all networks again"
Places = dict[str, Place]
Tumors = Callable[[], Mapping[str, bool]]
"""Returns by patient whether the reference standard shows residual tumour; called only when it is needed."""


def freeze_persons(places: Mapping[str, Place], path: str) -> None:
    """Write the places to ``path``, which later runs read; do nothing where they stand there already."""
    if places and (not os.path.lexists(path) or read_persons(path)[0] != places):
        write_persons(path, places)


def planned_persons(
    study: Study, folds: DrawnFolds, patients: Sequence[Patient], path: str, tumors: Tumors
) -> tuple[Places, list[Problem]]:
    """Return the place of each person (empty if there is a problem) and the problems. Writes nothing.

    Persons of the table ``path`` keep their places, whatever comes to the cohort later. New ones are drawn into the
    parts that lack them. Who is held out by a hospital, a column or the role is not drawn.
    Raises what ``tumors`` raises.
    """
    members = [patient for patient in patients if not patient.excluded]
    rows = _rows(members)
    ruled = {person: {_held_out(study, patient) for patient in own} for person, own in rows.items()}
    held_out = {person for person, rules in ruled.items() if True in rules}
    problems = [_divided(rows[person]) for person, rules in ruled.items() if len(rules) > 1]
    known, damaged = read_persons(path) if os.path.lexists(path) else ({}, [])
    problems += [*damaged, *_contradicting(study, folds, known, rows, held_out, path)]
    if len(rows) - len(held_out) < folds.count:
        what = f"{folds.count} folds need at least as many persons outside the hold-out, but there are "
        there = len(rows) - len(held_out)
        remedy = "lower folds.count in the config, or add patients"
        problems.append(problem_of("too-few-persons", f"{what}{there}", remedy, subject="person"))
    if problems:
        return {}, problems
    places = known | dict.fromkeys(sorted(held_out - set(known)))
    if set(rows) <= set(places):
        return places, []
    positive = tumors() if "residual" in folds.balance else {}
    people = [_person(person, own, positive) for person, own in rows.items() if person not in held_out]
    found = drawn(people, _shares(study, folds), places, folds.balance, folds.seed)
    return places | {person: found[person] for person in sorted(found)}, []


def assign_persons(
    study: Study, folds: DrawnFolds, patients: Sequence[Patient], places: Mapping[str, Place]
) -> tuple[Split, list[Problem]]:
    """Return the split of the placed persons, and an error for each part without patients. Never raises.

    No place at all was reported already.
    """
    included = [patient for patient in patients if not patient.excluded and patient.who in places]

    def members(place: Place) -> tuple[str, ...]:
        return tuple(patient.patient for patient in included if places[patient.who] == place)

    split = Split(
        folds={fold: members(fold) for fold in range(folds.count)} if places else {},
        holdout=members(None),
        excluded={patient.patient: patient.exclusion_reason for patient in patients if patient.excluded},
        hospitals={patient.patient: patient.hospital for patient in included},
        persons=further_persons(included),
        unit="person",
    )
    if not places:
        return split, []
    parts = {f"fold {fold}": split.folds[fold] for fold in split.folds} | {"the hold-out": split.holdout}
    remedy = f"lower folds.count, give holdout a larger share or another rule, or {_ANEW}"
    empty = [part for part, own in parts.items() if not own]
    return split, [
        problem_of("fold-without-patients", f"{part} has no patients", remedy, subject="person") for part in empty
    ]


def divided_persons(split: Split, patients: Mapping[str, Patient]) -> list[Problem]:
    """Return an error for each person whose scans lie on two sides of the split."""
    parts = split.parts()
    rows = _rows([patient for name, patient in patients.items() if name in parts])
    return [_divided(own) for own in rows.values() if len({parts[patient.patient] for patient in own}) > 1]


def _divided(rows: Sequence[Patient]) -> Problem:
    first = rows[0]
    named = ", ".join(f"{patient.patient} of {patient.hospital}" for patient in rows)
    what = f"the scans of person {first.who} ({named}) lie on two sides of the split"
    remedy = "place all of them alike: give them one hospital (or one mark of the hold-out), or set role to exclude"
    return problem_of("person-on-two-sides", what, remedy, first.patient, "person", first.row)


def _rows(patients: Sequence[Patient]) -> dict[str, list[Patient]]:
    rows: dict[str, list[Patient]] = {}
    for patient in patients:
        rows.setdefault(patient.who, []).append(patient)
    return rows


def _held_out(study: Study, patient: Patient) -> bool:
    marked = isinstance(study.holdout, HoldoutColumn) and study.holdout.holds_out(patient.marked)
    return marked or patient.role == "holdout" or patient.hospital in study.held_out_hospitals


def _person(name: str, rows: Sequence[Patient], positive: Mapping[str, bool]) -> Person:
    with_tumor = sum(bool(positive.get(patient.patient)) for patient in rows)
    return Person(name, len(rows), with_tumor, rows[0].hospital)


def _shares(study: Study, folds: DrawnFolds) -> dict[Place, float]:
    held_out = study.holdout.share if isinstance(study.holdout, HoldoutShare) else 0.0
    shares: dict[Place, float] = dict.fromkeys(range(folds.count), (1 - held_out) / folds.count)
    return shares | ({None: held_out} if held_out else {})


def _contradicting(
    study: Study,
    folds: DrawnFolds,
    known: Mapping[str, Place],
    rows: Mapping[str, Sequence[Patient]],
    held_out: set[str],
    path: str,
) -> list[Problem]:
    """Return an error for each way in which the frozen places differ from what the config asks for."""
    numbers = Counter(place for place in known.values() if place is not None)
    if known and sorted(numbers) != list(range(folds.count)):
        what = f"the file has the folds {sorted(numbers)}, but folds.count in the config is {folds.count}"
        return [problem_of(_CHECK, what, f"set folds.count to {len(numbers)}, or {_ANEW}", file=path)]
    drawn_out = isinstance(study.holdout, HoldoutShare)
    wrong = [
        person
        for person in rows
        if person in known and (known[person] is not None if person in held_out else known[person] is None)
        # A hold-out that was drawn holds also persons whom no rule holds out.
        if person in held_out or not drawn_out
    ]
    return [
        problem_of(
            _CHECK,
            f"the file has person {person} in {HELD_OUT if known[person] is None else f'fold {known[person]}'}, but "
            f"the config and the table {'hold' if person in held_out else 'do not hold'} the person out",
            f"undo the change of holdout or role, correct the line of the person, or {_ANEW}",
            rows[person][0].patient,
            "person",
            file=path,
        )
        for person in wrong
    ]
