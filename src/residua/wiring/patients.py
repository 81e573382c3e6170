"""Choose the patients of a job: of a batch, a fold or the hold-out, with the channels that it needs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import cache
from typing import Any

from residua.publishing.notes import Note
from residua.settings.base import REFERENCE_STANDARD
from residua.settings.columns import COVARIATES
from residua.wiring.loaded import LoadedStudy

PATIENT, NOBODY = "[A-Za-z0-9]+", "(?!)"
"""Patterns that match every identifier of a patient, and none."""


def pattern_of(chosen: Iterable[str], everyone: Iterable[str]) -> str:
    """Return a pattern that matches the ``chosen`` of some patients, and none of the others.

    It names as few patients as it can, because Snakemake tries it on every file of a plan.
    """
    wanted = set(chosen)
    others = set(everyone) - wanted
    if not wanted:
        return NOBODY
    if not others:
        return PATIENT
    if len(wanted) <= len(others):
        return "|".join(sorted(wanted))
    return rf"(?!(?:{'|'.join(sorted(others))})\b){PATIENT}"


@cache
def checked(loaded: LoadedStudy, patient: str) -> dict[str, Any]:
    """Return the record of a patient for a check, without the row, which changes when another row is added."""
    known: dict[str, Any] = {"row": None, "clinical": {}, "role": "auto", "exclusion_reason": "", "excluded_by": None}
    return asdict(loaded.cohort.patients[patient]) | known


def candidates_in(loaded: LoadedStudy, batch: str) -> list[str]:
    """Return the patients of a batch, with those that a check excludes."""
    return list(loaded.cohort.candidates[batch])


def excluded_in(loaded: LoadedStudy, batch: str) -> list[str]:
    """Return the patients of a batch that a check excludes."""
    return [patient for patient in candidates_in(loaded, batch) if loaded.cohort.patients[patient].excluded]


def files_to_check(loaded: LoadedStudy, batch: str) -> list[str]:
    """Return the files of the candidates of a batch; of those whom a check excludes, only what there is.

    A file that is missing is why its patient is excluded: it must not stop the check of the others.
    """
    files = []
    for name in candidates_in(loaded, batch):
        patient = loaded.cohort.patients[name]
        files += [file for file in patient.files.values() if not patient.excluded or os.path.isfile(file)]
    return files


def patients_in(loaded: LoadedStudy, batch: str) -> list[str]:
    """Return the patients of a batch."""
    return list(loaded.cohort.batches[batch])


def patients_with(loaded: LoadedStudy, channel: str, batch: str) -> list[str]:
    """Return the patients of a batch that have a channel."""
    return [patient for patient in loaded.cohort.batches[batch] if loaded.cohort.has(patient, (channel,))]


def with_inputs(loaded: LoadedStudy, patients: Sequence[str], inputs: str) -> list[str]:
    """Return the ``patients`` that have every channel of an input configuration."""
    return [patient for patient in patients if loaded.cohort.has(patient, loaded.study.inputs[inputs])]


@cache
def _subset(loaded: LoadedStudy, arch: str, inputs: str, subset: str) -> tuple[list[str], list[str]]:
    if subset == "holdout":
        return [], loaded.held_out(arch, inputs)
    fold = int(subset.removeprefix("fold"))
    training, validation = loaded.split.training(fold), loaded.split.validation(fold)
    return with_inputs(loaded, training, inputs), with_inputs(loaded, validation, inputs)


def patients_of_subset(loaded: LoadedStudy, arch: str, inputs: str, subset: str) -> dict[str, list[str]]:
    """Return the patients that train and that validate a fold; the hold-out's patients only validate."""
    training, validation = _subset(loaded, arch, inputs, subset)
    return {"training": list(training), "validation": list(validation)}


def persons_among(loaded: LoadedStudy, patients: Iterable[str]) -> dict[str, str]:
    """Return the person of each of the ``patients`` who is another scan of that person."""
    persons = loaded.split.persons
    return {patient: persons[patient] for patient in patients if patient in persons}


def persons_of_training(loaded: LoadedStudy, arch: str, inputs: str, subset: str) -> dict[str, str]:
    """Return those of the training patients of a fold, for networks that set whole persons aside; none for others."""
    if not getattr(loaded.study.settings_of(arch), "stopping_fraction", 0):
        return {}
    return persons_among(loaded, _subset(loaded, arch, inputs, subset)[0])


def channels_of_subset(loaded: LoadedStudy, inputs: str, subset: str) -> list[str]:
    """Return the channels of an input configuration, and the reference standard where a network is trained."""
    return [*loaded.study.inputs[inputs], *([] if subset == "holdout" else [REFERENCE_STANDARD])]


@cache
def _batches(loaded: LoadedStudy, arch: str, inputs: str, subset: str) -> tuple[str, ...]:
    wanted = {patient for group in _subset(loaded, arch, inputs, subset) for patient in group}
    return tuple(batch for batch, members in loaded.cohort.batches.items() if not wanted.isdisjoint(members))


def batches_of_subset(loaded: LoadedStudy, arch: str, inputs: str, subset: str) -> list[str]:
    """Return the batches that hold the patients of a fold or of the hold-out."""
    return list(_batches(loaded, arch, inputs, subset))


def segmented(loaded: LoadedStudy, arch: str, inputs: str) -> tuple[str, ...]:
    """Return the patients that a network segments with an input configuration, fold by fold, then the hold-out."""
    if (arch, inputs) in loaded.predictions:
        return tuple(loaded.predictions[arch, inputs])
    holdout = set(loaded.split.holdout)
    in_folds = (patient for patient in loaded.cohort.eligible(inputs) if patient not in holdout)
    return (*in_folds, *loaded.held_out(arch, inputs))


