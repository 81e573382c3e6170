"""The cohort table: one row a patient, read and judged cell by cell without looking at a single image."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from residua.cohort.table.lines import Line, column_problems, read_lines
from residua.cohort.table.rows import CohortRow, path_fault, typed, wrong_cells
from residua.problems.problem import Problem, Severity, raise_problems

Role = Literal["auto", "holdout", "exclude"]
ROLES: tuple[Role, ...] = get_args(Role)
ExcludedBy = Literal["table", "protocol", "check"]
"""Who leaves a patient out: the table's role, the protocol (sequences, time of the scan) or a check of the data."""
REQUIRED = ("patient", "hospital", "role")
FILES = ("post_t1ce", "post_t1", "post_flair", "pre_t1ce", "residual", "pre_tumor", "brain_mask")
CLINICAL = ("hours_since_surgery", "age", "sex", "field_strength_t", "manufacturer")
CONTRACT = (*REQUIRED, "exclusion_reason", "source_id", *FILES, *CLINICAL)
_MISSING = ("", "n/a")


@dataclass(frozen=True)
class Patient:
    """One row of the table. A cell that is empty or ``n/a`` is absent from ``files`` and ``clinical``."""

    patient: str
    hospital: str
    role: Role
    exclusion_reason: str
    row: int | None
    files: Mapping[str, str] = field(default_factory=dict)
    clinical: Mapping[str, str] = field(default_factory=dict)
    excluded_by: ExcludedBy | None = None

    @property
    def hours_since_surgery(self) -> float | None:
        """When the scan was taken; None when the table does not say."""
        hours = self.clinical.get("hours_since_surgery")
        return None if hours is None else float(hours)

    @property
    def excluded(self) -> bool:
        """Whether this patient is left out of the study."""
        return self.role == "exclude"


@dataclass(frozen=True)
class PatientTable:
    """All that could be read of a table, and all that is wrong with it."""

    patients: tuple[Patient, ...]
    columns: tuple[str, ...]
    problems: tuple[Problem, ...]


def read_patients(path: str, file_columns: Iterable[str], needed: Iterable[str] | None = None) -> tuple[Patient, ...]:
    """The patients of a table (TSV, CSV or Parquet), in its order.

    ``file_columns`` are the columns that name files; a table without one of ``needed`` (all of them when not given)
    is refused. File cells are relative to the table; the paths returned are joined to its folder as ``path`` gives it
    and never made absolute, so that moving a checkout changes nothing.
    Raises ``ResiduaError`` that lists everything wrong with the table at once.
    """
    table = parse_table(path, file_columns, needed)
    raise_problems(table.problems, f"{path}: the cohort table cannot be used")
    return table.patients


def parse_table(path: str, file_columns: Iterable[str], needed: Iterable[str] | None = None) -> PatientTable:
    """Like ``read_patients``, but returns the problems beside the patients that could be read. Never raises."""
    names = tuple(file_columns)
    lines, problems = read_lines(path)
    if not lines:
        return PatientTable((), (), tuple(problems))
    header, *rows = lines
    expected = (*REQUIRED, *(names if needed is None else needed))
    problems += column_problems(header, expected, (*CONTRACT, *names))
    if not rows:
        what, remedy = "the table has no patient", "add one row per patient"
        problems.append(Problem(what, remedy, file=path, check="table-empty"))
    if not set(REQUIRED) <= set(header.cells):
        return PatientTable((), header.cells, tuple(problems))
    patients, sources = [], []
    for line in rows:
        cells = {column: cell for column, cell in zip(header.cells, line.cells, strict=False) if cell not in _MISSING}
        problems += _row_problems(cells, line, len(header.cells), names)
        patients.append(_patient(cells, line.row, os.path.dirname(path), names))
        sources.append(cells.get("source_id", ""))
    problems += [*_repeated(patients), *_hospitals_by_case(patients), *_repeated_sources(patients, sources)]
    return PatientTable(tuple(patients), header.cells, tuple(sorted(problems, key=lambda problem: problem.row or 0)))


