"""The commands ``residua import dicom`` (propose) and ``residua import dicom-convert``."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from residua.cohort.table.lines import read_lines
from residua.errors import ResiduaError
from residua.importers.command import AssumeEarly, Out, Source, WindowHours, deliver
from residua.importers.dicom.convert import convert, found_of, image_of
from residua.importers.dicom.proposal_table import PRIVATE, TABLE, confirmed_series, write_proposals
from residua.importers.dicom.propose import propose
from residua.importers.dicom.scan import scan
from residua.importers.found import Found
from residua.importers.window import Window, judged
from residua.importers.write import building
from residua.settings.base import IDENTIFIER

_WINDOW_HOURS = Window().hours
_TIMES = ("%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d", "%Y%m%d")
Surgeries = Annotated[
    Path | None, typer.Option(help="Table with the columns patient_id and surgery (2020-01-31 14:30).")
]
HospitalCode = Annotated[str, typer.Option(help="Code of the hospital; patients become CODE001, CODE002, ….")]


def dicom(
    source: Source,
    out: Out,
    hospital: HospitalCode,
    surgery_dates: Surgeries = None,
    window_hours: WindowHours = _WINDOW_HOURS,
) -> None:
    """Import a PACS export, step 1: propose a column for each series; a person confirms the table."""
    from rich.console import Console

    if not re.fullmatch(IDENTIFIER, hospital) or hospital[-1].isdigit():
        raise ResiduaError(f"{hospital!r} is not a hospital code: use letters and digits, ending in a letter")
    if not source.is_dir():
        raise ResiduaError(f"{source}: no such folder; give the folder with the data")
    surgeries = _surgeries(surgery_dates) if surgery_dates else {}
    with Console(stderr=True).status("Reading headers") as shown, building(out) as part:
        series, left = scan(source, lambda files: shown.update(f"Read {files} headers"))
        if not series:
            raise ResiduaError(f"{source}: contains no DICOM series; give the folder of the export")
        proposals = propose(series, surgeries, window_hours)
        write_proposals(part, proposals, hospital, source)
    patients = len({each.patient_id for each in series})
    proposed = sum(bool(proposal.column) for proposal in proposals)
    typer.echo(f"{patients} patients, {len(series)} series, {proposed} proposed for a column")
    for reason, number in Counter(left.values()).most_common():
        typer.echo(f"{number} file(s) not used: {reason}")
    typer.echo(f"{out / TABLE}: inspect each proposed series, correct its column, and write yes or no under confirmed")
    typer.echo(f"{out / PRIVATE}: identifies the patients; keep it separate and do not share it", err=True)


def dicom_convert(
    source: Annotated[Path, typer.Argument(help="Folder with the confirmed proposal.")],
    out: Out,
    window_hours: WindowHours = _WINDOW_HOURS,
    assume_early: AssumeEarly = False,
) -> None:
    """Import a PACS export, step 2: convert the confirmed series without patient identity."""
    place, series = confirmed_series(source)
    # Converted series stay in the private folder until all are done, so that a killed conversion can continue.
    kept = source / PRIVATE / "converted"

    def find(part: Path) -> Found:
        convert(place, series, kept, lambda n, all_of: typer.echo(f"Converted {n} of {all_of} series", err=True))
        for record in series:
            target = part / "images" / image_of(record)
            target.parent.mkdir(parents=True, exist_ok=True)
            (kept / image_of(record)).replace(target)
        return judged(found_of(series, part / "images"), Window(window_hours, assume_early))

    deliver(source, out, find, within=None)


def _surgeries(table: Path) -> dict[str, datetime]:
    lines, problems = read_lines(str(table))
    if problems:
        raise ResiduaError(str(problems[0]))
    header = lines[0].cells
    if not {"patient_id", "surgery"} <= set(header):
        raise ResiduaError(f"{table}: needs the columns patient_id and surgery")
    surgeries = {}
    for line in lines[1:]:
        cells = dict(zip(header, line.cells, strict=False))
        surgeries[cells.get("patient_id", "")] = _moment(cells.get("surgery", ""), f"{table}: row {line.row}")
    return surgeries


def _moment(text: str, place: str) -> datetime:
    for form in _TIMES:
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    raise ResiduaError(f"{place}: {text!r} is not a date; write it as 2020-01-31 14:30")
