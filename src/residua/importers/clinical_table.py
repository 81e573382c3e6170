"""A table beside a source that has none of its own: hospitals, ages and times, joined by the patient's name."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from unicodedata import normalize

from residua.cohort.table.location import table_file
from residua.errors import ResiduaError
from residua.importers.bids_tables import HOSPITAL_NAMES, HOURS, SURGERY_NAMES, Row, interval, read_rows, rows_named
from residua.importers.cells import UnreadableCellError, demographics, is_known, outcome
from residua.importers.found import Found, FoundPatient
from residua.importers.identifiers import spelling
from residua.settings.columns import GRADED, SURVIVAL

_PATIENT = ("patient", "patient_id", "source_id", "participant_id", "subject", "subject_id", "case", "case_id", "id")
_ACQUIRED = ("acq_time", "scan_time", "scan_date", "date_of_scan")
_AS_THEY_ARE = ("field_strength_t", "manufacturer", *GRADED)
_READ = (*_ACQUIRED, *_AS_THEY_ARE, *HOURS, *SURVIVAL, *SURGERY_NAMES, "age", "sex", "gender")
UNKNOWN_HOSPITAL = "the hospital is not known"
"""Reason to exclude a patient of no known hospital, and the name that stands in the table instead."""


@dataclass(frozen=True)
class ClinicalTable:
    """The rows of a table by column; ``patient`` and ``hospital`` are the columns of these, ``name`` is the file's."""

    name: str
    rows: tuple[Row, ...]
    patient: str
    hospital: str | None


def read_clinical(path: Path | None, patient_column: str | None, hospital_column: str | None) -> ClinicalTable | None:
    """Read the table that a user gives, if any. Raises ``ResiduaError`` if it cannot be read or lacks a column."""
    if path is None:
        if option := "--patient-column" if patient_column else "--hospital-column" if hospital_column else "":
            raise ResiduaError(f"{option} names a column of a table; give the table with --table")
        return None
    if not os.path.isfile(table_file(path)):
        raise ResiduaError(f"--table {path}: no such file; give a table (CSV, Excel, …) with a row for each patient")
    rows = read_rows(path)
    columns = list(dict.fromkeys(column for row in rows for column in row))
    patient = _only(path, columns, "--patient-column", patient_column, _PATIENT)
    if patient is None:
        there = ", ".join(columns) or "none"
        raise ResiduaError(f"{path}: name the column of patients with --patient-column; there are {there}")
    return ClinicalTable(
        path.name, rows, patient, _only(path, columns, "--hospital-column", hospital_column, HOSPITAL_NAMES)
    )


def _only(path: Path, columns: Sequence[str], option: str, wanted: str | None, usual: Sequence[str]) -> str | None:
    """Return the wanted column, else the one with a usual name; None if there is none."""
    if wanted is not None:
        if wanted.casefold() not in columns:
            raise ResiduaError(f"{option} {wanted}: {path} has only the columns {', '.join(columns) or 'none'}")
        return wanted.casefold()
    found = [name for name in usual if name in columns]
    if len(found) > 1:
        raise ResiduaError(f"{path}: {' and '.join(found)} could be meant; name one of them with {option}")
    return found[0] if found else None


def gives_hospitals(table: ClinicalTable | None) -> bool:
    """Return whether there is a table that has a column of hospitals."""
    return table is not None and table.hospital is not None


def joined(found: Found, table: ClinicalTable | None, hospital: str = "") -> Found:
    """Return the patients with the hospital, age, sex and times that the ``table`` gives; None gives nothing.

    ``hospital`` is that of patients whom neither the source nor the table places; what is still unknown excludes the
    patient. Raises one ``ResiduaError`` for rows that differ, for a row that fits two patients and for hospitals that
    contradict: whose a row is, is never guessed.
    """
    if table is None:
        return found
    rows_of: dict[str, list[Row]] = {}
    faults = []
    alike = Counter(_key(_name(patient)) for patient in found.patients)
    for patient in found.patients:
        own = "" if patient.hospital == hospital else patient.hospital
        try:
            rows_of[patient.source_id] = _rows_of(patient, own, table, alike[_key(_name(patient))] == 1)
        except ResiduaError as error:
            faults.append(str(error))
    who = {patient.source_id: patient.person or patient.source_id for patient in found.patients}
    faults += _taken_twice(table, rows_of, who)
    if faults:
        raise ResiduaError("\n".join(faults))
    scans = Counter(who.values())
    patients = []
    for patient in found.patients:
        rows = rows_of[patient.source_id]
        shared = scans[who[patient.source_id]] > 1
        patients.append(
            _with(patient, [_of_scan(row, patient, table) for row in rows] if shared else rows, hospital, table)
        )
    return replace(found, patients=tuple(patients), remarks=(*found.remarks, *_remarks(table, rows_of)))


def _name(patient: FoundPatient) -> str:
    """Return the patient's name without the hospital that tells equal names apart."""
    return patient.source_id.removeprefix(f"{patient.hospital}/")


