"""The patients of an application: each with the files that its models read, and the bundle that is applied to it.

Loaded at every start and inside every job, hence in milliseconds: nothing here imports an array or an image library.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from residua.cohort.batches import batches
from residua.cohort.cohort import Cohort
from residua.cohort.split.split import Split
from residua.cohort.table.files import before_surgery
from residua.cohort.table.patient import ExcludedBy, Patient, further_persons
from residua.cohort.table.patients import parse_table
from residua.inference.bundles import Bundle
from residua.inference.choice import Choice, choose, lacking
from residua.problems.lists import raise_problems
from residua.problems.problem import Problem
from residua.problems.severity import problem_of
from residua.settings.application import Missing
from residua.settings.base import REFERENCE_STANDARD
from residua.settings.study import Study

DEFAULTS: Mapping[str, str] = MappingProxyType({"hospital": "NEW", "role": "auto"})
"""Cells of columns that the table of an application may lack."""


@dataclass(frozen=True)
class NewPatients:
    """All patients of a table: a cohort without folds, the choice for each who is not excluded, and the problems."""

    cohort: Cohort
    choices: Mapping[str, Choice]
    problems: tuple[Problem, ...]


def load_new_patients(
    study: Study,
    bundles: Sequence[Bundle],
    invalid: Mapping[str, str] | None = None,
    missing: Missing = "refuse",
    judged: bool = False,
) -> NewPatients:
    """Read the patients of the table ``study.cohort``; opens no file but the table.

    A patient for whom no bundle can be applied is excluded, as is one whose data a check found unusable: ``invalid``
    holds the reason. ``missing`` says what becomes of one who lacks a channel of every bundle. Where the bundles are
    ``judged``, a patient keeps the files that any of them can read, and the reference standard.
    Raises one ``ResiduaError`` that lists everything wrong with the table itself.
    """
    table = parse_table(study.cohort, study.file_columns, (study.sequences.reference,), DEFAULTS)
    raise_problems(table.problems, f"{study.cohort}: the table of the patients cannot be used")
    candidates, choices, problems = [], {}, list(table.problems)
    for patient in table.patients:
        chosen = choose(bundles, _possible(study, patient), study.sequences.reference, missing)
        if chosen is None and not patient.excluded:
            problem = _without_bundle(study, bundles, patient)
            problems.append(problem)
            patient = _excluded(patient, problem.what, "protocol")
        elif chosen is not None:
            choices[patient.patient] = chosen
            patient = replace(patient, files=_used(study, bundles if judged else [chosen.bundle], patient, judged))
        candidates.append(patient)
    members = [
        _excluded(patient, reason, "check") if (reason := (invalid or {}).get(patient.patient)) else patient
        for patient in candidates
    ]
    return NewPatients(_cohort(study, candidates, members), choices, tuple(problems))


def _cohort(study: Study, candidates: Sequence[Patient], members: Sequence[Patient]) -> Cohort:
    included = [patient for patient in members if not patient.excluded]
    split = Split(
        folds={},
        holdout=tuple(patient.patient for patient in included),
        excluded={patient.patient: patient.exclusion_reason for patient in members if patient.excluded},
        hospitals={patient.patient: patient.hospital for patient in included},
        persons=further_persons(included),
    )
    return Cohort(
        patients={patient.patient: patient for patient in members},
        split=split,
        batches=batches(members),
        candidates=batches(candidates),
        channels=study.inputs,
        placement={},
        derived=study.derived_channels,
        labels=study.labels,
    )


def _excluded(patient: Patient, reason: str, by: ExcludedBy) -> Patient:
    if patient.excluded:
        return patient
    return replace(patient, role="exclude", exclusion_reason=reason, excluded_by=by)


def _possible(study: Study, patient: Patient) -> set[str]:
    """Return the columns that a patient can give: an image or label that moves needs what it is registered by."""
    needed = {"brain_mask"} if study.brain_mask.method == "given" else set()
    if not needed <= set(patient.files):
        return set()
    drawn = study.labels
    return {column for column in patient.files if column not in drawn or drawn[column] in patient.files}


def _used(study: Study, bundles: Sequence[Bundle], patient: Patient, judged: bool) -> dict[str, str]:
    """Return the files that the models need, and those from before the surgery, to which a mask can be brought back."""
    columns = {column for bundle in bundles for column in bundle.columns}
    columns |= {bundle.region for bundle in bundles if bundle.region}
    # The label of the resected tumour steers the registration of its sequence.
    used = {study.sequences.reference, "brain_mask", *columns, *before_surgery(study)}
    used |= {study.labels[column] for column in columns if column in study.labels}
    used |= {REFERENCE_STANDARD} if judged else set()
    used &= _possible(study, patient)
    return {column: file for column, file in patient.files.items() if column in used}


def _without_bundle(study: Study, bundles: Sequence[Bundle], patient: Patient) -> Problem:
    reference = study.sequences.reference
    given = study.brain_mask.method == "given" and "brain_mask" not in patient.files
    missing = ["brain_mask"] if given else lacking(bundles, _possible(study, patient), reference)
    who = "every patient needs it" if missing == [reference] or given else "every bundle needs more than is given"
    what = f"no file is given for {', '.join(missing)}, and {who}"
    remedy = "give the file"
    if reference not in missing:
        remedy += f", or a bundle that does without {missing[-1]}"
    return problem_of("sequence-missing", what, remedy, patient.patient, missing[0], patient.row)
