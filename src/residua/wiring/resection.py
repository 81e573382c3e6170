"""From which files the study judges resections."""

from __future__ import annotations

from residua.wiring.files import file_of
from residua.wiring.loaded import LoadedStudy
from residua.wiring.patients import resected_patients
from residua.wiring.publication import compared


def masks_before(loaded: LoadedStudy) -> list[str]:
    """Return the masks of the tumour before surgery, as they were drawn, of all patients who have one."""
    label = loaded.study.resected
    return [file_of(loaded, patient, label) for patient in resected_patients(loaded)] if label else []


def compared_ensembles(loaded: LoadedStudy) -> list[tuple[str, str]]:
    """Return the networks that may be compared by Dice and that this study trained: of others no members are known."""
    return [(arch, inputs) for arch, inputs in compared(loaded) if arch in loaded.study.archs]


def compared_members(loaded: LoadedStudy) -> list[str]:
    """Return what the models of each of these ensembles find alone."""
    ensembles = compared_ensembles(loaded)
    return [f"results/segmentations/{arch}/{inputs}/members/manifest.json" for arch, inputs in ensembles]
