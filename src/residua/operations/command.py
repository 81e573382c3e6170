"""``residua status``: how far a study is."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer


def status(
    study: Annotated[Path, typer.Argument(help="Folder in which the study runs (snakemake --directory).")] = Path("."),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, for a program to read.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Show it anew until the run ends; Ctrl-C leaves.")] = False,
    every: Annotated[float, typer.Option(min=0.2, help="Seconds between two looks of --watch.")] = 5.0,
) -> None:
    """Show how far a study is: stages, trainings with their pace, and what failed. It reads files and changes none."""
    from rich.console import Console
    from rich.live import Live

    from residua.operations.status import status_of_study
    from residua.operations.status_view import view

    if as_json:
        typer.echo(json.dumps(asdict(status_of_study(study)), indent=1))
        return
    found = status_of_study(study)
    if not watch:
        Console().print(view(found))
        return
    try:
        with Live(view(found), auto_refresh=False, vertical_overflow="visible") as live:
            while found.state in ("running", "on another host"):
                time.sleep(every)
                found = status_of_study(study)
                live.update(view(found), refresh=True)
    except KeyboardInterrupt:
        # The run goes on: only its reader leaves.
        return
