"""BIDS data sets with one session before and one after surgery.

Source: the Brain Imaging Data Structure, bids-specification.readthedocs.io: raw anatomical images (entities ``ce``,
``acq``, ``run``), masks and discrete segmentations among the derivatives (entities ``label``, ``desc``, ``space``),
``participants.tsv``, ``sub-X_sessions.tsv``, ``…_scans.tsv`` with ``acq_time``, JSON sidecars.

``T1w`` with a ``ce`` entity is T1w with contrast agent, ``T1w`` without is native. Masks must be in the space of their
image: a mask with a ``space`` such as MNI is not used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from residua.errors import ResiduaError
from residua.importers.bids_columns import BidsOptions, column_of, preferred
from residua.importers.bids_images import BidsImage, read_images, scanner, unnamed
from residua.importers.bids_tables import (
    Row,
    TimeSinceSurgery,
    demographics,
    hospital_column,
    interval,
    read_rows,
    row_of,
)
from residua.importers.candidates import patient_of
from residua.importers.found import Found, FoundPatient

LAYOUT = "bids"


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
    files: dict[str, dict[str, list[BidsImage]]] = {f"sub-{image.entities['sub']}": {} for image in images}
    for image in images:
        meant, why = column_of(image, options)
        if meant is None:
            left[image.name] = why
        else:
            files[f"sub-{image.entities['sub']}"].setdefault(meant, []).append(image)
    if not any(files.values()):
        raise ResiduaError(_nothing(root, images))
    patients = [
        _patient(root, subject, of_column, row_of(people, "participant_id", subject), column, options)
        for subject, of_column in sorted(files.items())
    ]
    return Found(LAYOUT, tuple(patients), left, _absent(people, files))


def _patient(
    root: Path,
    subject: str,
    of_column: Mapping[str, list[BidsImage]],
    row: Row,
    column: str | None,
    options: BidsOptions,
) -> FoundPatient:
    chosen = {name: preferred(images, options.prefer) for name, images in of_column.items()}
    hospital = row.get(column or "", options.hospital)
    clinical, remarks = demographics(row), []
    reference = chosen.get("post_t1ce", [])
    if len(reference) == 1:
        clinical |= scanner(reference[0].metadata())
        if known := _interval(root, subject, reference[0], row, options):
            clinical["hours_since_surgery"] = f"{known.hours:g}"
            remarks.append(known.remark)
    candidates = {name: [image.path for image in images] for name, images in chosen.items()}
    patient = patient_of(subject, hospital or "unknown", candidates, options.rules, clinical, remarks)
    return patient if hospital else replace(patient, exclusion_reason="the hospital is not known")


def _interval(root: Path, subject: str, image: BidsImage, row: Row, options: BidsOptions) -> TimeSinceSurgery | None:
    """Return the hours from surgery to the scan of ``image``, by its own time or else its session's."""
    name = f"ses-{image.entities['ses']}"
    session = row_of(read_rows(root / subject / f"{subject}_sessions.tsv"), "session_id", name)
    scans = read_rows(root / subject / name / f"{subject}_{name}_scans.tsv")
    scan = next((scan for scan in scans if image.name.endswith(f"/{scan.get('filename')}")), {})
    acquired = scan.get("acq_time", session.get("acq_time"))
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


def _absent(people: Iterable[Row], files: Mapping[str, Any]) -> tuple[str, ...]:
    listed = {row.get("participant_id", "").rpartition("-")[2] for row in people}
    absent = listed - {subject.removeprefix("sub-") for subject in files}
    return (f"{len(absent)} participant(s) of participants.tsv have no image",) if absent else ()
