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
    Path | None, typer.Option(help="A table with the columns patient_id and surgery (2020-01-31 14:30).")
]
HospitalCode = Annotated[str, typer.Option(help="Code of the hospital; patients become CODE001, CODE002, ….")]


def dicom(
    source: Source,
    out: Out,
    hospital: HospitalCode,
    surgery_dates: Surgeries = None,
    window_hours: WindowHours = _WINDOW_HOURS,
) -> None:
    """A PACS export, first step: propose which series is what; a person confirms it in the table."""
    from rich.console import Console

    if not re.fullmatch(IDENTIFIER, hospital) or hospital[-1].isdigit():
        raise ResiduaError(f"{hospital!r} is no code of a hospital: use letters and digits, a letter last")
    if not source.is_dir():
        raise ResiduaError(f"{source}: no such folder; give the folder with the data")
    surgeries = _surgeries(surgery_dates) if surgery_dates else {}
    with Console(stderr=True).status("Reading headers") as shown, building(out) as part:
        series, left = scan(source, lambda files: shown.update(f"Read {files} headers"))
        if not series:
            raise ResiduaError(f"{source}: no DICOM series was found")
        proposals = propose(series, surgeries, window_hours)
        write_proposals(part, proposals, hospital, source)
    patients = len({each.patient_id for each in series})
    proposed = sum(bool(proposal.column) for proposal in proposals)
    typer.echo(f"{patients} patients, {len(series)} series, {proposed} proposed for a column")
    for reason, number in Counter(left.values()).most_common():
        typer.echo(f"left: {number} file(s): {reason}")
    typer.echo(f"{out / TABLE}: see each proposed series, correct its column, and write yes or no under confirmed")
    typer.echo(f"{out / PRIVATE}: says who the patients are; keep it apart and give it to nobody", err=True)


def dicom_convert(
    source: Annotated[Path, typer.Argument(help="The folder with the confirmed proposal.")],
    out: Out,
    window_hours: WindowHours = _WINDOW_HOURS,
    assume_early: AssumeEarly = False,
) -> None:
    """A PACS export, second step: convert the confirmed series; identity is left behind."""
    place, series = confirmed_series(source)
    # What is converted stays in the private folder until all is done: a killed conversion goes on.
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
    found = {}
    for line in lines[1:]:
        cells = dict(zip(header, line.cells, strict=False))
        found[cells.get("patient_id", "")] = _moment(cells.get("surgery", ""), f"{table}: row {line.row}")
    return found


def _moment(text: str, place: str) -> datetime:
    for form in _TIMES:
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    raise ResiduaError(f"{place}: {text!r} is no date; write it as 2020-01-31 14:30")
