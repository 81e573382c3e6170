"""The configuration by which a command judges a cohort: the one that was given, or another, which is said."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

PUBLISHED = Path(__file__).resolve().parents[4] / "config.yaml"
"""The configuration of the published study."""
Config = Annotated[Path | None, typer.Option(help="Configuration; default: ./config.yaml, else the published one.")]


def configuration(given: Path | None) -> Path:
    """Return the configuration of a command: ``given``, or else the working directory's, or the published one."""
    here = Path("config.yaml")
    return given or (here if here.is_file() else PUBLISHED)


def say_configuration(used: Path, given: Path | None, cohort: Path) -> None:
    """Say on stderr which configuration judged a table when none was ``given``, and how to get one that fits it."""
    if given is None:
        command = f"residua init {shlex.quote(str(cohort))} --out my.yaml"
        own = f", the published study's; {command} writes one that fits the table"
        typer.echo(f"no --config: judged by {used}{own if used == PUBLISHED else ''}", err=True)