def _row_problems(cells: Mapping[str, str], line: Line, width: int, names: tuple[str, ...]) -> list[Problem]:
    patient = cells.get("patient")
    problems: list[Problem] = []

    def add(column: str | None, check: str, what: str, remedy: str) -> None:
        problems.append(Problem(what, remedy, row=line.row, patient=patient, column=column, check=check))

    if len(line.cells) != width:
        add(None, "row-width", f"{len(line.cells)} cells under {width} columns", "give every row one cell per column")
    for wrong in wrong_cells(CohortRow, cells, REQUIRED):
        add(*wrong)
    for column in names:
        fault = path_fault(cells.get(column, ""))
        if fault:
            add(column, *fault)
    return problems


def _patient(cells: Mapping[str, str], row: int, folder: str, file_columns: tuple[str, ...]) -> Patient:
    role = cells.get("role", "")
    return Patient(
        patient=cells.get("patient", ""),
        hospital=cells.get("hospital", ""),
        role=role if role in ROLES else "auto",
        exclusion_reason=cells.get("exclusion_reason", ""),
        row=row,
        files={c: os.path.normpath(os.path.join(folder, cells[c])) for c in file_columns if c in cells},
        clinical={c: value for c in CLINICAL if c in cells and (value := typed(CohortRow, c, cells[c])) is not None},
        excluded_by="table" if role == "exclude" else None,
    )


def _repeated(patients: Iterable[Patient]) -> list[Problem]:
    first: dict[str, Patient] = {}
    alike: dict[str, Patient] = {}
    problems = []
    for patient in patients:
        namesake = alike.setdefault(_without_zeros(patient.patient), patient)
        if namesake.patient.casefold() != patient.patient.casefold():
            what = f"the patient differs from {namesake.patient} in row {namesake.row} by zeros only"
            problems.append(_doubled(patient, what, "see whether they are one patient", "patient-zeros", "warning"))
        earlier = first.setdefault(patient.patient.casefold(), patient)
        if earlier is patient or not patient.patient:
            continue
        same = earlier.patient == patient.patient
        what = f"the patient is also in row {earlier.row}"
        if not same:
            what = f"the patient differs from {earlier.patient} in row {earlier.row} by upper and lower case only"
        remedy = "give every patient one row" if same else "rename one; not every disk keeps their files apart"
        problems.append(_doubled(patient, what, remedy, "patient-repeated" if same else "patient-case"))
    return problems


def _hospitals_by_case(patients: Iterable[Patient]) -> list[Problem]:
    """A problem for each further spelling of a hospital: as two hospitals they could be on both sides of a fold."""
    first: dict[str, Patient] = {}
    spelt: dict[str, Patient] = {}
    for patient in patients:
        first.setdefault(patient.hospital.casefold(), patient)
        spelt.setdefault(patient.hospital, patient)
    problems = []
    for hospital, patient in spelt.items():
        earlier = first[hospital.casefold()]
        if earlier.hospital != hospital:
            what = (
                f"hospital {hospital} differs from {earlier.hospital} in row {earlier.row} by upper and lower case only"
            )
            remedy = "write every hospital in one way"
            problems.append(Problem(what, remedy, patient.row, patient.patient, "hospital", check="hospital-case"))
    return problems


def _repeated_sources(patients: Iterable[Patient], sources: Iterable[str]) -> list[Problem]:
    """A doubt about two patients of a hospital with one ``source_id``, which is not told: reports are shared."""
    first: dict[tuple[str, str], Patient] = {}
    problems = []
    for patient, source in zip(patients, sources, strict=True):
        earlier = first.setdefault((patient.hospital.casefold(), source), patient)
        if source and earlier.patient.casefold() != patient.patient.casefold():
            what = f"the same source_id as patient {earlier.patient} in row {earlier.row}"
            remedy = "see whether they are one patient"
            row, name = patient.row, patient.patient
            problems.append(Problem(what, remedy, row, name, "source_id", severity="warning", check="source-repeated"))
    return problems


def _doubled(patient: Patient, what: str, remedy: str, check: str, severity: Severity = "error") -> Problem:
    return Problem(what, remedy, patient.row, patient.patient, "patient", severity=severity, check=check)


def _without_zeros(name: str) -> str:
    return re.sub(r"(?<!\d)0+(?=\d)", "", name.casefold())
