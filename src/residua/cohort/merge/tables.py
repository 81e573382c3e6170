"""Read the tables that are merged, and make one table of their rows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from residua.cohort.merge.names import Names
from residua.cohort.proposal.columns import table_with_images
from residua.cohort.table.lines import MISSING, read_lines
from residua.cohort.table.location import table_file
from residua.cohort.table.patient import Patient
from residua.errors import ResiduaError
from residua.problems.lists import raise_problems

_MOST_NAMED = 5


@dataclass(frozen=True)
class Source:
    """One table: its place in the command, and by row the patient and the cells that are not missing."""

    number: int
    path: str
    columns: tuple[str, ...]
    patients: tuple[Patient, ...]
    cells: tuple[Mapping[str, str], ...]

    @property
    def hospitals(self) -> tuple[str, ...]:
        """Return the hospitals in the order of the table."""
        return tuple(dict.fromkeys(patient.hospital for patient in self.patients))


@dataclass(frozen=True)
class Row:
    """A row of the merged table: the patient under the new names, the cells, and the table that it is from."""

    patient: Patient
    cells: Mapping[str, str]
    table: int


def read_sources(paths: Sequence[str]) -> list[Source]:
    """Read every table. Raises ``ResiduaError`` with all problems of the first one that has any."""
    places = [os.path.realpath(table_file(path)) + path[len(table_file(path)) :] for path in paths]
    for number, place in enumerate(places):
        if place in places[:number]:
            raise ResiduaError(f"{paths[number]}: the table is given twice; name every table once")
    sources = []
    for number, path in enumerate(paths, start=1):
        table = table_with_images(path)
        # What a column means that no published study knows, the configuration of the merged study says.
        known = [problem for problem in table.problems if problem.check != "column-unknown"]
        raise_problems(known, f"{path}: the cohort table cannot be used")
        header, *lines = read_lines(path)[0]
        cells = [
            {column: cell for column, cell in zip(header.cells, line.cells, strict=True) if cell not in MISSING}
            for line in lines
        ]
        sources.append(Source(number, path, header.cells, table.patients, tuple(cells)))
    return sources


def united_columns(sources: Iterable[Source]) -> tuple[str, ...]:
    """Return the columns of all tables: those of the first, then what each further one adds."""
    return tuple(dict.fromkeys(column for source in sources for column in source.columns))


def merged_rows(sources: Sequence[Source], names: Names, cell_of: Callable[[str], str]) -> list[Row]:
    """Return the rows of all tables, in their order; ``cell_of`` writes the path of a file relative to the new table.

    Raises ``ResiduaError`` if a patient is in two tables, or two hospitals or persons differ by case only.
    """
    rows = [
        _row(source, patient, cells, names, cell_of)
        for source in sources
        for patient, cells in zip(source.patients, source.cells, strict=True)
    ]
    _require_unique(rows)
    _require_one_spelling("hospital", [(row, row.patient.hospital) for row in rows])
    _require_one_spelling("person", [(row, row.patient.who) for row in rows])
    return rows


def _row(
    source: Source, patient: Patient, cells: Mapping[str, str], names: Names, cell_of: Callable[[str], str]
) -> Row:
    renamed = replace(
        patient,
        patient=names.person(source.number, patient.patient),
        hospital=names.hospital(source.number, patient.hospital),
        person=names.person(source.number, patient.person),
    )
    changed = {"patient": renamed.patient, "hospital": renamed.hospital}
    if renamed.person:
        changed["person"] = renamed.person
    for column, cell in cells.items():
        if column in patient.files and not os.path.isabs(cell):
            changed[column] = cell_of(patient.files[column])
    return Row(renamed, {**cells, **changed}, source.number)


def _require_unique(rows: Iterable[Row]) -> None:
    first: dict[str, Row] = {}
    twice, tables = [], set()
    for row in rows:
        earlier = first.setdefault(row.patient.patient.casefold(), row)
        if earlier is not row:
            tables.add(row.table)
            twice.append(f"{row.patient.patient} (tables {earlier.table} and {row.table})")
    if twice:
        more = f" and {len(twice) - _MOST_NAMED} more" if len(twice) > _MOST_NAMED else ""
        raise ResiduaError(
            f"{len(twice)} patient(s) are in two tables: {', '.join(twice[:_MOST_NAMED])}{more}; give the patients of "
            f"one a prefix, such as --prefix {max(tables)}=B, or rename them in it; of one patient keep one row"
        )


def _require_one_spelling(what: str, named: Iterable[tuple[Row, str]]) -> None:
    first: dict[str, tuple[Row, str]] = {}
    for row, name in named:
        earlier, before = first.setdefault(name.casefold(), (row, name))
        if before != name:
            mend = {"hospital": f"--rename {row.table}:{name}=NEW", "person": f"--prefix {row.table}=B"}[what]
            raise ResiduaError(
                f"{what} {name} of table {row.table} differs from {before} of table {earlier.table} by upper and lower "
                f"case only; rename one ({mend})"
            )


def remarks_of(sources: Sequence[Source], rows: Iterable[Row], columns: Iterable[str]) -> list[str]:
    """Return what a reader should know: hospitals and persons of several tables, columns that a table lacks."""
    remarks = []
    hospitals: dict[str, dict[int, None]] = {}
    persons: dict[str, dict[int, None]] = {}
    for row in rows:
        hospitals.setdefault(row.patient.hospital, {})[row.table] = None
        persons.setdefault(row.patient.who, {})[row.table] = None
    both = {hospital: tables for hospital, tables in hospitals.items() if len(tables) > 1}
    if both:
        named = ", ".join(f"{hospital} (tables {_and(tables)})" for hospital, tables in both.items())
        first, tables = next(iter(both.items()))
        remedy = f"rename those that are two hospitals (--rename {max(tables)}:{first}=NEW)"
        remarks.append(f"a hospital of several tables counts as one: {named}; {remedy}")
    shared = sum(len(tables) > 1 for tables in persons.values())
    if shared:
        remarks.append(f"{shared} person(s) are in several tables by their name, and count as one human being each")
    for source in sources:
        lacking = [column for column in columns if column not in source.columns]
        if lacking:
            remarks.append(f"table {source.number} has no column {', '.join(lacking)}: empty for its patients")
    return remarks


def _and(numbers: Iterable[int]) -> str:
    *some, last = map(str, sorted(numbers))
    return f"{', '.join(some)} and {last}" if some else last
