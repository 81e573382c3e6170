"""``residua export``: trained models and prepared cohorts in the forms of other programs."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from residua.errors import ResiduaError
from residua.terminal import plain_console

_FORMS = (
    "The form: nnunet, keras or onnx for models; nnunet-raw for the prepared cohort; bids for the masks and maps of "
    "the hold-out."
)

COHORT_FORM, PREDICTIONS_FORM = "nnunet-raw", "bids"


def export(
    to: Annotated[str, typer.Option(help=_FORMS)],
    out: Annotated[Path, typer.Option(help="New folder to write.")],
    study: Annotated[Path | None, typer.Option(help="Folder in which the study ran.")] = None,
    bundle: Annotated[Path | None, typer.Option(help="Bundle of trained models, instead of a study.")] = None,
    arch: Annotated[str | None, typer.Option(help="Network; with --study.")] = None,
    inputs: Annotated[str | None, typer.Option(help="Input configuration; with --study.")] = None,
) -> None:
    """Write models, the prepared cohort or predictions in a form that other programs load; README.md says how."""
    from residua.export.run import require_new

    require_new(out)
    if study is not None and not study.is_dir():
        raise ResiduaError(f"{study}: no such folder; name the one in which the study ran")
    if to == COHORT_FORM:
        _cohort(study, inputs, out)
    elif to == PREDICTIONS_FORM:
        _predictions(study, arch, inputs, out)
    else:
        _models(study, bundle, arch, inputs, to, out)
    typer.echo(f"{out}: read {out / 'README.md'}")


def _cohort(study: Path | None, inputs: str | None, out: Path) -> None:
    from residua.export.raw import export_cohort

    if study is None or inputs is None:
        raise ResiduaError(f"--to {COHORT_FORM}: give --study and --inputs")
    export_cohort(study, inputs, out)


def _predictions(study: Path | None, arch: str | None, inputs: str | None, out: Path) -> None:
    from residua.export.derivatives import export_derivatives

    if study is None or arch is None or inputs is None:
        raise ResiduaError(f"--to {PREDICTIONS_FORM}: give --study, --arch and --inputs")
    export_derivatives(study, arch, inputs, out)


def _models(study: Path | None, bundle: Path | None, arch: str | None, inputs: str | None, to: str, out: Path) -> None:
    from residua.export.models import models_of_bundle, models_of_study
    from residua.export.run import export_models

    with plain_console(stderr=True).status("Exporting"), tempfile.TemporaryDirectory() as unpacked:
        if bundle is not None and (study, arch, inputs) == (None, None, None):
            ensemble = models_of_bundle(bundle, Path(unpacked))
        elif bundle is None and study is not None and arch is not None and inputs is not None:
            ensemble = models_of_study(study, arch, inputs, note=lambda text: typer.echo(text, err=True))
        else:
            raise ResiduaError("give either --bundle, or --study with --arch and --inputs")
        export_models(ensemble, to, out)
