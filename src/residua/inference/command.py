"""``residua predict``: apply bundles to new patients, and say how far it is and what came of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from residua.cohort.table.location import table_file
from residua.errors import ResiduaError
from residua.settings.application import Missing
from residua.settings.machine import Device

_FILE = "Image (NIfTI) of the one patient, or the folder of a DICOM series."
File = Annotated[Path | None, typer.Option(help=_FILE)]
_PAIR = "COLUMN=FILE, for another column that a bundle reads; repeatable."
Pairs = Annotated[list[str] | None, typer.Option(help=_PAIR)]
_FORMAT = "bids: also a BIDS-Derivatives dataset, OUT/bids."
_DEVICE = "auto: a graphics card where there is one; cuda: without a card nothing starts; cpu: no card is used."
OnDevice = Annotated[Device, typer.Option("--device", help=_DEVICE)]
Form = Annotated[Literal["plain", "bids"], typer.Option("--format", help=_FORMAT)]


def predict(
    bundle: Annotated[list[Path], typer.Option(help="Bundle to apply; repeatable: the best that fits a patient.")],
    out: Annotated[Path, typer.Option(help="Folder for the results; the same command continues in it.")],
    post_t1ce: File = None,
    post_t1: File = None,
    post_flair: File = None,
    pre_t1ce: File = None,
    pre_tumor: Annotated[Path | None, typer.Option(help="Mask of the tumour before surgery.")] = None,
    image: Pairs = None,
    patient: Annotated[str, typer.Option(help="Name of the one patient: letters and digits.")] = "patient",
    cohort: Annotated[Path | None, typer.Option(help="Table of patients: patient, and a column per sequence.")] = None,
    folder: Annotated[Path | None, typer.Option(help="Folder of patients: PATIENT/post_t1ce.nii.gz and so on.")] = None,
    missing: Annotated[
        Missing, typer.Option(help="zeros: also give zeros to models never trained to do without a sequence.")
    ] = "refuse",
    form: Form = "plain",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON record.")] = False,
    cores: Annotated[int | None, typer.Option(min=1, help="Processors; default: all, at most 8.")] = None,
    profile: Annotated[str | None, typer.Option(help="Snakemake profile, such as slurm.")] = None,
    device: OnDevice = "auto",
) -> None:
    """Segment new patients by the models of bundles. Exits 1 if a patient could not be predicted."""
    from residua.inference.predict import predict as apply
    from residua.inference.request import NewPatient
    from residua.inference.showing import showing

    named = {"post_t1ce": post_t1ce, "post_t1": post_t1, "post_flair": post_flair, "pre_t1ce": pre_t1ce}
    named["pre_tumor"] = pre_tumor
    files = _with_pairs({column: file for column, file in named.items() if file}, image or [])
    sources = [source for source in (cohort, folder) if source]
    if bool(files) + len(sources) != 1:
        raise typer.BadParameter("give either the files of one patient, or --cohort, or --folder")
    _require_kinds(cohort, folder)
    patients = sources[0] if sources else [NewPatient(patient, files)]
    try:
        with showing() as listener:
            outcomes = apply(patients, bundle, out, cores, profile, listener, missing, device=device)
    except KeyboardInterrupt:
        raise ResiduaError(f"interrupted; the same command continues in {out}") from None
    _deliver(outcomes, out, form, as_json)


def _with_pairs(named: Mapping[str, Path], texts: Sequence[str]) -> dict[str, Path]:
    files = dict(named)
    for text in texts:
        column, _, file = text.partition("=")
        if not column or not file:
            raise typer.BadParameter(f"--image {text}: write COLUMN=FILE")
        if column in files:
            raise typer.BadParameter(f"--image {text}: the file of {column} is {files[column]} already; give it once")
        files[column] = Path(file)
    return files


def require_table(cohort: Path) -> None:
    """Raise ``ResiduaError`` where the table of the patients, or the workbook of the named sheet, does not exist."""
    if not Path(table_file(cohort)).is_file():
        raise ResiduaError(f"{cohort}: no such table; correct the path after --cohort")


def _require_kinds(cohort: Path | None, folder: Path | None) -> None:
    if cohort is not None:
        require_table(cohort)
    if folder is not None and not folder.is_dir():
        raise ResiduaError(f"{folder}: no such folder; correct the path after --folder")


def _deliver(outcomes: Sequence[Mapping[str, Any]], out: Path, form: str, as_json: bool) -> None:
    """Write the form, print what came of every patient; exit 1 unless all were predicted or excluded by the table."""
    from residua.inference.bids import write_bids
    from residua.inference.wording import classification_of, in_words

    if form == "bids":
        print(f"BIDS-Derivatives: {write_bids(outcomes, out, out / 'bids')}", file=sys.stderr)

    if as_json:
        typer.echo(json.dumps({"out": str(out), "patients": list(outcomes)}, indent=1))
    else:
        for outcome in outcomes:
            typer.echo(in_words(outcome, classification_of(outcome, out / "results")))
        typer.echo(f"Results: {out / 'results'}   list: {out / 'results' / 'patients.json'}")
    left = [outcome["patient"] for outcome in outcomes if outcome["state"] in ("failed", "refused")]
    if left:
        print(f"{len(left)} of {len(outcomes)} patients could not be predicted: {', '.join(left)}", file=sys.stderr)
        raise typer.Exit(1)
