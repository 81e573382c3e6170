"""Failed registrations and brain masks: recorded per patient, reported together before anything is trained.

A stage that cannot use a patient continues with the others, and so do the stages after it. A training without the
patient would differ from the planned one; trainings wait until the data are corrected or the patient is excluded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from residua.errors import ResiduaError
from residua.problems.problem import Problem, in_lines
from residua.publishing.publish import read_json, verified

PROBLEM = "problem"
"""The key of a record under which a ``Problem`` stands as JSON when the patient failed, else null."""


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
    order, none for what lies on the reference grid. Raises ``DamagedStageError`` when a mask is missing or changed.
    """
    usable = sound_files(masks)
    failed = {patient for patient, record in zip(patients, registrations, strict=False) if problem_in(record)}
    return [(patient, usable[patient]) for patient in patients if patient in usable and patient not in failed]


def problems_among(registrations: Iterable[str], masks: Iterable[str]) -> dict[str, Any]:
    """Return builtins for JSON: the number of records of registrations and masks (manifests), and their problems."""
    records: list[str | Path] = list(registrations)
    for manifest in masks:
        records += verified(manifest, only=lambda name: name.endswith(".json")).values()
    problems = [problem.to_json() for record in records if (problem := problem_in(record))]
    return {"records": len(records), "problems": problems}


def require_none(collected: Mapping[str, Any], brief: bool = False) -> None:
    """Raise ``ResiduaError`` for the problems of ``problems_among``: with all of them, or ``brief`` without."""
    problems = [Problem.from_json(record) for record in collected["problems"]]
    if not problems:
        return
    title = f"{len(problems)} of {collected['records']} registrations and brain masks failed"
    if brief:
        raise ResiduaError(f"{title}: trainings wait until that is corrected; check_preprocessing lists the patients")
    title += ". Trainings wait until the scans are corrected or the patients excluded. All other steps continue"
    raise ResiduaError(in_lines(problems, f"{title}, and results/quality shows the failures."))
