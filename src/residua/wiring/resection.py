"""From which files the study judges resections."""

from __future__ import annotations

from residua.wiring.files import file_of, registration_of
from residua.wiring.loaded import LoadedStudy
from residua.wiring.patients import resected_patients
from residua.wiring.publication import compared


def masks_before(loaded: LoadedStudy) -> list[str]:
    """Return the masks of the tumour before surgery, as they were drawn, of all patients who have one."""
    label = loaded.study.resected
    return [file_of(loaded, patient, label) for patient in resected_patients(loaded)] if label else []


def sequence_before(loaded: LoadedStudy) -> str | None:
    """Return the sequence that shows the tumour before surgery; None: the study has none."""
    study = loaded.study
    return study.labels[study.resected] if study.resected else next(iter(study.sequences.before_surgery), None)


def with_scan_before(loaded: LoadedStudy, arch: str, inputs: str) -> list[str]:
    """Return the patients of the hold-out whom a network predicts from an input configuration, with a scan before."""
    sequence = sequence_before(loaded)
    held_out = loaded.held_out(arch, inputs)
    return [patient for patient in held_out if sequence and loaded.cohort.has(patient, (sequence,))]


def scans_before(loaded: LoadedStudy, arch: str, inputs: str) -> list[str]:
    """Return their scans before surgery, as the cohort table names them."""
    sequence = sequence_before(loaded)
    return [file_of(loaded, patient, sequence) for patient in with_scan_before(loaded, arch, inputs) if sequence]


def ways_before(loaded: LoadedStudy, arch: str, inputs: str, part: str) -> list[str]:
    """Return a part of the registrations of these scans, in their order."""
    sequence = sequence_before(loaded)
    return [registration_of(patient, sequence, part) for patient in with_scan_before(loaded, arch, inputs) if sequence]


def compared_ensembles(loaded: LoadedStudy) -> list[tuple[str, str]]:
    """Return the networks that may be compared by Dice and that this study trained: of others no members are known."""
    return [(arch, inputs) for arch, inputs in compared(loaded) if arch in loaded.study.archs]


def compared_members(loaded: LoadedStudy) -> list[str]:
    """Return what the models of each of these ensembles find alone."""
    ensembles = compared_ensembles(loaded)
    return [f"results/segmentations/{arch}/{inputs}/members/manifest.json" for arch, inputs in ensembles]
