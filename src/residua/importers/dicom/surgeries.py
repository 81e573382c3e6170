"""Read the table of surgeries and choose the one that a patient's scans belong to."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from residua.cohort.table.lines import MISSING, read_lines
from residua.errors import ResiduaError
from residua.importers.cells import UnreadableCellError, is_known
from residua.importers.dicom.moments import Moment, interval, written
from residua.problems.lists import errors_of

Surgeries = Mapping[str, Sequence[Moment]]
"""The surgeries of each patient identifier in order of time."""


def read_surgeries(table: Path) -> Surgeries:
    """Read the columns ``patient_id`` and ``surgery``; an empty date is not known. Raises ``ResiduaError``."""
    lines, problems = read_lines(str(table), row_of="surgery")
    if damaged := errors_of(problems):
        raise ResiduaError(str(damaged[0]))
    header = [cell.casefold() for cell in lines[0].cells]
    if header.count("patient_id") != 1 or header.count("surgery") != 1:
        raise ResiduaError(f"{table}: needs the columns patient_id and surgery, each once")
    found: dict[str, list[Moment]] = {}
    for line in lines[1:]:
        place = f"{table}: row {line.row}"
        if len(line.cells) != len(header):
            raise ResiduaError(f"{place}: {len(line.cells)} cells under {len(header)} columns; give one per column")
        cells = dict(zip(header, line.cells, strict=True))
        patient, when = unicodedata.normalize("NFC", cells["patient_id"]), cells["surgery"]
        if patient in MISSING:
            raise ResiduaError(f"{place}: no patient_id; give the PatientID of the DICOM files")
        if not is_known(when):
            continue
        try:
            found.setdefault(patient, []).append(written(when))
        except UnreadableCellError as error:
            raise ResiduaError(f"{place}: {error}") from None
    return {patient: _distinct(moments) for patient, moments in found.items()}


def fitting(surgeries: Sequence[Moment], scans: Iterable[Moment], window_hours: float) -> list[Moment]:
    """Return the surgeries that have a scan within the window after them and before the next surgery.

    A scan on the day of surgery, without a time of day, may be such a scan.
    """
    seen = list(scans)
    found = []
    for place, surgery in enumerate(surgeries):
        following = surgeries[place + 1 : place + 2]
        for scan in seen:
            since = interval(surgery, scan)
            before_next = all(interval(following[0], scan).sign <= 0 for _ in following)
            if since.sign >= 0 and since.hours <= window_hours and before_next:
                found.append(surgery)
                break
    return found


def _distinct(moments: Iterable[Moment]) -> list[Moment]:
    """Sort moments; one without a time of day is that of the same day with a time."""
    timed = {moment.day for moment in moments if moment.at}
    return sorted({m for m in moments if m.at or m.day not in timed}, key=lambda moment: moment.order)
