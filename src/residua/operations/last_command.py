"""Keep the command of a run word by word: Snakemake's log joins its words by spaces."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from residua.errors import ResiduaError
from residua.operations.run_log import RunLog
from residua.publishing.publish import read_json, write_json
from residua.publishing.seals import RESULTS

_KEPT = Path(".snakemake", "residua", "command.json")
_PROGRAMS = ("snakemake", "__main__.py")
_BAR = "--"
"""What follows it are targets, whatever stands before."""


@dataclass(frozen=True)
class LastCommand:
    """The command of a run: the words that start Snakemake, its arguments, and which of them are targets."""

    program: tuple[str, ...]
    arguments: tuple[str, ...]
    targets: tuple[str, ...]

    def with_options(self, *options: str) -> list[str]:
        """Return the arguments and further ``options``."""
        bar = self.arguments.index(_BAR) if _BAR in self.arguments else len(self.arguments)
        return [*self.arguments[:bar], *options, *self.arguments[bar:]]

    def shown(self, *options: str) -> str:
        """Return the command with further ``options``, as a shell takes it."""
        return shlex.join([*self.program, *self.with_options(*options)])

    @property
    def options(self) -> list[str]:
        """The arguments without the targets."""
        bar = self.arguments.index(_BAR) if _BAR in self.arguments else len(self.arguments)
        before, behind = self.arguments[:bar], self.arguments[bar + 1 :]
        targets = self.targets[: len(self.targets) - len(behind)]
        places = [place for place in range(bar) if before[place : place + len(targets)] == targets]
        if not targets or not places:
            return [word for word in before if word not in targets]
        # The same words may be a value: --until train.
        at = min(places, key=lambda place: (place != 0, before[place - 1].startswith("-"), -place))
        return [*before[:at], *before[at + len(targets) :]]


def keep_command(
    log: str, arguments: Sequence[str], study: Path = Path("."), targets: Sequence[str] | None = None
) -> None:
    """Keep the ``arguments`` of the run whose log is ``log``, without the name of the program, and its ``targets``."""
    kept = {"log": Path(log).name, "arguments": list(arguments)}
    write_json(study / _KEPT, kept if targets is None else {**kept, "targets": list(targets)})


def last_command(study: Path, log: Path, run: RunLog) -> LastCommand:
    """Return the command of a run: what was kept of it, or what its log says, where spaces may have been lost.

    Raises ``ResiduaError`` where the log's command cannot be told apart.
    """
    try:
        kept = read_json(study / _KEPT)
        arguments = tuple(map(str, kept["arguments"]))
        program, same = _before(run.command, arguments)
        # A run that had nothing to do kept no command.
        if same or kept["log"] == log.name:
            return LastCommand(_started_by(program), arguments, _targets(arguments, kept.get("targets")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        # A run of an earlier version kept none.
        pass
    words = _split(run.command)
    begins = 1 + next((place for place, word in enumerate(words) if Path(word).name in _PROGRAMS), 0)
    return LastCommand(_started_by(" ".join(words[:begins])), tuple(words[begins:]), _targets(words[begins:], None))


def _before(command: str, arguments: Sequence[str]) -> tuple[str, bool]:
    """Return the program of a command, and whether what follows it are these arguments."""
    joined = "".join(f" {word}" for word in arguments)
    program = command.removesuffix(joined)
    if command.endswith(joined) and Path(program).name in _PROGRAMS:
        return program, True
    return command.partition(" ")[0], False


def _started_by(program: str) -> tuple[str, ...]:
    if Path(program).name == "__main__.py":
        return (sys.executable, "-m", "snakemake")
    return (program or "snakemake",)


def _targets(arguments: Sequence[str], kept: Sequence[str] | None) -> tuple[str, ...]:
    if kept is not None:
        return tuple(map(str, kept))
    bar = arguments.index(_BAR) if _BAR in arguments else len(arguments)
    files = [word for word in arguments[:bar] if word.startswith(f"{RESULTS}/")]
    return (*files, *arguments[bar + 1 :])


def _split(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError as error:
        what = f"the command of the last run cannot be read from its log ({error}): {command}"
        raise ResiduaError(f"{what}; give it again, and then ask") from None
