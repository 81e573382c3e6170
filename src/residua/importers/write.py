"""Write OUT/cohort.tsv, OUT/import.json and OUT/labels/ for all importers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from residua.cohort.table.rows import CohortRow, wrong_cells
from residua.cohort.table.writing import cell_of, tsv_text
from residua.errors import ResiduaError
from residua.importers.found import Found, FoundPatient, Label
from residua.importers.identifiers import hospital_identifiers, safe_identifiers
from residua.importers.labels import derive, in_words, structures
from residua.importers.record import RecordRow, record_of
from residua.publishing.publish import write_json, write_text
from residua.settings.columns import CLINICAL, FILES, REQUIRED, SURVIVAL

Progress = Callable[[int, int], None]
_FIRST = (*REQUIRED, "exclusion_reason", "source_id")
_PERSON = "person"
_ONLY_WITH_CONTENT = ("brain_mask", *CLINICAL)
"""Columns that are omitted when empty for all patients; a study expects the others even when empty."""


def write_into(part: Path, out: Path, found: Found, progress: Progress | None = None) -> None:
    """Write table, record and labels into ``part``, the folder that will become ``out``."""
    _require_patients(found)
    patients = safe_identifiers((patient.source_id for patient in found.patients), "patients")
    hospitals = hospital_identifiers(patient.hospital for patient in found.patients)
    persons = _persons(found.patients)
    rows = []
    for done, patient in enumerate(found.patients, start=1):
        row = _row(patient, patients[patient.source_id], hospitals[patient.hospital], part, out)
        row.cells |= {_PERSON: persons[patient.person]} if patient.person in persons else {}
        rows.append(row)
        if progress is not None:
            progress(done, len(found.patients))
    columns = _columns(rows)
    write_text(part / "cohort.tsv", tsv_text(columns, [row.cells for row in rows]))
    write_json(
        part / "import.json", record_of(found, rows, [c for c in columns if c not in (*_FIRST, _PERSON)], hospitals)
    )


def _require_patients(found: Found) -> None:
    if not found.patients:
        raise ResiduaError(f"no patient found in the layout {found.layout}; give the folder that contains the patients")
    repeated = [name for name, n in Counter(patient.source_id for patient in found.patients).items() if n > 1]
    if repeated:
        raise ResiduaError(f"patient {repeated[0]} was found more than once; give every patient a unique name")


def _persons(patients: Sequence[FoundPatient]) -> dict[str, str]:
    """Return the identifier of each person by name in the source; none if no person has several scans.

    One scan each needs no column: the patient then is the person.
    """
    scans = Counter(patient.person for patient in patients if patient.person)
    return safe_identifiers(scans, "persons") if any(n > 1 for n in scans.values()) else {}


def _row(patient: FoundPatient, identifier: str, hospital: str, part: Path, out: Path) -> RecordRow:
    row = RecordRow(
        {
            "patient": identifier,
            "hospital": hospital,
            "role": "exclude" if patient.exclusion_reason else "auto",
            "exclusion_reason": patient.exclusion_reason,
            "source_id": patient.source_id,
            **{column: cell_of(file, part, out) for column, file in patient.images.items()},
        },
        list(patient.remarks),
    )
    for column, label in patient.labels.items():
        file = _label_file(column, label, part / "labels" / f"{identifier}_{column}.nii.gz", row)
        if file is not None:
            row.cells[column] = cell_of(file, part, out)
    wrong = {str(problem.subject): problem.what for problem in wrong_cells(CohortRow, patient.clinical, ())}
    wrong |= _half(column for column in SURVIVAL if column in patient.clinical and column not in wrong)
    row.cells.update({column: cell for column, cell in patient.clinical.items() if column not in wrong})
    row.remarks += [f"{column} is left empty: {what}" for column, what in wrong.items()]
    return row


def _half(known: Iterable[str]) -> dict[str, str]:
    """Return why survival without death, or death without survival, is left out: a study counts neither and warns."""
    there = set(known)
    return {column: f"{other} is not known" for column in there for other in set(SURVIVAL) - there}


def _label_file(column: str, label: Label, derived: Path, row: RecordRow) -> Path | None:
    """Return the binary label; None, with a remark, if it cannot be derived: the patient then is not annotated."""
    if label.values is None:
        if values := structures(label.file):
            row.several_values.append(column)
            said = f"{label.file.name} contains {in_words(values)}, so it is no binary label"
            row.remarks.append(f"{column}: {said}; give the values of the label with --label {column}=VALUES")
        return label.file
    try:
        row.remarks += derive(label, derived)
    except ResiduaError as error:
        row.remarks.append(f"no label was derived: {error}")
        row.not_derived.append(column)
        return None
    return derived


def _columns(rows: Sequence[RecordRow]) -> tuple[str, ...]:
    used = {column for row in rows for column, cell in row.cells.items() if cell}
    # A study refuses one of these columns without the other.
    used |= set(SURVIVAL) if used & set(SURVIVAL) else set()
    first = [column for column in (*_FIRST, _PERSON) if column in _FIRST or column in used]
    further = sorted(used - {*first, *FILES, *CLINICAL})
    files = [column for column in FILES if column not in _ONLY_WITH_CONTENT]
    return (*first, *files, *further, *(column for column in _ONLY_WITH_CONTENT if column in used))
