"""Who is in a merged table twice, by the voxels of the scans."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from residua.cohort.checks.duplicates import find_duplicates
from residua.cohort.checks.voxels import check_voxels
from residua.cohort.merge.tables import Row
from residua.cohort.proposal.columns import holds_labels
from residua.problems.problem import Problem

_MASKS = ("residual", "pre_tumor", "brain_mask")


@dataclass(frozen=True)
class Twins:
    """Patients with a scan in common, the table of each, and what the duplicate check says of them."""

    problem: Problem
    tables: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        """Return one line for a terminal."""
        places = ", ".join(f"{patient} in table {table}" for patient, table in self.tables)
        return f"{self.problem.severity}: {self.problem.what}: {places}: {self.problem.remedy}"

    def to_json(self) -> dict[str, Any]:
        """Return builtins for a program to read."""
        patients = [{"patient": patient, "table": table} for patient, table in self.tables]
        problem = self.problem
        said = {"check": problem.check, "severity": problem.severity, "what": problem.what, "remedy": problem.remedy}
        return {"patients": patients, **said}


def find_twins(
    rows: Sequence[Row],
    columns: Iterable[str],
    cache: str | os.PathLike[str] | None,
    workers: int,
    progress: Callable[[int, int], None],
) -> tuple[list[Twins], int]:
    """Return the groups of patients that share a scan, and the number of patients with an image that cannot be read.

    That several scans of one person are alike is expected. Excluded patients and files that do not exist are skipped.
    The arguments are those of ``check_voxels``.
    """
    patients = [row.patient for row in rows]
    filled = {column for patient in patients for column in patient.files}
    images = [column for column in columns if column in filled and _holds_images(column)]
    found = check_voxels(patients, dict.fromkeys(images, "image"), None, cache, workers, progress)
    hospitals = {patient.patient: patient.hospital for patient in patients}
    table_of = {row.patient.patient: row.table for row in rows}
    persons = {patient.patient: patient.who for patient in patients}
    # There is no study yet that says which columns are from before surgery.
    before = [column for column in images if column.startswith("pre_")]
    groups = find_duplicates([found], hospitals, persons=persons, before_surgery=before)
    twins = [Twins(problem, tuple((name, table_of[name]) for name in group)) for problem, group in groups.items()]
    unread = {record["patient"] for record in found["problems"] if record["severity"] == "error"}
    return twins, len(unread)


def _holds_images(column: str) -> bool:
    return column not in _MASKS and not holds_labels(column)
