"""Where a patient's images and labels lie: as the cohort table names them, and on the grid of the reference."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from residua.wiring.loaded import LoadedStudy


def file_of(loaded: LoadedStudy, patient: str, column: str) -> str:
    """Return the file that the cohort table names."""
    return loaded.cohort.patients[patient].files[column]


def files_of(loaded: LoadedStudy, patient: str) -> dict[str, str]:
    """Return all files of a patient that the cohort table names, by column."""
    return dict(loaded.cohort.patients[patient].files)


def reference_of(loaded: LoadedStudy, patient: str) -> str:
    """Return the file of the sequence whose grid is the patient's reference space."""
    return file_of(loaded, patient, loaded.study.sequences.reference)


def sequence_of(loaded: LoadedStudy, column: str) -> str:
    """Return the sequence on whose grid an image or a label lies in the cohort table."""
    return loaded.study.labels.get(column, column)


def is_moving(loaded: LoadedStudy, column: str) -> bool:
    """Return whether an image or a label lies on another grid than that of the reference."""
    return sequence_of(loaded, column) != loaded.study.sequences.reference


def on_the_reference(loaded: LoadedStudy, patient: str, column: str) -> str:
    """Return a patient's image or label on the grid of the reference."""
    return registered(patient, column) if is_moving(loaded, column) else file_of(loaded, patient, column)


def brain_mask_of(loaded: LoadedStudy, patient: str) -> str:
    """Return where a patient's brain mask lies."""
    return f"results/brain/{_batches_of_patients(loaded)[patient]}/{patient}.nii.gz"


def brain_manifests(loaded: LoadedStudy, patients: Iterable[str]) -> list[str]:
    """Return the manifests of the batches that hold the brain masks of some patients."""
    batches = dict.fromkeys(_batches_of_patients(loaded)[patient] for patient in patients)
    return [f"results/brain/{batch}/manifest.json" for batch in batches]


@cache
def _batches_of_patients(loaded: LoadedStudy) -> dict[str, str]:
    return {patient: batch for batch, members in loaded.cohort.batches.items() for patient in members}


def registered(patient: str, column: str) -> str:
    """Return where an image or a label lies after its registration."""
    return f"results/registered/{patient}/{column}.nii.gz"


def registration_of(patient: str, sequence: str, part: str) -> str:
    """Return a part of a registration: the transform's affine.mat or warp.nii.gz, or the record quality.json."""
    return f"results/registered/{patient}/{sequence}_{part}"


@cache
def registration_settings(loaded: LoadedStudy, sequence: str) -> dict[str, Any]:
    """Return how a moving sequence is registered, as builtins."""
    return loaded.study.registration_of(sequence).model_dump(mode="json")


@cache
def is_large_registration(loaded: LoadedStudy, sequence: str) -> bool:
    """Return whether the deformation is estimated on every voxel of the reference, which takes more memory."""
    return loaded.study.registration_of(sequence).deformation.working_spacing_mm is None
