"""Take an edited mask into the cohort table as the reference of a patient, with who and when; or undo that."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from residua.cohort.table.corrections import (
    FOLDER,
    Action,
    Correction,
    correcting,
    logged,
    read_corrections,
)
from residua.cohort.table.editing import EditableTable, editable_table
from residua.errors import ResiduaError
from residua.images import volumes
from residua.problems.problem import Problem
from residua.publishing.publish import digest
from residua.review.edited import edited_mask
from residua.settings.base import REFERENCE_STANDARD
from residua.wiring.loaded import LoadedStudy

_BY_HAND = f"write the path of the corrected mask into its column {REFERENCE_STANDARD}"


@dataclass(frozen=True)
class Signed:
    """Who corrects, and why."""

    by: str
    reason: str


def signed(by: str | None, reason: str | None) -> Signed:
    """Return who corrects and why, each on one line. Raises ``ResiduaError`` where one is missing."""
    texts = {"--by": " ".join((by or "").split()), "--reason": " ".join((reason or "").split())}
    for flag, text in texts.items():
        if not text:
            raise ResiduaError(f"give {flag}: the log of corrections says who changed a reference, when and why")
        if not text.isprintable():
            raise ResiduaError(f"{flag}: holds characters that cannot be printed; write plain text")
    return Signed(texts["--by"], texts["--reason"])


def accept(
    loaded: LoadedStudy, patient: str, edited: Path, who: Signed, may_be_empty: bool = False
) -> tuple[Correction, list[Problem]]:
    """Store an edited mask beside the cohort table and name it there; return the line of the log, and warnings.

    The mask of before stays where it is. When the table or the log cannot be changed, or the mask cannot be used, this
    raises ``ResiduaError`` or ``OSError``, and table, log and masks are as they were.
    """
    path = loaded.study.cohort
    row = _editable(path)
    row.require([patient])
    mask, warnings = edited_mask(loaded.study, loaded.cohort.patients[patient], edited, may_be_empty)
    with correcting(path) as folder:
        table = _editable(path)
        read_corrections(path)
        stored = folder / _new_name(folder, patient)
        try:
            volumes.save(mask, stored)
            before = loaded.cohort.patients[patient].files.get(REFERENCE_STANDARD)
            cell = table.cell(patient, REFERENCE_STANDARD)
            line = _line(patient, "accept", who, f"{FOLDER}/{stored.name}", cell, before, path)
            with logged(path, line):
                table.write({patient: {REFERENCE_STANDARD: line.file}})
        except BaseException:
            stored.unlink(missing_ok=True)
            raise
    return line, warnings


def undo(loaded: LoadedStudy, patient: str, who: Signed) -> Correction:
    """Name the mask of before the last correction in the table again; the corrected mask stays in its folder.

    Raises ``ResiduaError`` when the table names no corrected mask of the patient.
    """
    path = loaded.study.cohort
    _editable(path).require([patient])
    with correcting(path):
        table = _editable(path)
        cell = table.cell(patient, REFERENCE_STANDARD)
        lines = read_corrections(path)
        own = [line for line in lines if line.patient == patient and line.action == "accept" and line.file == cell]
        if not own:
            raise ResiduaError(
                f"patient {patient}: the table names no corrected mask ({cell or 'none'}); nothing to undo"
            )
        before = loaded.cohort.patients[patient].files.get(REFERENCE_STANDARD)
        line = _line(patient, "undo", who, own[-1].previous, cell, before, path)
        with logged(path, line):
            table.write({patient: {REFERENCE_STANDARD: line.file}})
    return line


def _editable(path: str) -> EditableTable:
    return editable_table(path, (REFERENCE_STANDARD,), _BY_HAND)


def _new_name(folder: Path, patient: str) -> str:
    stem = f"{patient}_{REFERENCE_STANDARD}_"
    numbers = [file.name.removeprefix(stem).removesuffix(".nii.gz") for file in folder.glob(f"{stem}*.nii.gz")]
    return f"{stem}{max((int(number) for number in numbers if number.isdigit()), default=0) + 1}.nii.gz"


def _line(
    patient: str, action: Action, who: Signed, file: str, previous: str, before: str | None, table: str
) -> Correction:
    after = Path(os.path.dirname(table), file) if file else None
    return Correction(
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        patient=patient,
        label=REFERENCE_STANDARD,
        action=action,
        by=who.by,
        reason=who.reason,
        file=file,
        sha256=_digest(after),
        previous=previous,
        previous_sha256=_digest(before),
    )


def _digest(file: str | Path | None) -> str:
    return digest(file) if file is not None and Path(file).is_file() else ""
