"""The commands ``residua import dicom`` (propose) and ``residua import dicom-convert``."""

from __future__ import annotations

import re
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from residua.cohort.table.writing import building
from residua.errors import ResiduaError
from residua.importers.command import AssumeEarly, Deface, EveryScan, Out, Source, WindowHours, deliver
from residua.importers.dicom.convert import convert, found_of
from residua.importers.dicom.masks import draw_labels
from residua.importers.dicom.owners import settle
from residua.importers.dicom.proposal_table import PRIVATE, TABLE, confirmed_series, write_proposals
from residua.importers.dicom.propose import Proposal, propose
from residua.importers.dicom.scan import scan
from residua.importers.dicom.structures import with_structures
from residua.importers.dicom.surgeries import Surgeries, read_surgeries
from residua.importers.found import Found
from residua.importers.window import Window, judged
from residua.settings.base import IDENTIFIER
from residua.terminal import plain_console

_WINDOW_HOURS = Window().hours
_SHOWN = 3
SurgeryDates = Annotated[
    Path | None, typer.Option(help="Table with the columns patient_id and surgery (2020-01-31 14:30).")
]
HospitalCode = Annotated[str, typer.Option(help="Code of the hospital; patients become CODE001, CODE002, ….")]

Tumour = Annotated[
    list[str] | None,
    typer.Option(help="Name or number of a segment (SEG) or ROI (RTSTRUCT) that is tumour; repeatable."),
]


def dicom(
    source: Source,
    out: Out,
    hospital: HospitalCode,
    surgery_dates: SurgeryDates = None,
    window_hours: WindowHours = _WINDOW_HOURS,
    every_scan: EveryScan = False,
    tumour: Tumour = None,
) -> None:
    """Import a PACS export, step 1: propose a column for each series; a person confirms the table."""
    if not re.fullmatch(IDENTIFIER, hospital) or hospital[-1].isdigit():
        raise ResiduaError(f"{hospital!r} is not a hospital code: use letters and digits, ending in a letter")
    if not source.is_dir():
        raise ResiduaError(f"{source}: no such folder; give the folder with the data")
    surgeries = read_surgeries(surgery_dates) if surgery_dates else {}
    with plain_console(stderr=True).status("Reading headers") as shown, building(out) as part:
        found = scan(source, lambda files: shown.update(f"Read {files} headers"))
        if not found.series:
            lines = _unused(found.left)
            raise ResiduaError(
                "\n".join([f"{source}: contains no DICOM series; give the folder of the export", *lines])
            )
        proposals = propose(settle(found, hospital), surgeries, window_hours, every_scan)
        proposals = with_structures(proposals, tumour or ())
        write_proposals(part, proposals, source, found.left)
    for line in (*_summary(proposals, surgeries if surgery_dates else None), *_unused(found.left)):
        typer.echo(line)
    typer.echo(f"{out / TABLE}: inspect each proposed series, correct its column, and write yes or no under confirmed")
    typer.echo(f"{out / PRIVATE}: identifies the patients; keep it separate and do not share it", err=True)


def _summary(proposals: Sequence[Proposal], surgeries: Surgeries | None) -> list[str]:
    """Return the lines printed after a proposal: counts, questions, refused series, surgeries without a patient."""
    series = list({id(proposal.series): proposal.series for proposal in proposals}.values())
    patients = {each.patient_id: each.place[0] for each in series}
    proposed = sum(bool(proposal.column) for proposal in proposals)
    lines = [f"{len(patients)} patients, {len(series)} series, {proposed} proposed for a column"]
    refused = [each for each in series if each.fault and each.fault == each.refusal]
    lines += [f"{each.named}: not proposed: {each.fault}" for each in refused]
    if asked := sum(proposal.asks for proposal in proposals):
        lines.append(f"{asked} series raise a question under reasons: answer it by the column that you write")
    lines += list(_without_label(proposals))
    if surgeries is not None:
        without = [name for patient_id, name in patients.items() if patient_id not in surgeries]
        if without:
            lines.append(f"no surgery given for {len(without)} of {len(patients)} patients: {_few(without)}")
        if unknown := len(set(surgeries) - set(patients)):
            lines.append(f"{unknown} patient(s) of the table of surgeries are not in the export: compare patient_id")
    return lines


def _without_label(proposals: Sequence[Proposal]) -> Iterator[str]:
    """Yield a line for each patient who has annotations of which no structure is proposed, with the reasons."""
    patients: dict[str, dict[tuple[int, int], list[Proposal]]] = defaultdict(lambda: defaultdict(list))
    for proposal in proposals:
        if proposal.structure:
            patient, *series = proposal.series.place
            patients[patient][series[0], series[1]].append(proposal)
    for patient, of_patient in patients.items():
        lacking = [
            f"study {study}, series {number}: {'; '.join(dict.fromkeys(each.reasons[-1] for each in of))}"
            for (study, number), of in of_patient.items()
            if not any(each.column for each in of)
        ]
        if lacking:
            yield f"patient {patient}: no label is proposed from {' | '.join(lacking)}"


def _unused(left: Mapping[str, str]) -> list[str]:
    names: dict[str, list[str]] = defaultdict(list)
    for name, reason in left.items():
        names[reason].append(name.encode("utf-8", "replace").decode())
    return [f"{len(files)} file(s) not used: {reason}: {_few(files)}" for reason, files in names.items()]


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")


def dicom_convert(
    source: Annotated[Path, typer.Argument(help="Folder with the confirmed proposal.")],
    out: Out,
    window_hours: WindowHours = _WINDOW_HOURS,
    assume_early: AssumeEarly = False,
    deface: Deface = False,
) -> None:
    """Import a PACS export, step 2: convert the confirmed series without patient identity."""
    place, confirmed, patients = confirmed_series(source)
    series, structures = ([each for each in confirmed if bool(each["drawn"]) is drawn] for drawn in (False, True))
    # Converted series stay in the private folder until the cohort is written, so that a stopped one can continue.
    kept = source / PRIVATE / "converted"

    def find(part: Path) -> Found:
        images = part / "images"
        convert(place, series, kept, images, lambda n, of: typer.echo(f"Converted {n} of {of} series", err=True))
        labels, undrawn = draw_labels(place, structures, series, images, part / "labels")
        found = replace(found_of(series, labels, patients, images), remarks=tuple(undrawn))
        return judged(found, Window(window_hours, assume_early))

    deliver(source, out, find, within=None, deface=deface)
    shutil.rmtree(kept, ignore_errors=True)
