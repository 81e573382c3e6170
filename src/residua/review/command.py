"""``residua review``: look at a patient in a viewer, and correct the reference."""

from __future__ import annotations

import shlex
from contextlib import chdir
from pathlib import Path
from typing import Annotated

import typer

from residua.errors import ResiduaError

_ARCH = "Network whose prediction is shown; default: the first that has one."
_INPUTS = "Its input configuration; default: the best inputs of the study."
_ACCEPT = "Edited mask (NIfTI, or .seg.nrrd of 3D Slicer) that becomes the reference of the patient."
_UNDO = "Name the reference of before the last correction in the table again."


def review(
    patient: Annotated[str, typer.Argument(help="The patient, as the cohort table names it.")],
    study: Annotated[Path, typer.Option(help="Folder in which the study ran.")] = Path("."),
    arch: Annotated[str | None, typer.Option(help=_ARCH)] = None,
    inputs: Annotated[str | None, typer.Option(help=_INPUTS)] = None,
    accept: Annotated[Path | None, typer.Option(help=_ACCEPT)] = None,
    undo: Annotated[bool, typer.Option("--undo", help=_UNDO)] = False,
    by: Annotated[str | None, typer.Option(help="Who corrects; with --accept and --undo.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why; with --accept and --undo.")] = None,
    empty: Annotated[bool, typer.Option("--empty", help="The edited mask may be empty: no residual tumour.")] = False,
) -> None:
    """Write scenes of a patient for 3D Slicer and ITK-SNAP; with --accept, take the corrected reference."""
    if accept is not None and undo:
        raise ResiduaError("give either --accept or --undo")
    if not study.is_dir():
        raise ResiduaError(f"{study}: no such folder; name the one in which the study ran")
    try:
        if accept is not None:
            _accept(patient, study, accept, by, reason, empty)
        elif undo:
            _undo(patient, study, by, reason)
        else:
            _show(patient, study, arch, inputs)
    except OSError as error:
        what = f"{error.filename or study}: cannot be written or read ({error.strerror})"
        raise ResiduaError(f"{what}; check permissions and space") from None


def _show(patient: str, study: Path, arch: str | None, inputs: str | None) -> None:
    from residua.review.scene import ITKSNAP, REFERENCE, SLICER, review_folder, write_scene
    from residua.review.shown import shown_of
    from residua.review.study import reviewed_here
    from residua.wiring.application import LoadedApplication

    with chdir(study):
        loaded = reviewed_here(study, patient)
        shown = shown_of(loaded, patient, arch, inputs)
    folder = review_folder(study, patient)
    write_scene(shown, folder)
    typer.echo(f"{folder}: {', '.join(shown.images)}")
    if shown.prediction is not None:
        typer.echo(f"prediction: {shown.prediction.told}")
    for line in shown.missing:
        typer.echo(line, err=True)
    typer.echo(f"3D Slicer: Slicer {shlex.quote(str(folder / SLICER))}")
    typer.echo(f"ITK-SNAP: itksnap -w {shlex.quote(str(folder / ITKSNAP))}")
    if isinstance(loaded, LoadedApplication):
        return
    edited = folder / REFERENCE.name
    typer.echo(f"Edit the reference and save it as {edited}.seg.nrrd (3D Slicer) or {edited}.nii.gz (ITK-SNAP), then:")
    typer.echo(f"residua review {patient} --study {shlex.quote(str(study))} --accept FILE --by NAME --reason TEXT")


def _accept(patient: str, study: Path, edited: Path, by: str | None, reason: str | None, empty: bool) -> None:
    from residua.review.accept import accept, signed
    from residua.review.reruns import reruns
    from residua.review.scene import know, review_folder
    from residua.review.study import corrected_here

    who, file = signed(by, reason), Path.cwd() / edited
    with chdir(study):
        loaded = corrected_here(study, patient)
        line, warnings = accept(loaded, patient, file, who, empty)
    know(review_folder(study, patient), file)
    for warning in warnings:
        typer.echo(warning, err=True)
    typer.echo(f"{loaded.study.cohort}: patient {patient}, {line.label}: {line.previous or 'none'} -> {line.file}")
    for told in reruns(loaded, patient):
        typer.echo(told)


def _undo(patient: str, study: Path, by: str | None, reason: str | None) -> None:
    from residua.review.accept import signed, undo
    from residua.review.reruns import reruns
    from residua.review.study import corrected_here

    who = signed(by, reason)
    with chdir(study):
        loaded = corrected_here(study, patient)
        line = undo(loaded, patient, who)
    typer.echo(f"{loaded.study.cohort}: patient {patient}, {line.label}: {line.previous} -> {line.file or 'none'}")
    for told in reruns(loaded, patient):
        typer.echo(told)
