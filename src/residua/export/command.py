"""``residua export``: trained models in the forms of other programs."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from residua.errors import ResiduaError

_FORMS = "The form: nnunet, keras or onnx."


def export(
    to: Annotated[str, typer.Option(help=_FORMS)],
    out: Annotated[Path, typer.Option(help="New folder to write.")],
    study: Annotated[Path | None, typer.Option(help="Folder in which the study ran.")] = None,
    bundle: Annotated[Path | None, typer.Option(help="Bundle of trained models, instead of a study.")] = None,
    arch: Annotated[str | None, typer.Option(help="Network; with --study.")] = None,
    inputs: Annotated[str | None, typer.Option(help="Input configuration; with --study.")] = None,
) -> None:
    """Write trained models in a form that other programs load, with a README.md that says how."""
    from rich.console import Console

    from residua.export.models import models_of_bundle, models_of_study
    from residua.export.run import export_models, require_new

    require_new(out)
    with Console(stderr=True).status("Exporting"), tempfile.TemporaryDirectory() as unpacked:
        if bundle is not None and (study, arch, inputs) == (None, None, None):
            ensemble = models_of_bundle(bundle, Path(unpacked))
        elif bundle is None and study is not None and arch is not None and inputs is not None:
            ensemble = models_of_study(study, arch, inputs)
        else:
            raise ResiduaError("give either --bundle, or --study with --arch and --inputs")
        export_models(ensemble, to, out)
    typer.echo(f"{out}: read {out / 'README.md'}")
