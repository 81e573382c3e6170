"""MU-Glioma-Post: 203 patients of the University of Missouri with one to six scans after treatment of a glioma.

Source: the collection's page in The Cancer Imaging Archive, "MU-Glioma-Post" (2025), doi:10.7937/7K9K-3C83.

What is documented:
- ``MU-Glioma-Post/PatientID_0003/Timepoint_1/PatientID_0003_Timepoint_1_brain_t1c.nii.gz`` with ``brain_t1n``,
  ``brain_t2f`` (FLAIR), ``brain_t2w`` and ``tumorMask``; numbers of time points may have gaps, and some masks are
  missing. Registered to the SRI24 atlas, 1 mm, brain extracted, intensities as scanned.
- Labels, by a network and refined by neuroradiologists: 1 necrotic or non-enhancing core, 2 surrounding FLAIR signal
  change, 3 enhancing tumour, 4 resection cavity.
- The workbook ``MU-Glioma-Post_ClinicalData-July2025.xlsx``, sheet ``MU Glioma Post``: ``Patient_ID``, ``Sex at
  Birth``, ``Age at diagnosis``, ``Number of days from Diagnosis to First surgery or procedure``, ``Number of Days from
  Diagnosis to 1st MRI (Timepoint_1)`` and so on.

All scans are after treatment and there is none before surgery, so ``pre_t1ce`` and ``pre_tumor`` stay empty. The scan
used is the first one on or after the day of surgery; it is early post-operative when both days are known and at most
three apart, and ``hours_since_surgery`` is that many whole days in hours.
Not verified: that the "first surgery or procedure" was a resection (a biopsy counts as a procedure), and that no second
surgery lies between it and the scan.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from residua.importers.cells import UnreadableCellError, demographics
from residua.importers.found import STRIPPED, Found
from residua.importers.public.records import cell, number
from residua.importers.public.sessions import PublicOptions, PublicSet, Rule, Session, SetImport, session_of
from residua.importers.tree import entries, files_below
from residua.importers.window import judged

MU_GLIOMA_POST = PublicSet(
    layout="mu-glioma-post",
    hospital="MU",
    folders=r"PatientID_\d{4}",
    example="PatientID_0003",
    images=("t1ce", "t1", "flair", "t2"),
    times=("post",),
    remarks=(
        "follow-ups after treatment: only the days in the clinical table show that a scan is early post-operative",
        "no scan before surgery",
        STRIPPED,
    ),
    residual=Rule("tumormask", (3,), others=(1, 2, 4)),
)
_KINDS = {"t1c": "t1ce", "t1n": "t1", "t2f": "flair", "t2w": "t2", "tumormask": "tumormask"}
_TIMEPOINT = re.compile(r"timepoint_?(\d+)", re.IGNORECASE)
_SURGERY = "Number of days from Diagnosis to First surgery"
_SCAN = re.compile(r"number of days from diagnosis to .*mri.*timepoint_?(\d+)")


def find_mu_glioma_post(root: Path, options: PublicOptions) -> Found:
    """Find the patients below ``root``. Raises ``ResiduaError`` if there are none."""
    importing = SetImport(MU_GLIOMA_POST, root, options)
    clinical = importing.tables.find("Patient_ID", _SURGERY, one_row_each="Patient_ID")
    for source_id, folder in importing.tree.patients.items():
        rows = clinical.of(source_id, "Patient_ID")
        row: Mapping[str, str] = rows[0] if rows else {}
        known = demographics(cell(row, "Age at diagnosis"), cell(row, "Sex at Birth"))
        for scan in _scans(importing, folder, row, options.every_scan):
            reason, remarks, hours = "", tuple[str, ...](), dict[str, str]()
            if isinstance(scan.hours, UnreadableCellError):
                reason, remarks = scan.hours.reason, (str(scan.hours),)
            elif scan.hours is not None:
                hours = {"hours_since_surgery": f"{scan.hours:.10g}"}
            importing.add(source_id, {"post": scan.session}, known | hours, remarks, reason)
    return judged(importing.found(), options.window)


@dataclass(frozen=True)
class _Scan:
    """A scan that is used, if there is one, and its hours after surgery, if known."""

    session: Session | None = None
    hours: float | UnreadableCellError | None = None


def _hours(row: Mapping[str, str], point: int) -> float | UnreadableCellError | None:
    """Return the hours from surgery to a scan, negative before surgery; None if a day is not known."""
    title = next((name for name in row if (match := _SCAN.match(name)) and int(match[1]) == point), None)
    try:
        day, surgery = number(row, title) if title else None, number(row, _SURGERY)
    except UnreadableCellError as error:
        return error
    return None if day is None or surgery is None else (day - surgery) * 24


def _scans(importing: SetImport, folder: Path, row: Mapping[str, str], every_scan: bool) -> list[_Scan]:
    """Return the first scan that is not before surgery, or all; record why every other entry is not used."""
    scans: list[_Scan] = []
    points = {entry: int(match[1]) for entry in entries(folder) if (match := _TIMEPOINT.fullmatch(entry.name))}
    for entry in sorted(points, key=points.__getitem__):
        hours = _hours(row, points[entry])
        if scans and not every_scan:
            importing.leave(entry, "a later scan")
        elif isinstance(hours, float) and hours < 0:
            importing.leave(entry, "before surgery by the clinical table")
        else:
            scans.append(_Scan(session_of(entry.name, files_below(entry), _kind), hours))
    for entry in entries(folder):
        if entry not in points:
            importing.leave(entry, "unknown file or folder")
    return scans or [_Scan()]


def _kind(name: str) -> str | None:
    return _KINDS.get(name.rpartition("_")[2])
