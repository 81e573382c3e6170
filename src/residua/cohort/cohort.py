"""The cohort as the workflow sees it: patients, their split and their batches, from one table and the config.

Loaded at every start and inside every job, hence in milliseconds: nothing here imports an array or an image library.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from residua.cohort.batches import batches
from residua.cohort.eligibility import ineligible, reason
from residua.cohort.named import without_patients
from residua.cohort.places import VOXELS
from residua.cohort.split.persons import Places, Tumors
from residua.cohort.split.placement import Placement
from residua.cohort.split.planned import planned_split
from residua.cohort.split.split import Split
from residua.cohort.table.files import check_files, how_to_do_without, needed_columns
from residua.cohort.table.patient import Patient
from residua.cohort.table.patients import parse_table
from residua.cohort.unseen_labels import without_sequence
from residua.problems.lists import errors_of, raise_problems
from residua.problems.problem import Problem
from residua.problems.severity import problem_of
from residua.settings.channels import Derived, columns_needed
from residua.settings.participation import HoldoutColumn
from residua.settings.statistics import OUT_OF_FOLD
from residua.settings.study import Study

LEAST_BEFORE_SURGERY = 2
"""Patients who train a network on scans before surgery: one to train on, and one by whom the training stops."""


@dataclass(frozen=True)
class Cohort:
    """Every row of the table by patient, with the reasons of exclusions; ``split.patients`` are the included ones.

    ``batches`` hold the patients of the study, ``candidates`` also those that a check of the data excluded: they are
    checked again, so that they come back once their data are corrected. ``predicted`` are the files of the columns with
    predictions made elsewhere, by column and patient; no network reads them.
    """

    patients: Mapping[str, Patient]
    split: Split
    batches: Mapping[str, tuple[str, ...]]
    candidates: Mapping[str, tuple[str, ...]]
    channels: Mapping[str, tuple[str, ...]]
    placement: Placement
    places: Places = field(default_factory=dict)
    """Where folds are of persons: the place of each; ``placement`` is empty then."""
    predicted: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    derived: Derived = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    """The sequence on which each label was drawn."""

    def has(self, patient: str, channels: tuple[str, ...]) -> bool:
        """Return whether the table gives a patient all that these channels need, as ``columns_needed`` says."""
        files = self.patients[patient].files
        return all(column in files for column in columns_needed(channels, self.derived, self.labels))

    def eligible(self, inputs: str) -> tuple[str, ...]:
        """Return the patients that have every channel of ``inputs``, fold by fold, then the hold-out."""
        return tuple(p for p in self.split.patients if self.has(p, self.channels[inputs]))

    @cached_property
    def shared(self) -> Mapping[int, tuple[str, ...]]:
        """The validation patients of each fold that all input configurations have: on these they are compared."""
        return {
            fold: tuple(p for p in members if all(self.has(p, channels) for channels in self.channels.values()))
            for fold, members in self.split.folds.items()
        }


def load_cohort(study: Study, table_path: str, invalid: Mapping[str, str] | None = None, frozen: bool = True) -> Cohort:
    """Read the cohort of ``table_path`` and split it as the config says; opens no file but the table.

    ``invalid`` holds the reason by patient whose data a check found unusable: these are excluded. Without ``frozen``
    the folds that a start froze in the current folder do not count: they are those of a new study.
    Raises one ``ResiduaError`` that lists everything wrong with the table, the split and the files at once.
    """
    cohort, problems = judged_cohort(study, table_path, invalid, frozen=frozen)
    if errors_of(problems):
        # The study stops here anyway: the errors of the headers, which would stop it next, are reported too.
        from residua.cohort.checks.headers import check_headers

        problems += check_headers(study, cohort.patients.values())
    raise_problems(problems, f"{table_path}: the study cannot run on this cohort")
    return cohort


def judged_cohort(
    study: Study, table_path: str, invalid: Mapping[str, str] | None = None, placed: bool = True, frozen: bool = True
) -> tuple[Cohort, list[Problem]]:
    """Like ``load_cohort``, but returns the problems beside what could be read. Never raises.

    Without ``placed`` no patient is put into a fold, for which masks may have to be read. ``frozen`` is as above.
    """
    elsewhere = study.columns_of_elsewhere
    mark = study.holdout.column if isinstance(study.holdout, HoldoutColumn) else ""
    columns = (*study.file_columns, *elsewhere)
    needed = (*needed_columns(study), *elsewhere, *study.protocol.least_grades)
    table = parse_table(table_path, columns, needed, mark=mark)
    # A column that the header lacks is one problem, not one for each patient.
    there = [column for column in study.file_columns if column in table.columns]
    graded = [column for column in study.protocol.least_grades if column in table.columns]
    predicted = {column: _files_in(column, table.patients) for column in elsewhere if column in table.columns}
    candidates, refused = _eligible(study, _without_columns(elsewhere, table.patients), (*there, *graded))
    members = [_without(patient, invalid or {}) for patient in candidates]
    planned = planned_split(study, members, _tumors(study, members), placed, frozen)
    problems = [*(_possible(study, problem) for problem in table.problems), *refused]
    if table.patients:
        problems += [*without_patients(study, table.patients), *planned.problems, *check_files(study, members, there)]
    cohort = Cohort(
        patients={patient.patient: patient for patient in members},
        split=planned.split,
        batches=batches(members, planned.places),
        candidates=batches(candidates, planned.places),
        channels=study.inputs,
        placement=planned.placement,
        places=planned.places,
        predicted=predicted,
        derived=study.derived_channels,
        labels=study.labels,
    )
    if not errors_of(problems):
        problems += [*_without_patients(cohort), *_without_shared_patients(study, cohort)]
        problems += [*without_sequence(study, members), *_without_scans_before(study, cohort)]
    return cohort, problems


def _files_in(column: str, patients: Sequence[Patient]) -> dict[str, str]:
    return {patient.patient: patient.files[column] for patient in patients if column in patient.files}


def _without_columns(columns: Sequence[str], patients: Sequence[Patient]) -> Sequence[Patient]:
    if not columns:
        return patients
    return [replace(p, files={c: file for c, file in p.files.items() if c not in columns}) for p in patients]


def _possible(study: Study, problem: Problem) -> Problem:
    """Give a missing column the remedies that there are in this study."""
    if problem.check != "column-missing":
        return problem
    if problem.subject in study.protocol.least_grades:
        remedy = f"add it to the table, or delete protocol.least_{problem.subject} in the config"
        return replace(problem, remedy=remedy)
    if problem.subject not in study.file_columns:
        return problem
    return replace(problem, remedy=how_to_do_without(study, problem.subject))


def _tumors(study: Study, patients: Sequence[Patient]) -> Tumors:
    def read() -> Mapping[str, bool]:
        # Only here: this reads masks.
        from residua.cohort.checks.positives import positive_patients

        # Planning a study writes nothing.
        kept = VOXELS if os.path.isdir(VOXELS) else None
        return positive_patients(patients, study.classification.residual_tumor_ml, kept)

    return read


def _eligible(study: Study, patients: Sequence[Patient], columns: Sequence[str]) -> tuple[list[Patient], list[Problem]]:
    judged, problems = [], []
    for patient in patients:
        own = [] if patient.excluded else ineligible(study, patient, columns)
        problems += own
        if own:
            patient = replace(patient, role="exclude", exclusion_reason=reason(own), excluded_by="protocol")
        judged.append(patient)
    return judged, problems


def _without_patients(cohort: Cohort) -> list[Problem]:
    """Return an error for each input configuration for which a fold, or the hold-out, has no patient but others."""
    parts = {f"fold {fold}": members for fold, members in cohort.split.folds.items()}
    parts["the hold-out"] = cohort.split.holdout
    remove = ", or remove the input configuration" if len(cohort.channels) > 1 else ""
    found = []
    for inputs, channels in cohort.channels.items():
        having = sum(cohort.has(patient, channels) for patient in cohort.split.patients)
        move = ", or change the folds in the config" if having >= len(parts) else ""
        found += [
            problem_of(
                "inputs-without-patients",
                f"no patient of {part} has every channel of input configuration {inputs} ({', '.join(channels)})",
                f"give some of them the sequence{remove}{move}",
            )
            for part, members in parts.items()
            if members and not any(cohort.has(patient, channels) for patient in members)
        ]
    return found


def _without_shared_patients(study: Study, cohort: Cohort) -> list[Problem]:
    """Return an error for each choice left to the results where no patient of a fold has all input configurations."""
    if any(cohort.shared.values()) or not any(cohort.split.folds.values()):
        return []
    keys = [f"statistics.best_inputs.{experiment}.{arch}" for experiment, arch in study.left_to_results]
    return [
        problem_of(
            "inputs-without-shared-patients",
            f"{key} is {OUT_OF_FOLD}, but no patient of a fold has the channels of all input configurations "
            f"({', '.join(cohort.channels)}), so that they cannot be compared on the same patients",
            f"name an input configuration under {key} in the config",
        )
        for key in keys
    ]


def _without_scans_before(study: Study, cohort: Cohort) -> list[Problem]:
    """Return an error for networks that start from scans before surgery of which a fold's training has too few."""
    starting = [arch for arch in study.archs if study.settings_of(arch).before_surgery]
    label = study.resected
    if not starting or label is None:
        return []
    needed = (study.labels[label], label)
    split = cohort.split
    having = {fold: {split.who(p) for p in split.training(fold) if cohort.has(p, needed)} for fold in split.folds}
    few = ", ".join(str(fold) for fold in sorted(having) if len(having[fold]) < LEAST_BEFORE_SURGERY)
    if not few:
        return []
    what = (
        f"networks.{starting[0]}.init: preoperative: fewer than {LEAST_BEFORE_SURGERY} training "
        f"{'persons' if split.persons else 'patients'} of fold {few} "
        f"have {needed[0]} and {needed[1]}"
    )
    remedy = "give these files in the cohort table, or set init to none"
    return [problem_of("too-few-before-surgery", what, remedy)]


def _without(patient: Patient, invalid: Mapping[str, str]) -> Patient:
    if patient.excluded or patient.patient not in invalid:
        return patient
    return replace(patient, role="exclude", exclusion_reason=invalid[patient.patient], excluded_by="check")
