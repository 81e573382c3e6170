"""Patients of whom nothing can be made: written down where it was found, told together before anything is trained.

A stage that meets such a patient goes on with the others, and so does all that follows it. A training without the
patient would be another one than was planned; trainings wait until a person mends the data or excludes the patient.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from residua.errors import ResiduaError
from residua.publishing.publish import read_json, verified

FAULT = "fault"
"""The key of a record under which stands what is wrong, in a sentence with the patient's name; None: nothing."""


def fault_in(record: str | PathLike[str]) -> str | None:
    """What is wrong, by the record (JSON) of a registration or of a brain mask."""
    found: str | None = read_json(record)[FAULT]
    return found


def sound_files(manifest: str | PathLike[str]) -> dict[str, Path]:
    """The masks of a batch by patient, without those of whom nothing can be made.

    Raises ``DamagedStageError`` when a file is missing or changed.
    """
    files = verified(manifest)
    sound = [name for name in files if name.endswith(".json") and not fault_in(files[name])]
    return {patient: files[f"{patient}.nii.gz"] for patient in (name.removesuffix(".json") for name in sound)}


def sound_among(
    patients: Sequence[str], masks: str | PathLike[str], registrations: Sequence[str]
) -> list[tuple[str, Path]]:
    """Those of a batch's patients of whom something can be made, with their brain masks.

    ``masks`` is the manifest of the batch; ``registrations`` are the records of the patients' registrations in the same
    order, none for what lies on the reference grid. Raises ``DamagedStageError`` when a mask is missing or changed.
    """
    found = sound_files(masks)
    failed = {patient for patient, record in zip(patients, registrations, strict=False) if fault_in(record)}
    return [(patient, found[patient]) for patient in patients if patient in found and patient not in failed]


def faults_among(registrations: Iterable[str], masks: Iterable[str]) -> dict[str, Any]:
    """Builtins for JSON: how many records of registrations and masks (by manifests) there are, and all their faults."""
    records: list[str | Path] = list(registrations)
    for manifest in masks:
        records += verified(manifest, only=lambda name: name.endswith(".json")).values()
    return {"records": len(records), "faults": [fault for fault in map(fault_in, records) if fault]}


def require_none(found: Mapping[str, Any], brief: bool = False) -> None:
    """Raise ``ResiduaError`` when ``faults_among`` found any: with all of them, or ``brief``, to say who names them."""
    if not found["faults"]:
        return
    said = f"{len(found['faults'])} of {found['records']} registrations and brain masks failed"
    if brief:
        raise ResiduaError(f"{said}: nothing is trained until that is mended; check_preprocessing names the patients")
    lines = "".join(f"\n  {fault}" for fault in found["faults"])
    raise ResiduaError(
        f"{said}. Trainings wait until the scans are mended or the patients left out; all else goes on, and "
        f"results/quality shows what was found.{lines}"
    )