def _person(patient: FoundPatient) -> str:
    """Return the name of the person whose scan the patient is, without the hospital; empty if it is the patient."""
    return patient.person.removeprefix(f"{patient.hospital}/")


def _key(name: str) -> str:
    """Return what a name and its form in a spreadsheet share: letter case, leading zeros and a final .0 are lost."""
    return re.sub(r"(?<!\d)0+(?=\d)", "", normalize("NFC", name).casefold().removesuffix(".0"))


def _rows_of(patient: FoundPatient, own: str, table: ClinicalTable, alone: bool) -> list[Row]:
    """Return the one row of a patient, if any: by the very name, else by what a spreadsheet leaves of it.

    ``alone``: no other patient has a name like it. ``own`` is the hospital that the source itself tells, which chooses
    among rows of equal names.
    """
    name = _name(patient)
    names = list(filter(None, (patient.source_id, name, patient.person, _person(patient))))
    rows = next(filter(None, (rows_named(table.rows, table.patient, each) for each in names)), [])
    if not rows and (alone or own):
        keys = {_key(each) for each in names}
        like = {row[table.patient] for row in table.rows if _key(row.get(table.patient, "")) in keys}
        rows = rows_named(table.rows, table.patient, like.pop()) if len(like) == 1 else []
    told = [_hospital(row, table) for row in rows]
    if own and any(told):
        rows = [row for row, where in zip(rows, told, strict=True) if not where or spelling(where) == spelling(own)]
        if not rows and alone:
            raise ResiduaError(
                f"{patient.source_id}: the hospital is {own} by its folder or name and {told[0]} in {table.name}; "
                "correct one of them"
            )
    if len(rows) > 1:
        raise ResiduaError(f"{table.name}: {len(rows)} rows of {name} that differ; keep the right one")
    return rows


def _hospital(row: Row, table: ClinicalTable) -> str:
    cell = row.get(table.hospital or "", "")
    return cell if is_known(cell) else ""


def _of_scan(row: Row, patient: FoundPatient, table: ClinicalTable) -> Row:
    """Return the row without what holds for one scan only, if it is the row of a person with several scans."""
    if _key(row.get(table.patient, "")) not in (_key(patient.person), _key(_person(patient))):
        return row
    return {
        column: cell for column, cell in row.items() if column not in (*_ACQUIRED, *_AS_THEY_ARE, *HOURS, *SURVIVAL)
    }


def _taken_twice(table: ClinicalTable, rows_of: Mapping[str, Sequence[Row]], who: Mapping[str, str]) -> list[str]:
    """Return a fault for each row that fits several patients; scans of one person may share the person's row."""
    taken: dict[int, dict[str, str]] = {}
    for source_id, rows in rows_of.items():
        for row in rows:
            taken.setdefault(id(row), {}).setdefault(who[source_id], source_id)
    return [
        f"{table.name}: one row fits {' and '.join(names)}; tell them apart by a column hospital, or by their names"
        for names in map(list, map(dict.values, taken.values()))
        if len(names) > 1
    ]


def _with(patient: FoundPatient, rows: Sequence[Row], hospital: str, table: ClinicalTable) -> FoundPatient:
    row: Row = rows[0] if rows else {}
    remarks = [] if rows else [f"{table.name} has no row of this patient"]
    place = _hospital(row, table) or patient.hospital or hospital
    reason = "" if place else UNKNOWN_HOSPITAL
    clinical = demographics(row.get("age"), row.get("sex", row.get("gender")))
    clinical |= {column: row[column] for column in _AS_THEY_ARE if is_known(row.get(column))} | outcome(row)
    try:
        acquired = next((row[column] for column in _ACQUIRED if is_known(row.get(column))), None)
        if known := interval((row,), acquired, None):
            clinical["hours_since_surgery"] = f"{known.hours:.10g}"
            remarks.append(known.remark)
    except UnreadableCellError as error:
        reason = reason or error.reason
        remarks.append(str(error))
    return replace(
        patient,
        hospital=place or "unknown",
        clinical={**patient.clinical, **clinical},
        exclusion_reason=patient.exclusion_reason or reason,
        remarks=(*patient.remarks, *remarks),
    )


def _remarks(table: ClinicalTable, rows_of: Mapping[str, Sequence[Row]]) -> list[str]:
    without = sum(not rows for rows in rows_of.values())
    used = [row for rows in rows_of.values() for row in rows]
    strangers = {row.get(table.patient, "") for row in table.rows if row not in used}
    read = {table.patient, table.hospital, *_READ}
    unread = list(dict.fromkeys(column for row in table.rows for column in row if column not in read))
    remarks = [f"{table.name}: no row of {without} patient(s)"] if without else []
    remarks += [f"{table.name}: {len(strangers)} patient(s) who have no image here"] if strangers else []
    return remarks + ([f"{table.name}: columns that are not used: {', '.join(unread)}"] if unread else [])
