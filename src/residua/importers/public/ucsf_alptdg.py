"""UCSF-ALPTDG: 298 patients with two consecutive scans after treatment of a diffuse glioma.

Source: Fields et al., "The University of California San Francisco Adult Longitudinal Post-Treatment Diffuse Glioma MRI
Dataset", Radiology: Artificial Intelligence 6 (2024) e230182, doi:10.1148/ryai.230182; the data:
imagingdatasets.ucsf.edu/dataset/2, doi:10.58078/C21592.

What is documented:
- ``UCSF_POSTOP_GLIOMA_DATASET_FINAL_v1.0/100001/100001_time1_t1ce.nii.gz`` with ``t1``, ``t2``, ``flair``, ``seg`` of
  ``time1`` and ``time2``, and differences of images (``t1ce-t1``, ``flair_subtraction``, …) that are not needed. All on
  one grid of 240x240x155 voxels of 1 mm, brain extracted.
- Labels: 1 necrotic or non-enhancing core, 2 surrounding FLAIR signal change, 3 enhancing tissue, 4 resection cavity.
- The workbook ``UCSF_PostopGlioma_Table S1 ….xlsx``. Sheet ``Clinical Info``: ``SubjectID``, ``Days from 1st surgery/DX
  to 1st scan``, ``Days from 1st scan to 2nd scan``, ``EOR at 1st SX`` (GTR, STR, BX, MRI). Sheet ``UCSF-LPTDG``:
  ``SubjectID``, ``Timepoint``, ``Patient Sex``, ``Patient Age``.

Both scans are after treatment and there is none before surgery, so ``pre_t1ce`` and ``pre_tumor`` stay empty. The first
scan is early post-operative only when the table says GTR or STR, that is a resection, and an interval of 0 to 3 days.
Not verified: the interval's direction (column title and dictionary of the workbook disagree; the title is followed, and
a negative or an impossible interval is taken as not documented), and that no later surgery lies between.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from residua.errors import ResiduaError
from residua.importers.cells import UnreadableCellError, demographics
from residua.importers.found import STRIPPED, Found
from residua.importers.public.records import Records, cell, number
from residua.importers.public.sessions import PublicOptions, PublicSet, Rule, Session, SetImport, session_of
from residua.importers.tree import files_below
from residua.importers.window import judged, late

UCSF_ALPTDG = PublicSet(
    layout="ucsf-alptdg",
    hospital="UCSF",
    folders=r"\d{6}",
    example="100001",
    images=("t1ce", "t1", "flair", "t2"),
    times=("post",),
    remarks=(
        "follow-ups after treatment: only an interval in the clinical table shows that a scan is early post-operative",
        "no scan before surgery",
        STRIPPED,
    ),
    residual=Rule("seg", (3,), others=(1, 2, 4)),
)
_FILE = re.compile(r"\d+_time(\d)_(.+)")
_KINDS = {*UCSF_ALPTDG.images, "seg"}
_FIRST, _SECOND = "1", "2"
_DAYS, _DAYS_BETWEEN = "Days from 1st surgery/DX", "Days from 1st scan to 2nd scan"
_RESECTIONS = ("GTR", "STR")
_POSSIBLE_DAYS = 36525.0
"""A hundred years: dates that are missing in the workbook give longer intervals."""


def find_ucsf_alptdg(root: Path, options: PublicOptions) -> Found:
    """Find the patients below ``root``. Raises ``ResiduaError`` if there are none."""
    importing = SetImport(UCSF_ALPTDG, root, options)
    clinical = importing.tables.find("SubjectID", _DAYS, one_row_each="SubjectID")
    scans = importing.tables.find("SubjectID", "Timepoint", "Patient Age")
    for source_id, folder in importing.tree.patients.items():
        rows = clinical.of(source_id, "SubjectID")
        for point, session in _sessions(importing, folder, options.every_scan).items():
            known, reason, remarks = _demographics(source_id, scans, point), "", tuple[str, ...]()
            try:
                known |= _interval(rows[0], point) if rows else {}
                reason = late(_after_first(rows[0]), options.window) if rows and point == _SECOND else ""
            except UnreadableCellError as error:
                reason, remarks = error.reason, (str(error),)
            importing.add(source_id, {"post": session}, known, remarks, reason)
    return judged(importing.found(), options.window)


def _demographics(source_id: str, scans: Records, point: str) -> dict[str, str]:
    rows = [row for row in scans.of(source_id, "SubjectID") if cell(row, "Timepoint").removesuffix(".0") == point]
    said = [demographics(cell(row, "Patient Age"), cell(row, "Patient Sex")) for row in rows]
    if any(other != said[0] for other in said[1:]):
        raise ResiduaError(f"{scans.file}: {source_id} has several rows of Timepoint {point} that differ; keep one")
    return said[0] if said else {}


def _interval(row: Mapping[str, str], point: str) -> dict[str, str]:
    hours, further = _hours(row), _after_first(row) if point == _SECOND else 0.0
    return {} if hours is None or further is None else {"hours_since_surgery": f"{hours + further:.10g}"}


def _hours(row: Mapping[str, str]) -> float | None:
    """Return the hours from the resection to the first scan; None if they are not documented."""
    hours = _documented(row, _DAYS)
    return hours if cell(row, "EOR at 1st SX").upper() in _RESECTIONS else None


def _after_first(row: Mapping[str, str]) -> float | None:
    """Return the hours from the first scan, and so from treatment at least, to the second; None if not documented."""
    return _documented(row, _DAYS_BETWEEN)


def _documented(row: Mapping[str, str], column: str) -> float | None:
    days = number(row, column)
    return None if days is None or not 0 <= days <= _POSSIBLE_DAYS else days * 24


def _sessions(importing: SetImport, folder: Path, every_scan: bool) -> dict[str, Session | None]:
    """Return the first scan, or each of the scans, by its number; record why every other file is not used."""
    files: dict[str, list[Path]] = {}
    for file in files_below(folder):
        name = file.name.lower()
        match = _FILE.match(name)
        if "subtraction" in name or "t1ce-t1" in name:
            importing.leave(file, "a difference of images")
        elif not match:
            importing.leave(file, "unknown file")
        elif match[1] in (_FIRST, *([_SECOND] if every_scan else [])):
            files.setdefault(match[1], []).append(file)
        else:
            importing.leave(file, "of the second scan")
    sessions = {point: session_of(f"time{point}", of_point, _kind) for point, of_point in sorted(files.items())}
    return {**sessions} if every_scan and sessions else {_FIRST: sessions.get(_FIRST)}


def _kind(name: str) -> str | None:
    match = _FILE.fullmatch(name)
    return match[2] if match and match[2] in _KINDS else None
