"""What the quality control reads of a patient: the registrations, labels and brain mask that the networks see."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from residua.settings.base import REFERENCE_STANDARD
from residua.settings.regions import labels_of_regions, regions_of
from residua.wiring.files import file_of, is_moving, on_the_reference, reference_of, registration_of
from residua.wiring.loaded import LoadedStudy
from residua.wiring.patients import patients_in


@cache
def assessed_columns(loaded: LoadedStudy) -> tuple[str, ...]:
    """Return the moving sequences that networks see, through a label drawn on them, or in a derived channel too."""
    study = loaded.study
    used = (*study.columns_of(study.channels), *labels_of_regions(study))
    seen = {*used, *(study.labels[column] for column in used if column in study.labels)}
    return tuple(sequence for sequence in study.sequences.moving if sequence in seen)


@cache
def shown_labels(loaded: LoadedStudy) -> tuple[str, ...]:
    """Return the labels that the pages show: the reference standard, those that networks see, and those of regions."""
    study = loaded.study
    seen = {REFERENCE_STANDARD, *study.channels, *labels_of_regions(study)}
    return tuple(label for label in study.labels if label in seen)


def assessed_sequences(loaded: LoadedStudy, patient: str) -> dict[str, dict[str, str]]:
    """Return, for each sequence: the image as stored, the image as registered, and the record of its registration."""
    files = loaded.cohort.patients[patient].files
    return {
        column: {
            "moving": files[column],
            "registered": on_the_reference(loaded, patient, column),
            "quality": registration_of(patient, column, "quality.json"),
        }
        for column in assessed_columns(loaded)
        if column in files
    }


def assessed_labels(loaded: LoadedStudy, patient: str) -> dict[str, dict[str, str | None]]:
    """Return a patient's labels as drawn, and warped where they were drawn on another grid (None: they were not)."""
    return {
        label: {
            "drawn": file_of(loaded, patient, label),
            "warped": on_the_reference(loaded, patient, label) if is_moving(loaded, label) else None,
        }
        for label in shown_labels(loaded)
        if loaded.cohort.has(patient, (label,))
    }


def used_registrations(loaded: LoadedStudy, patients: Iterable[str] | None = None) -> list[str]:
    """Return the records of all registrations that networks see, of some patients or of all."""
    everybody = (patient for members in loaded.cohort.batches.values() for patient in members)
    return [
        files["quality"]
        for patient in (everybody if patients is None else patients)
        for files in assessed_sequences(loaded, patient).values()
    ]


def assessed_cases(loaded: LoadedStudy, batch: str) -> list[dict[str, Any]]:
    """Return what the quality control of a batch reads, patient by patient."""
    regions = [region.model_dump(mode="json") for region in regions_of(loaded.study).values()]
    return [
        {
            "patient": patient,
            "reference": reference_of(loaded, patient),
            "column": loaded.study.sequences.reference,
            "sequences": assessed_sequences(loaded, patient),
            "labels": assessed_labels(loaded, patient),
            **({"regions": regions} if regions else {}),
        }
        for patient in patients_in(loaded, batch)
    ]


def assessed_files(loaded: LoadedStudy, batch: str) -> list[str]:
    """Return the files of ``assessed_cases`` as a list."""
    cases = assessed_cases(loaded, batch)
    parts = [files for case in cases for files in (*case["sequences"].values(), *case["labels"].values())]
    return [case["reference"] for case in cases] + [file for files in parts for file in files.values() if file]


def measures_of_regions(loaded: LoadedStudy) -> list[str]:
    """Return the table that holds what lies outside of the regions that networks see; none if they see the brain."""
    return ["results/quality/quality.parquet"] if regions_of(loaded.study) else []
