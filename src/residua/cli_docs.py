"""The page ``docs/reference/cli.md``: every command, argument and option, from the Typer application itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

import typer

_INTRODUCTION = """# The command `residua`

Generated from the Typer application in `src/residua/cli.py` by `residua schema`; do not edit. In a checkout the command
is `.venv/bin/residua`. Exit code 0: all is well; 1: a message says what is wrong; 2: wrong usage. `--help` after any
command prints what this page says.
"""


def to_markdown(app: typer.Typer) -> str:
    """Return the page: a heading and a table of arguments and options for each command and subcommand."""
    sections = [_section(path, command) for path, command in commands(typer.main.get_command(app), "residua")]
    return "\n".join([_INTRODUCTION, *sections])


def commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield each command below ``command`` with its full name, such as ``residua import bids``.

    A group is asked for its commands: a group that loads them on demand keeps none in ``.commands``.
    """
    if not hasattr(command, "list_commands"):
        return
    context = typer.Context(command)
    for name in command.list_commands(context):
        nested, full_name = command.get_command(context, name), f"{path} {name}"
        yield full_name, nested
        yield from commands(nested, full_name)


def parameters(command: Any) -> list[tuple[str, Any]]:
    """Return each parameter with its spelling: ``COHORT``, ``--out``, ``--voxels / --no-voxels``."""
    return [(_spelling(parameter), parameter) for parameter in command.params if parameter.name != "help"]


def _spelling(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"{parameter.name.upper()}{' ...' if parameter.nargs == -1 else ''}"
    return " / ".join(", ".join(spellings) for spellings in (parameter.opts, parameter.secondary_opts) if spellings)


def _section(path: str, command: Any) -> str:
    text = f"## {path}\n\n{_plain(command.help)}\n"
    rows = [
        f"| `{spelling}` | {_default(parameter)} | {_plain(parameter.help)} |\n"
        for spelling, parameter in parameters(command)
    ]
    return text + ("\n| | default | |\n| --- | --- | --- |\n" + "".join(rows) if rows else "")


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    value = parameter.default
    if value is None or value is False or value in ("", ()):
        return ""
    if value is True:
        return f"`{parameter.opts[0]}`"
    return f"`{value.as_posix() if isinstance(value, PurePath) else value}`"


def _plain(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")
