"""The cohort table: one row per patient, read and checked cell by cell without opening an image."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from residua.cohort.table.lines import MISSING, Line, column_problems, read_lines, width_problems
from residua.cohort.table.paths import plain_path
from residua.cohort.table.patient import ROLES, Patient
from residua.cohort.table.rows import CohortRow, folder_problems, path_problem, typed, wrong_cells
from residua.cohort.table.survival import survival_columns, survival_problems
from residua.cohort.table.unknown_names import unknown_names
from residua.problems.problem import Problem
from residua.problems.severity import problem_of
from residua.settings.columns import CLINICAL, CONTRACT, REQUIRED


@dataclass(frozen=True)
class PatientTable:
    """The readable patients of a table, its columns, and all its problems."""

    patients: tuple[Patient, ...]
    columns: tuple[str, ...]
    problems: tuple[Problem, ...]


def parse_table(
    path: str,
    file_columns: Iterable[str],
    needed: Iterable[str] | None = None,
    defaults: Mapping[str, str] = MappingProxyType({}),
    mark: str = "",
) -> PatientTable:
    """Read a table: the patients that could be read, in its order, and all its problems. Never raises.

    ``file_columns`` are the columns that name files; a table without one of ``needed`` (all of them when not given) has
    a problem. File cells are relative to the table; the paths returned are joined to its folder as ``path`` gives it
    and never made absolute, so that moving a checkout changes nothing.
    ``defaults`` holds the values of empty cells of columns that this table may lack. ``mark`` is the column that names
    the hold-out.
    """
    names = tuple(file_columns)
    required = tuple(column for column in REQUIRED if column not in defaults)
    lines, problems = read_lines(path)
    if not lines:
        return PatientTable((), (), tuple(problems))
    header, *rows = lines
    marks = (mark,) if mark else ()
    expected = tuple(dict.fromkeys((*required, *(names if needed is None else needed), *marks)))
    problems += column_problems(header, expected, (*CONTRACT, *names, *marks))
    problems += [*survival_columns(header), *folder_problems(path)]
    if not rows:
        what, remedy = "the table has no patient", "add one row per patient"
        problems.append(problem_of("table-empty", what, remedy, file=path))
    if not set(required) <= set(header.cells):
        return PatientTable((), header.cells, tuple(problems))
    patients, sources = [], []
    for line in rows:
        given = {column: cell for column, cell in zip(header.cells, line.cells, strict=False) if cell not in MISSING}
        cells = {**defaults, **given}
        problems += _row_problems(cells, line, len(header.cells), names)
        patients.append(replace(_patient(cells, line.row, os.path.dirname(path), names), marked=cells.get(mark, "")))
        sources.append(cells.get("source_id", ""))
    problems += [*_repeated(patients), *_by_case(patients), *_repeated_sources(patients, sources)]
    problems += unknown_names(patients)
    return PatientTable(tuple(patients), header.cells, tuple(sorted(problems, key=lambda problem: problem.row or 0)))


def _row_problems(cells: Mapping[str, str], line: Line, width: int, names: tuple[str, ...]) -> list[Problem]:
    problems = [*width_problems(line, width), *wrong_cells(CohortRow, cells, REQUIRED)]
    problems += survival_problems(cells)
    for column in names:
        problem = path_problem(cells.get(column, ""))
        if problem:
            problems.append(replace(problem, subject=column))
    return [replace(problem, row=line.row, patient=cells.get("patient")) for problem in problems]


def _patient(cells: Mapping[str, str], row: int, folder: str, file_columns: tuple[str, ...]) -> Patient:
    role = cells.get("role", "")
    return Patient(
        patient=cells.get("patient", ""),
        hospital=cells.get("hospital", ""),
        role=role if role in ROLES else "auto",
        exclusion_reason=cells.get("exclusion_reason", ""),
        row=row,
        files={c: plain_path(os.path.join(folder, cells[c])) for c in file_columns if c in cells},
        clinical={c: value for c in CLINICAL if c in cells and (value := typed(CohortRow, c, cells[c])) is not None},
        excluded_by="table" if role == "exclude" else None,
        person=cells.get("person", ""),
    )


def _repeated(patients: Iterable[Patient]) -> list[Problem]:
    first: dict[str, Patient] = {}
    alike: dict[str, Patient] = {}
    problems = []
    for patient in patients:
        namesake = alike.setdefault(_without_zeros(patient.patient), patient)
        if namesake.patient.casefold() != patient.patient.casefold() and namesake.who != patient.who:
            what = f"the patient differs from {namesake.patient} in row {namesake.row} by zeros only"
            problems.append(_doubled("patient-zeros", what, "check whether they are one patient", patient))
        earlier = first.setdefault(patient.patient.casefold(), patient)
        if earlier is patient or not patient.patient:
            continue
        same = earlier.patient == patient.patient
        what = f"the patient is also in row {earlier.row}"
        if not same:
            what = f"the patient differs from {earlier.patient} in row {earlier.row} by upper and lower case only"
        remedy = "give every patient one row" if same else "rename one; some disks cannot keep their files apart"
        problems.append(_doubled("patient-repeated" if same else "patient-case", what, remedy, patient))
    return problems


_OF_SPELLING = {
    "hospital": ("hospital-case", "hospital-zeros"),
    "person": ("person-case", "person-zeros"),
}


def _by_case(patients: Sequence[Patient]) -> list[Problem]:
    """Return a problem for each further spelling of a hospital or person: one could be on both sides of a fold.

    Letters of another case are an error. Zeros may tell two apart, so that they are a warning.
    """
    named = {_without_zeros(patient.person) for patient in patients if patient.person}
    # The first scan of a person often has no cell: its patient is the person then.
    further = [patient for patient in patients if _without_zeros(patient.who) in named]
    return [
        *_spellings("hospital", patients, lambda patient: patient.hospital),
        *_spellings("person", further, lambda patient: patient.who),
    ]


def _spellings(what: str, patients: Sequence[Patient], name: Callable[[Patient], str]) -> Iterator[Problem]:
    first: dict[str, Patient] = {}
    alike: dict[str, Patient] = {}
    spelt: dict[str, Patient] = {}
    of_case, of_zeros = _OF_SPELLING[what]
    for patient in patients:
        first.setdefault(name(patient).casefold(), patient)
        alike.setdefault(_without_zeros(name(patient)), patient)
        spelt.setdefault(name(patient), patient)
    for spelling, patient in spelt.items():
        same, similar = first[spelling.casefold()], alike[_without_zeros(spelling)]
        if name(same) != spelling:
            check, earlier, by = of_case, same, "upper and lower case"
            remedy = f"write every {what} in the same way"
        elif first[name(similar).casefold()] is not same:
            check, earlier, by, remedy = of_zeros, similar, "zeros", f"check whether they are one {what}"
        else:
            continue
        differs = f"{what} {spelling} differs from {name(earlier)} in row {earlier.row} by {by} only"
        yield problem_of(check, differs, remedy, patient.patient, what, patient.row)


def _repeated_sources(patients: Iterable[Patient], sources: Iterable[str]) -> list[Problem]:
    """Return a warning for two patients of a hospital with one ``source_id``, without it, as reports are shared."""
    first: dict[tuple[str, str], Patient] = {}
    problems = []
    for patient, source in zip(patients, sources, strict=True):
        earlier = first.setdefault((patient.hospital.casefold(), source), patient)
        if source and earlier.patient.casefold() != patient.patient.casefold():
            what = f"the same source_id as patient {earlier.patient} in row {earlier.row}"
            remedy = "check whether they are one patient"
            problems.append(problem_of("source-repeated", what, remedy, patient.patient, "source_id", patient.row))
    return problems


def _doubled(check: str, what: str, remedy: str, patient: Patient) -> Problem:
    return problem_of(check, what, remedy, patient.patient, "patient", patient.row)


def _without_zeros(name: str) -> str:
    return re.sub(r"(?<!\d)0+(?=\d)", "", name.casefold())
