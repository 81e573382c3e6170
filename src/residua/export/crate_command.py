"""``residua crate``: a finished run as a Workflow Run RO-Crate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def crate(
    study: Annotated[Path, typer.Argument(help="Folder in which the study ran.")],
    out: Annotated[Path, typer.Option(help="New folder, or a new file that ends in .zip.")],
    pictures: Annotated[
        bool, typer.Option("--with-pictures", help="Also the report and the figures that show scans.")
    ] = False,
    licence: Annotated[
        str | None, typer.Option(help="Licence of the results, such as CC-BY-4.0; default: sharing.licence.")
    ] = None,
) -> None:
    """Pack workflow, configuration, tables, figures and times of a run (Workflow Run RO-Crate), without patients."""
    from residua.cluster.workflow import HOUSE
    from residua.export.crate import Packing, write_crate
    from residua.export.run import require_new

    require_new(out)
    write_crate(Packing(study, HOUSE, pictures, licence), out)
    typer.echo(f"{out}: a Workflow Run RO-Crate; ro-crate-metadata.json describes what it holds")
