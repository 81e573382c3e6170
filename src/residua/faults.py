"""Patients of whom nothing can be made: written down where it was found, told together before anything is trained.

A stage that meets such a patient goes on with the others, and so does all that follows it. A training without the
patient would be another one than was planned; trainings wait until a person mends the data or excludes the patient.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path

from residua.errors import ResiduaError
from residua.publish import read_json, verified

FAULT = "fault"
"""The key of a record under which stands what is wrong, in a sentence with the patient's name; None: nothing."""


def fault_in(record: str | PathLike[str]) -> str | None:
    """What is wrong, by the record (JSON) of a registration or of a brain mask."""
    found: str | None = read_json(record)[FAULT]
    return found


def records_of(manifest: str | PathLike[str]) -> dict[str, Path]:
    """The records of a batch of brain masks by patient. Raises ``DamagedStageError`` when one changed."""
    found = verified(manifest, only=lambda name: name.endswith(".json"))
    return {name.removesuffix(".json"): file for name, file in found.items()}


def sound_files(manifest: str | PathLike[str]) -> dict[str, Path]:
    """The images of a batch of brain masks by patient, without those of whom nothing can be made.

    Raises ``DamagedStageError`` when a file is missing or changed.
    """
    sound = [patient for patient, record in records_of(manifest).items() if not fault_in(record)]
    found = verified(manifest, only=lambda name: name.endswith(".nii.gz"))
    return {patient: found[f"{patient}.nii.gz"] for patient in sound}


def require_none(registrations: Iterable[str], masks: Mapping[str, Iterable[str]]) -> int:
    """How many records say that all is well: those of ``registrations``, and of the patients of ``masks`` by manifest.

    Raises one ``ResiduaError`` with what every other one says.
    """
    records: list[str | Path] = list(registrations)
    for manifest, patients in masks.items():
        found = records_of(manifest)
        records += [found[patient] for patient in patients]
    faults = [fault for fault in map(fault_in, records) if fault]
    if faults:
        lines = "".join(f"\n  {fault}" for fault in faults)
        raise ResiduaError(
            f"{len(faults)} of {len(records)} registrations and brain masks failed, and nothing is trained without "
            f"these patients unasked; results/quality shows them. All else goes on meanwhile.{lines}"
        )
    return len(records)
