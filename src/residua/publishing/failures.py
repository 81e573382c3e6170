"""Failed registrations and brain masks: recorded per patient, and skipped by the stages that follow.

A stage that cannot use a patient continues with the others, and so do the stages after it. A training without the
patient would differ from the planned one; trainings wait until the data are corrected or the patient is excluded.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from residua.problems.problem import PROBLEM, Problem
from residua.publishing.publish import read_json, verified


def problem_in(record: str | PathLike[str]) -> Problem | None:
    """Return the problem in the record (JSON) of a registration or of a brain mask; None if it succeeded."""
    stored = read_json(record)[PROBLEM]
    return None if stored is None else Problem.from_json(stored)


def sound_files(manifest: str | PathLike[str]) -> dict[str, Path]:
    """Return the masks of a batch by patient, without the failed ones.

    Raises ``DamagedStageError`` when a file is missing or changed.
    """
    files = verified(manifest)
    usable = [name for name in files if name.endswith(".json") and not problem_in(files[name])]
    return {patient: files[f"{patient}.nii.gz"] for patient in (name.removesuffix(".json") for name in usable)}


def sound_among(
    patients: Sequence[str], masks: str | PathLike[str], registrations: Sequence[str]
) -> list[tuple[str, Path]]:
    """Return the patients of a batch whose brain mask and registration succeeded, each with the brain mask.

    ``masks`` is the manifest of the batch; ``registrations`` are the records of the patients' registrations in the same
    order, none for what lies on the reference grid. Raises ``DamagedStageError`` when a mask is missing or changed,
    ``ValueError`` for any other number of records.
    """
    usable = sound_files(masks)
    registered = zip(patients, registrations, strict=True) if registrations else ()
    failed = {patient for patient, record in registered if problem_in(record)}
    return [(patient, usable[patient]) for patient in patients if patient in usable and patient not in failed]
