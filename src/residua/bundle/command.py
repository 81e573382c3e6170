"""``residua bundle``: a trained ensemble of a finished study as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Study = Annotated[Path, typer.Option(help="Folder in which the study ran.")]
Arch = Annotated[str, typer.Option(help="The network.")]
Inputs = Annotated[str, typer.Option(help="The input configuration.")]
Out = Annotated[Path, typer.Option(help="Bundle to write: a zip if its name ends in .zip, else a folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the bundle's record as JSON.")]


def bundle(study: Study, arch: Arch, inputs: Inputs, out: Out, as_json: AsJson = False) -> None:
    """Pack the trained models of a finished study, with all that their use needs, into one file or folder."""
    from residua.bundle.pack import bundle_study

    record = bundle_study(study, arch, inputs, out, note=lambda text: typer.echo(text, err=True))
    if as_json:
        typer.echo(record.model_dump_json(indent=1))
        return
    patients = sum(group.patients for group in record.population if group.part == "out_of_fold")
    typer.echo(f"{out}: {len(record.folds)} models of {record.arch} on {', '.join(c.name for c in record.channels)}")
    typer.echo(f"trained and validated on {patients} patients; threshold {record.chosen_threshold:g}")
    for name, value in (("licence", record.licence), ("contact", record.contact)):
        if value is None:
            typer.echo(f"no {name} is stated: set sharing.{name} in the configuration before you share it", err=True)
