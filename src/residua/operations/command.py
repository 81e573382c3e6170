"""``residua status`` and ``residua explain``: how far a study is, what would start and why, and what is damaged."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from residua.terminal import plain_console


def status(
    study: Annotated[Path, typer.Argument(help="Folder in which the study runs (snakemake --directory).")] = Path("."),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, for a program to read.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Show it anew until the run ends; Ctrl-C leaves.")] = False,
    every: Annotated[float, typer.Option(min=0.2, help="Seconds between two looks of --watch.")] = 5.0,
) -> None:
    """Show how far a study is: stages, trainings with their pace, and what failed. It reads files and changes none."""
    from rich.live import Live

    from residua.operations.status import MAY_RUN, status_of_study
    from residua.operations.status_view import view

    if as_json:
        typer.echo(json.dumps(asdict(status_of_study(study)), indent=1))
        return
    found = status_of_study(study)
    if not watch:
        plain_console().print(view(found))
        return
    try:
        with Live(view(found), console=plain_console(), auto_refresh=False, vertical_overflow="visible") as live:
            while found.state in MAY_RUN:
                time.sleep(every)
                found = status_of_study(study)
                live.update(view(found), refresh=True)
    except KeyboardInterrupt:
        # The run goes on: only its reader leaves.
        return


def explain(
    study: Annotated[Path, typer.Argument(help="Folder in which the study ran (snakemake --directory).")] = Path("."),
    verify: Annotated[bool, typer.Option("--verify", help="Compare every result with its digest instead.")] = False,
    workers: Annotated[int, typer.Option(min=1, help="Files that --verify reads at a time.")] = 4,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, for a program to read.")] = False,
) -> None:
    """Say why each job would start if the last command were given again; with --verify, which results are damaged.

    Exit code 1 where --verify finds damage.
    """
    from residua.operations.explain_view import cause_table, verification_lines
    from residua.operations.remake import remaking_commands
    from residua.operations.verify import verify_study
    from residua.operations.why import explained

    if verify:
        found = verify_study(study, workers, _counted if not as_json else lambda done, total: None)
        commands = remaking_commands(study, found.remake)
        record = {**asdict(found), "commands": commands}
        typer.echo(json.dumps(record, indent=1) if as_json else "\n".join(verification_lines(found, commands)))
        raise typer.Exit(1 if found.damaged else 0)
    explanation = explained(study)
    if as_json:
        typer.echo(json.dumps(asdict(explanation), indent=1))
    else:
        plain_console().print(cause_table(explanation))


def _counted(done: int, total: int) -> None:
    if sys.stderr.isatty():
        typer.echo(f"\r{done} of {total}" + ("\n" if done == total else ""), nl=False, err=True)
