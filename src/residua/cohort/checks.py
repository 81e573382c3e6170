"""Can the study run on this cohort? The table, its files, their headers and, on request, every voxel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from residua.cohort import judged_cohort
from residua.cohort.files import check_files, kinds_of, needed_columns
from residua.cohort.headers import check_headers
from residua.cohort.problems import Problem, errors_of
from residua.cohort.table import Patient
from residua.cohort.voxels import check_voxels
from residua.study import Study

__all__ = ["Verdict", "check_cohort", "check_files", "check_headers", "check_voxels", "needed_columns"]


@dataclass(frozen=True)
class Verdict:
    """All problems of a cohort and, where the voxels were read, the annotated volumes (ml) by label and patient."""

    problems: tuple[Problem, ...]
    patients: int
    volumes_ml: dict[str, dict[str, float]] = field(default_factory=dict)

    @property
    def runs(self) -> bool:
        """Whether the study could run."""
        return not errors_of(self.problems)

    def to_json(self) -> dict[str, Any]:
        """Builtins for a program to read."""
        problems = [problem.to_json() for problem in self.problems]
        return {"runs": self.runs, "patients": self.patients, "problems": problems, **self.volumes_ml}


def check_cohort(
    study: Study, table_path: str, voxels: bool = True, progress: Callable[[str], None] = lambda patient: None
) -> Verdict:
    """Everything that would keep the study from running on the cohort of ``table_path``, each problem once.

    Headers take milliseconds a file, voxels up to seconds; ``progress`` is told each patient before it is looked at.
    Never raises for anything that the table or a file holds.
    """
    cohort, problems = judged_cohort(study, table_path)
    volumes: dict[str, dict[str, float]] = {}
    included = [patient for patient in cohort.patients.values() if not patient.excluded]
    for patient in included:
        progress(patient.patient)
        problems += check_headers(study, [patient])
        if voxels:
            problems += _add_voxels(study, patient, volumes)
    return Verdict(tuple(dict.fromkeys(problems)), len(included), volumes)


def _add_voxels(study: Study, patient: Patient, volumes: dict[str, dict[str, float]]) -> list[Problem]:
    found = check_voxels([patient], kinds_of(study))
    problems = [Problem(**record) for record in found.pop("problems")]
    for name, by_patient in found.items():
        volumes.setdefault(name, {}).update(by_patient)
    return problems
