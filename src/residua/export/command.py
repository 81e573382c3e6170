"""``residua export``: trained models and prepared cohorts in the forms of other programs."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from residua.errors import ResiduaError

_FORMS = "The form: nnunet, keras or onnx for models; nnunet-raw for the prepared cohort."

COHORT_FORM = "nnunet-raw"


def export(
    to: Annotated[str, typer.Option(help=_FORMS)],
    out: Annotated[Path, typer.Option(help="New folder to write.")],
    study: Annotated[Path | None, typer.Option(help="Folder in which the study ran.")] = None,
    bundle: Annotated[Path | None, typer.Option(help="Bundle of trained models, instead of a study.")] = None,
    arch: Annotated[str | None, typer.Option(help="Network; with --study.")] = None,
    inputs: Annotated[str | None, typer.Option(help="Input configuration; with --study.")] = None,
) -> None:
    """Write trained models, or the prepared cohort, in a form that other programs load; README.md says how."""
    from rich.console import Console

    from residua.export.models import models_of_bundle, models_of_study
    from residua.export.run import export_models, require_new

    require_new(out)
    if to == COHORT_FORM:
        from residua.export.raw import export_cohort

        if study is None or inputs is None:
            raise ResiduaError(f"--to {COHORT_FORM}: give --study and --inputs")
        export_cohort(study, inputs, out)
        typer.echo(f"{out}: read {out / 'README.md'}")
        return
    with Console(stderr=True).status("Exporting"), tempfile.TemporaryDirectory() as unpacked:
        if bundle is not None and (study, arch, inputs) == (None, None, None):
            ensemble = models_of_bundle(bundle, Path(unpacked))
        elif bundle is None and study is not None and arch is not None and inputs is not None:
            ensemble = models_of_study(study, arch, inputs)
        else:
            raise ResiduaError("give either --bundle, or --study with --arch and --inputs")
        export_models(ensemble, to, out)
    typer.echo(f"{out}: read {out / 'README.md'}")