def segmented_of_split(loaded: LoadedStudy, arch: str, inputs: str, split: str) -> list[str]:
    """Return those of them that validate a fold, or those of the hold-out (split ``test``)."""
    held_out = set(loaded.split.holdout)
    return [patient for patient in segmented(loaded, arch, inputs) if (patient in held_out) == (split == "test")]


def validation_by_fold(loaded: LoadedStudy, arch: str, inputs: str) -> dict[int, list[str]]:
    """Return the validation patients of every fold that a network segments with an input configuration."""
    segmenting = set(segmented(loaded, arch, inputs))
    return {fold: [p for p in loaded.split.validation(fold) if p in segmenting] for fold in loaded.folds}


def measured(loaded: LoadedStudy, arch: str, inputs: str) -> list[dict[str, Any]]:
    """Return the patients measured with an input configuration: name, hospital, person and fold (None: hold-out)."""
    return [_measured(loaded, patient) for patient in with_reference(loaded, segmented(loaded, arch, inputs))]


def with_reference(loaded: LoadedStudy, patients: Sequence[str]) -> list[str]:
    """Return the ``patients`` that have a reference standard: all of a study, some of an application."""
    return [patient for patient in patients if loaded.cohort.has(patient, (REFERENCE_STANDARD,))]


def measured_of_split(loaded: LoadedStudy, arch: str, inputs: str, split: str) -> list[dict[str, Any]]:
    """Return those of them that are of one split."""
    return [_measured(loaded, patient) for patient in segmented_of_split(loaded, arch, inputs, split)]


@cache
def _measured(loaded: LoadedStudy, patient: str) -> dict[str, Any]:
    hospital = loaded.cohort.patients[patient].hospital
    person = {"person": loaded.split.who(patient)} if loaded.split.persons else {}
    return {"patient": patient, "hospital": hospital, **person, "fold": loaded.split.fold_of(patient)}


def lesion_rule(loaded: LoadedStudy) -> dict[str, Any]:
    """Return what a lesion is and when it is found, as ``residua.metrics.lesions.LesionRule`` takes it."""
    study = loaded.study
    return {"min_voxels": study.postprocessing.min_component_voxels, "min_overlap": study.lesions.min_overlap}


def each(patients: Iterable[str]) -> dict[str, str]:
    """Return patients as a piece of a note that counts them."""
    return {patient: patient for patient in patients}


def notes_of_persons(loaded: LoadedStudy) -> list[Note]:
    """Return a footnote of tables that hold measurements, where a person has several scans."""
    if not loaded.split.persons:
        return []
    persons = {patient: loaded.split.who(patient) for patient in loaded.split.patients}
    rest = (
        " persons: n counts scans, bootstrap intervals resample whole persons, with the scans of both classes, and "
        "tests of Dice take the mean of each person."
    )
    return [[each(persons), " scans of ", persons, rest]]


def hospitals_of_patients(loaded: LoadedStudy) -> dict[str, str]:
    """Return the hospital of every patient of the study, batch by batch."""
    hospitals = loaded.split.hospitals
    return {patient: hospitals[patient] for members in loaded.cohort.batches.values() for patient in members}


def excluded(loaded: LoadedStudy) -> dict[str, dict[str, str | None]]:
    """Return the excluded patients: their hospital, the reason, and what excluded them."""
    return {
        patient.patient: {
            "hospital": patient.hospital,
            "exclusion_reason": patient.exclusion_reason,
            "excluded_by": patient.excluded_by,
        }
        for patient in loaded.cohort.patients.values()
        if patient.excluded
    }


def clinical(loaded: LoadedStudy) -> dict[str, dict[str, str]]:
    """Return what the cohort table says of the patients of the study, for those of whom it says something."""
    known = {patient: loaded.cohort.patients[patient].clinical for patient in loaded.split.patients}
    return {patient: dict(own) for patient, own in known.items() if own}


def known_covariates(loaded: LoadedStudy) -> dict[str, dict[str, str]]:
    """Return what the cohort table says of the covariates by which the study judges subgroups."""
    asked = {COVARIATES.get(covariate, covariate) for covariate in loaded.study.statistics.subgroups}
    own = {p: {column: value for column, value in of.items() if column in asked} for p, of in clinical(loaded).items()}
    return {patient: known for patient, known in own.items() if known}


def incomplete(loaded: LoadedStudy) -> dict[str, list[str]]:
    """Return the patients of the study that lack a channel, by input configuration."""
    everyone = set(loaded.split.patients)
    return {inputs: sorted(everyone - set(loaded.cohort.eligible(inputs))) for inputs in loaded.study.inputs}


def patients_with_label(loaded: LoadedStudy, label: str) -> list[str]:
    """Return the patients of the study for whom a label was drawn, whether or not networks can see it."""
    return [patient for patient in loaded.split.patients if label in loaded.cohort.patients[patient].files]


def patients_without_label(loaded: LoadedStudy, label: str) -> list[str]:
    """Return the other patients of the study."""
    return [patient for patient in loaded.split.patients if label not in loaded.cohort.patients[patient].files]


def resected_patients(loaded: LoadedStudy) -> list[str]:
    """Return the patients whose tumour before surgery is drawn; none where the study has no such label."""
    label = loaded.study.resected
    return patients_with_label(loaded, label) if label else []
