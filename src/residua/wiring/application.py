"""What a start of the workflow loads of an application: bundles in place of trainings, new patients as the hold-out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from residua.cohort.checks.results import invalid_patients
from residua.cohort.table.patient import Patient
from residua.inference.bundles import Bundle, open_bundles, shared_study
from residua.inference.choice import Choice
from residua.inference.new_patients import NewPatients, load_new_patients
from residua.problems.problem import Problem
from residua.settings.application import Missing, Validation, load_application
from residua.settings.base import REFERENCE_STANDARD
from residua.settings.machine import Machine
from residua.settings.study import Study
from residua.wiring.loaded import LoadedStudy
from residua.wiring.patients import with_reference


@dataclass(frozen=True)
class Applied:
    """The bundles of an application, and the settings that they share."""

    study: Study
    bundles: tuple[Bundle, ...]
    missing: Missing = "refuse"
    validation: Validation | None = None
    machine: Machine = field(default_factory=Machine)

    def all_patients(self) -> list[Patient]:
        """Return all patients of the table, whatever a check found."""
        return list(self._new_patients([]).cohort.patients.values())

    def loaded(self, known: Iterable[Problem]) -> LoadedApplication:
        """Return the application without the patients of whom an error is known."""
        problems = list(known)
        new = self._new_patients(problems)
        return LoadedApplication(
            self.study,
            new.cohort,
            bundles=self.bundles,
            choices=new.choices,
            problems=(*new.problems, *problems),
            validation=self.validation,
        )

    def _new_patients(self, problems: Sequence[Problem]) -> NewPatients:
        invalid, judged = invalid_patients(problems), self.validation is not None
        return load_new_patients(self.study, self.bundles, invalid, self.missing, judged)


def applied(config: dict[str, Any]) -> Applied:
    """Read the bundles that a configuration names. Raises ``ResiduaError`` when they cannot be applied together."""
    application = load_application(config)
    bundles = open_bundles(application.bundles)
    study = shared_study(bundles, application.cohort)
    return Applied(study, bundles, application.missing, application.validation, application.machine)


@dataclass(frozen=True, eq=False)
class LoadedApplication(LoadedStudy):
    """An application as a study without folds: each patient is predicted by the models of one bundle."""

    bundles: tuple[Bundle, ...] = ()
    choices: Mapping[str, Choice] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    validation: Validation | None = None

    @cached_property
    def by_model(self) -> Mapping[tuple[str, str], Bundle]:
        """The bundle of each network and input configuration."""
        return {(bundle.arch, bundle.inputs): bundle for bundle in self.bundles}

    @cached_property
    def folds(self) -> list[int]:
        """The folds of all bundles by number."""
        return sorted({fold for bundle in self.bundles for fold in bundle.record.folds})

    @cached_property
    def subsets(self) -> list[str]:
        """The hold-out alone."""
        return ["holdout"]

    @cached_property
    def models(self) -> list[tuple[str, str]]:
        """The networks and input configurations that are applied to any patient."""
        return [model for model in self.by_model if self.held_out(*model)]

    @cached_property
    def judged(self) -> list[tuple[str, str]]:
        """Those of them of which any patient has a reference standard; none unless the application is a validation."""
        return [model for model in self.models if with_reference(self, self.held_out(*model))]

    @property
    def leaves_failed_out(self) -> bool:
        """A failed patient leaves the others alone."""
        return True

    def folds_of(self, arch: str, inputs: str) -> list[int]:
        """Return the folds of a bundle."""
        return list(self.by_model[arch, inputs].record.folds)

    def held_out(self, arch: str, inputs: str) -> list[str]:
        """Return the patients to whom a bundle is applied: those who chose it; all whom it fits if it is validated."""
        return [patient for patient in self.split.holdout if self._applies(patient, self.by_model[arch, inputs])]

    def _applies(self, patient: str, bundle: Bundle) -> bool:
        if self.choice_of(patient) == (bundle.arch, bundle.inputs):
            return True
        return self.validation is not None and (bundle.does_without or self.cohort.has(patient, bundle.channels))

    def lacking_of(self, arch: str, inputs: str) -> dict[str, list[str]]:
        """Return the channels of a bundle that its patients do without."""
        channels = self.by_model[arch, inputs].channels
        lacked = {
            patient: [channel for channel in channels if not self.cohort.has(patient, (channel,))]
            for patient in self.held_out(arch, inputs)
        }
        return {patient: names for patient, names in lacked.items() if names}

    def choice_of(self, patient: str) -> tuple[str, str]:
        """Return the network and the input configuration that were chosen for a patient."""
        bundle = self.choices[patient].bundle
        return bundle.arch, bundle.inputs

    def plan(self) -> list[dict[str, Any]]:
        """Return what is known of every patient before anything runs, in the table's order, as builtins."""
        return [self._planned(patient) for patient in self.cohort.patients.values()]

    def _planned(self, patient: Patient) -> dict[str, Any]:
        choice = self.choices.get(patient.patient)
        return {
            "patient": patient.patient,
            "hospital": patient.hospital,
            "given": {column: file for column, file in patient.files.items() if column != REFERENCE_STANDARD},
            "excluded": patient.exclusion_reason if patient.excluded_by == "table" else None,
            "problems": [problem.to_json() for problem in self.problems if problem.patient == patient.patient],
            "arch": choice.bundle.arch if choice else None,
            "inputs": choice.bundle.inputs if choice else None,
            "bundle": choice.bundle.path if choice else None,
            "out_of_fold_score": choice.bundle.record.out_of_fold_score if choice else None,
            "why": choice.why if choice else None,
            "lacking": list(choice.lacking) if choice else [],
            **self._seen_whole(patient, choice),
        }

    def _seen_whole(self, patient: Patient, choice: Choice | None) -> dict[str, str]:
        """Return the label around which models look and which the patient lacks: these models see the whole brain."""
        label = choice.bundle.region if choice else None
        if label is None or self.cohort.has(patient.patient, (label, self.study.labels[label])):
            return {}
        return {"seen_whole_without": label}
