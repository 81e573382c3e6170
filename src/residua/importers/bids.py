"""BIDS data sets with a session before and one or several after surgery.

Source: the Brain Imaging Data Structure, bids-specification.readthedocs.io: raw anatomical images (entities ``ce``,
``acq``, ``run``), masks and discrete segmentations among the derivatives (entities ``label``, ``desc``, ``space``),
``participants.tsv``, ``sub-X_sessions.tsv``, ``…_scans.tsv`` with ``acq_time``, JSON sidecars.

``T1w`` with a ``ce`` entity is T1w with contrast agent, ``T1w`` without is native. Masks must be in the space of their
image: a mask with a ``space`` such as MNI is not used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from residua.errors import ResiduaError
from residua.importers.bids_columns import BidsOptions, column_of, preferred, scan_of
from residua.importers.bids_images import BidsImage, read_images, scanner, unnamed
from residua.importers.bids_tables import (
    Row,
    TimeSinceSurgery,
    hospital_column,
    interval,
    only_row,
    person_of,
    read_rows,
    rows_named,
)
from residua.importers.candidates import by_scan, patient_of
from residua.importers.cells import UnreadableCellError, demographics, is_known, outcome
from residua.importers.contrast import QUESTION
from residua.importers.found import Found, FoundPatient
from residua.settings.columns import GRADED

LAYOUT = "bids"


@dataclass(frozen=True)
class _File:
    """An image, and its column; None: it is not used, for the reason ``why``."""

    image: BidsImage
    column: str | None
    why: str


def find_bids(root: Path, options: BidsOptions) -> Found:
    """Find the participants of a data set. Raises ``ResiduaError`` if it is not BIDS or lacks sessions or hospitals."""
    images = read_images(root)
    people = read_rows(root / "participants.tsv")
    column = hospital_column(people, options.hospital_column)
    if column is None and not options.hospital:
        raise ResiduaError(
            f"{root}: participants.tsv has no column hospital or site; "
            "name it with --hospital-column, or give --hospital"
        )
    left = dict.fromkeys(unnamed(root, images), "not a BIDS file name")
    files: dict[str, list[_File]] = {}
    for image in images:
        file = _File(image, *column_of(image, options))
        files.setdefault(f"sub-{image.entities['sub']}", []).append(file)
        if file.column is None:
            left[image.name] = file.why
    if not any(file.column for of_subject in files.values() for file in of_subject):
        raise ResiduaError(_nothing(root, images))
    patients = _patients(root, files, people, column, options)
    return Found(LAYOUT, tuple(patients), left, (*_absent(people, files), *_doubtful(left)))


def _patients(
    root: Path,
    files: Mapping[str, Sequence[_File]],
    people: tuple[Row, ...],
    column: str | None,
    options: BidsOptions,
) -> list[FoundPatient]:
    """Return the patients. Raises ``ResiduaError`` with everything that is wrong with any of them."""
    if people and not any("participant_id" in row for row in people):
        raise ResiduaError(f"{root}: participants.tsv has no column participant_id; add or rename it")
    patients, faults = [], []
    for subject, of_subject in sorted(files.items()):
        scans = by_scan(of_subject, lambda file: scan_of(file.image, options))
        for scan, of_scan in scans.items():
            after = sorted((f for f in of_scan if (f.column or "").startswith("post_")), key=lambda f: f.column or "")
            session = after[0].image.entities["ses"] if after else scan.removeprefix("ses-")
            try:
                row = person_of(people, subject, session, len(scans) > 1)
                patients.append(_patient(root, subject, scan, of_scan, row, column, options))
            except ResiduaError as error:
                faults.append(str(error))
    if faults:
        raise ResiduaError("\n".join(dict.fromkeys(faults)))
    return patients


def _patient(
    root: Path,
    subject: str,
    scan: str,
    files: Sequence[_File],
    row: Row,
    column: str | None,
    options: BidsOptions,
) -> FoundPatient:
    of_column: dict[str, list[BidsImage]] = {}
    for file in files:
        if file.column:
            of_column.setdefault(file.column, []).append(file.image)
    left = [file.why for file in files if file.column is None]
    chosen = {name: preferred(images, options.prefer) for name, images in of_column.items()}
    cell = row.get(column or "", "")
    hospital = cell if is_known(cell) else options.hospital
    clinical = demographics(row.get("age"), row.get("sex", row.get("gender")))
    clinical |= {column: row[column] for column in GRADED if is_known(row.get(column))} | outcome(row)
    remarks, reason = [why for why in left if why.startswith(QUESTION)], ""
    reference = chosen.get("post_t1ce", [])
    if len(reference) == 1:
        clinical |= scanner(reference[0].metadata())
        try:
            if known := _interval(root, subject, reference[0], row, options):
                clinical["hours_since_surgery"] = f"{known.hours:.10g}"
                remarks.append(known.remark)
        except UnreadableCellError as error:
            reason = error.reason
            remarks.append(str(error))
    candidates = {name: [image.path for image in images] for name, images in chosen.items()}
    name, person = f"{subject}_{scan}" if scan else subject, subject if options.every_scan else ""
    patient = patient_of(
        name, hospital or "unknown", candidates, options.rules, clinical, remarks, left=left, person=person
    )
    reason = reason if hospital else "the hospital is not known"
    return replace(patient, exclusion_reason=reason) if reason else patient


def _interval(root: Path, subject: str, image: BidsImage, row: Row, options: BidsOptions) -> TimeSinceSurgery | None:
    """Return the hours from surgery to the scan of ``image``, by its own time or else its session's."""
    name = f"ses-{image.entities['ses']}"
    sessions = f"{subject}/{subject}_sessions.tsv"
    session = only_row(rows_named(read_rows(root / sessions), "session_id", name), f"{sessions}: {name}")
    scans = read_rows(root / subject / name / f"{subject}_{name}_scans.tsv")
    own = [scan for scan in scans if image.name.endswith(f"/{scan.get('filename')}")]
    different = [scan for number, scan in enumerate(own) if scan not in own[:number]]
    scan = only_row(different, f"{subject}_{name}_scans.tsv: {image.path.name}")
    acquired = next(filter(is_known, (scan.get("acq_time"), session.get("acq_time"))), None)
    return interval((session, row), acquired, options.surgery_column)


def _nothing(root: Path, images: Iterable[BidsImage]) -> str:
    sessions = sorted({image.entities["ses"] for image in images if "ses" in image.entities})
    if not sessions:
        return f"{root}: no file name has a session; add sessions such as ses-preop and ses-postop"
    there = ", ".join(sessions)
    return (
        f"{root}: no session has a usual name such as preop or postop; the sessions are {there}: "
        "name yours with --preop-session and --postop-session"
    )


def _doubtful(left: Mapping[str, str]) -> tuple[str, ...]:
    n = sum(why.startswith(QUESTION) for why in left.values())
    remark = f"{n} T1w image(s) with or without contrast agent? They are not used; import.json says why. "
    return (remark + "Answer with --contrast acq-gd or --native acq-gd (any entity), or correct ce",) if n else ()


def _absent(people: Iterable[Row], files: Iterable[str]) -> tuple[str, ...]:
    listed = {row.get("participant_id", "").rpartition("-")[2] for row in people}
    absent = listed - {subject.removeprefix("sub-") for subject in files}
    return (f"{len(absent)} participant(s) of participants.tsv have no image",) if absent else ()
