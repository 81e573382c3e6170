"""The commands of the general layouts and their options."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from residua.errors import ResiduaError
from residua.importers import brats as brats_layout
from residua.importers.clinical_table import ClinicalTable, gives_hospitals, joined, read_clinical
from residua.importers.command import (
    AssumeEarly,
    ClinicalFile,
    Deface,
    EveryScan,
    Hospital,
    HospitalColumn,
    Labels,
    Out,
    PatientColumn,
    Source,
    WindowHours,
    deliver,
)
from residua.importers.found import Found
from residua.importers.labels import parse_rules
from residua.importers.window import Window, judged

Several = list[str] | None
Preop = Annotated[Several, typer.Option(help="Session before surgery, instead of the usual names; repeatable.")]
Postop = Annotated[Several, typer.Option(help="Session after surgery, instead of the usual names; repeatable.")]
Prefer = Annotated[Several, typer.Option(help="Entity that selects among several files: acq-mprage; repeatable.")]
Contrast = Annotated[Several, typer.Option(help="Entity of doubtful T1w that have contrast agent: acq-gd; repeatable.")]
Native = Annotated[Several, typer.Option(help="Entity of doubtful T1w that have no contrast agent; repeatable.")]
Release = Annotated[
    brats_layout.Release | None, typer.Option(help="Release of the label values; default: by file name.")
]

BratsHospital = Annotated[
    str, typer.Option(help="Hospital of all patients; default: BRATS, and none beside a --table of hospitals.")
]


def bids(
    source: Source,
    out: Out,
    preop_session: Preop = None,
    postop_session: Postop = None,
    column: Annotated[Several, typer.Option(help="Additional column and its suffix: post_t2=T2w; repeatable.")] = None,
    mask: Annotated[Several, typer.Option(help="Column and the label or desc of its masks; repeatable.")] = None,
    label: Labels = None,
    run: Annotated[int | None, typer.Option(min=0, help="Run to use if there are several.")] = None,
    prefer: Prefer = None,
    contrast: Contrast = None,
    native: Native = None,
    hospital_column: Annotated[str | None, typer.Option(help="Column of participants.tsv with the hospital.")] = None,
    hospital: Hospital = "",
    surgery_column: Annotated[str | None, typer.Option(help="Column with the date of surgery.")] = None,
    window_hours: WindowHours = 72.0,
    assume_early: AssumeEarly = False,
    every_scan: EveryScan = False,
    deface: Deface = False,
) -> None:
    """Import a BIDS data set with a session before and one or several after surgery."""
    from residua.importers.bids import find_bids
    from residua.importers.bids_columns import BidsOptions, Time

    given: list[tuple[Time, Several]] = [("pre", preop_session), ("post", postop_session)]
    options = BidsOptions(
        sessions={time: tuple(names) for time, names in given if names},
        columns=_pairs("--column", column),
        masks=_pairs("--mask", mask),
        rules=parse_rules(label or []),
        prefer=(*(prefer or []), *([] if run is None else [f"run-{run}"])),
        hospital=hospital,
        hospital_column=hospital_column,
        surgery_column=surgery_column,
        contrast=tuple(contrast or ()),
        native=tuple(native or ()),
        every_scan=every_scan,
    )
    window = Window(window_hours, assume_early)
    deliver(source, out, lambda part: judged(find_bids(source, options), window), within="derivatives", deface=deface)


def folders(
    source: Source,
    out: Out,
    pattern: Annotated[
        list[str], typer.Option(help="Path pattern: '{hospital}/{patient}/{column}.nii.gz'; repeatable.")
    ],
    map_: Annotated[
        Several, typer.Option("--map", "--name", help="Column of a sequence: post_t1ce=T1_GD; repeatable.")
    ] = None,
    column: Annotated[Several, typer.Option(help="Additional column that {column} may match; repeatable.")] = None,
    label: Labels = None,
    hospital: Hospital = "",
    table: ClinicalFile = None,
    patient_column: PatientColumn = None,
    hospital_column: HospitalColumn = None,
    window_hours: WindowHours = 72.0,
    assume_early: AssumeEarly = False,
    every_scan: EveryScan = False,
    deface: Deface = False,
) -> None:
    """Import folders of any layout, described by a path pattern."""
    from residua.importers.folders import FolderOptions, find_folders, parse_columns
    from residua.importers.pattern import Pattern

    clinical = read_clinical(table, patient_column, hospital_column)
    options = FolderOptions(
        patterns=tuple(Pattern(text) for text in pattern),
        columns=parse_columns(map_ or []),
        rules=parse_rules(label or []),
        hospital=hospital,
        further=tuple(column or ()),
        in_table=gives_hospitals(clinical),
        every_scan=every_scan,
    )
    early = Window(window_hours, assume_early)
    _deliver(source, out, lambda: find_folders(source, options), clinical, hospital, early, deface)


def brats(
    source: Source,
    out: Out,
    post_timepoint: Annotated[
        int | None, typer.Option(min=0, help="Post-operative scan; default: the first from 100 on.")
    ] = None,
    preoperative_as_post: Annotated[
        bool,
        typer.Option("--preoperative-as-post", help="Use a --post-timepoint that BraTS documents as before surgery."),
    ] = False,
    pre_timepoint: Annotated[int | None, typer.Option(min=0, help="Pre-operative scan; default: none.")] = None,
    release: Release = None,
    column: Annotated[Several, typer.Option(help="Additional column, such as post_t2; repeatable.")] = None,
    label: Labels = None,
    hospital: BratsHospital = "",
    table: ClinicalFile = None,
    patient_column: PatientColumn = None,
    hospital_column: HospitalColumn = None,
    window_hours: WindowHours = 72.0,
    assume_early: AssumeEarly = False,
    every_scan: EveryScan = False,
    deface: Deface = False,
) -> None:
    """Import cases with the file names of the BraTS challenges."""
    clinical = read_clinical(table, patient_column, hospital_column)
    options = brats_layout.BratsOptions(
        post=post_timepoint,
        preoperative_as_post=preoperative_as_post,
        pre=pre_timepoint,
        release=release,
        rules=parse_rules(label or []),
        hospital=hospital or _default_of_brats(clinical),
        columns=tuple(column or ()),
        in_table=gives_hospitals(clinical),
        every_scan=every_scan,
    )
    if assume_early:
        brats_layout.require_after_surgery(options)
    early = Window(window_hours, assume_early)
    _deliver(source, out, lambda: brats_layout.find_brats(source, options), clinical, options.hospital, early, deface)


def _default_of_brats(table: ClinicalTable | None) -> str:
    # Beside a table of hospitals, a default would be a hospital of its own of all whom the table does not place.
    return "" if gives_hospitals(table) else brats_layout.HOSPITAL


def nnunet(
    source: Source,
    out: Out,
    channel: Annotated[Several, typer.Option(help="Column of a channel: 0=post_t1ce; repeatable.")] = None,
    label: Labels = None,
    hospital: Hospital = "",
    case: Annotated[
        str | None, typer.Option(help="Pattern of case names with the hospital: '{hospital}_{patient}'.")
    ] = None,
    table: ClinicalFile = None,
    patient_column: PatientColumn = None,
    hospital_column: HospitalColumn = None,
    window_hours: WindowHours = 72.0,
    assume_early: AssumeEarly = False,
    deface: Deface = False,
) -> None:
    """Import a raw data set of nnU-Net: imagesTr, labelsTr and dataset.json."""
    from residua.importers.nnunet_raw import NnUNetOptions, find_nnunet, parse_channels
    from residua.importers.pattern import Pattern

    clinical = read_clinical(table, patient_column, hospital_column)
    options = NnUNetOptions(
        channels=parse_channels(channel or []),
        rules=parse_rules(label or []),
        hospital=hospital,
        case=Pattern(case) if case else None,
        in_table=gives_hospitals(clinical),
    )
    early = Window(window_hours, assume_early)
    _deliver(source, out, lambda: find_nnunet(source, options), clinical, hospital, early, deface)


def _deliver(
    source: Path,
    out: Path,
    find: Callable[[], Found],
    table: ClinicalTable | None,
    hospital: str,
    early: Window,
    deface: bool,
) -> None:
    deliver(source, out, lambda part: judged(joined(find(), table, hospital), early), deface=deface)


def _pairs(option: str, texts: Several) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts or []:
        name, _, value = text.partition("=")
        if not name or not value:
            raise ResiduaError(f"{option} {text}: write NAME=VALUE")
        if name in pairs:
            raise ResiduaError(f"{option} {text}: {name} is already {pairs[name]}; give it once")
        pairs[name] = value
    return pairs
