"""Keep the command of a run word by word: Snakemake's log joins its words by spaces."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from residua.errors import ResiduaError
from residua.operations.run_log import RunLog
from residua.publishing.publish import read_json, write_json

_KEPT = Path(".snakemake", "residua", "command.json")


def keep_command(log: str, arguments: Sequence[str], study: Path = Path(".")) -> None:
    """Keep the ``arguments`` of the run whose log is ``log``, without the name of the program."""
    write_json(study / _KEPT, {"log": Path(log).name, "arguments": list(arguments)})


def arguments_of(study: Path, log: Path, run: RunLog) -> list[str]:
    """Return the arguments of a run: those that were kept, or those of its log, where spaces may have been lost.

    Raises ``ResiduaError`` where the log's command cannot be told apart.
    """
    try:
        kept = read_json(study / _KEPT)
        if kept["log"] == log.name:
            return [str(argument) for argument in kept["arguments"]]
    except (OSError, ValueError, KeyError, TypeError):
        # A run of an earlier version kept none.
        pass
    try:
        return shlex.split(run.command)[1:]
    except ValueError as error:
        what = f"the command of the last run cannot be read from its log ({error}): {run.command}"
        raise ResiduaError(f"{what}; give it again, and then ask") from None
