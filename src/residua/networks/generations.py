"""Keep two generations of an unfinished training's checkpoint, so that a damaged one costs epochs and not the training.

The name of a checkpoint holds the number of finished epochs and the digest of its content, so that both appear in one
step.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from residua.errors import ResiduaError
from residua.publishing.publish import digest, writing

State = TypeVar("State")
Write = Callable[[Path], None]
"""Writes a state into the file that it is given."""

_NAME = re.compile(r"checkpoint-(\d+)-([0-9a-f]{16})\..*")
_DIGITS = 16


class Generations:
    """The newest checkpoint in a folder and the one before it."""

    def __init__(self, folder: Path, suffix: str) -> None:
        """Keep the files in ``folder``; ``suffix`` begins with a point."""
        self._folder, self._suffix = folder, suffix
        self._unnamed = folder / f".checkpoint{suffix}"

    def files(self) -> list[Path]:
        """Return the checkpoints, the newest first. One that an earlier version named otherwise is the oldest."""
        return sorted(self._folder.glob(f"checkpoint*{self._suffix}"), key=_epoch, reverse=True)

    def save(self, epoch: int, write: Write) -> None:
        """Let ``write`` save the state after ``epoch`` epochs; keep it and the newest of the earlier ones.

        Raises ``ResiduaError`` when the file cannot be written, such as for want of room; the earlier ones stay then.
        """
        try:
            with writing(self._unnamed) as beside:
                write(beside)
                begins = digest(beside)[:_DIGITS]
            saved = self._unnamed.rename(self._folder / f"checkpoint-{epoch:06}-{begins}{self._suffix}")
        # Libraries raise what they like when a disk is full.
        except Exception as error:
            raise ResiduaError(
                f"{self._folder}: the state after epoch {epoch} could not be saved ({_first_line(error)}); make room "
                f"on the disk, then give the same command again: {self._goes_on()}"
            ) from error
        earlier = [file for file in self.files() if _epoch(file) < epoch]
        for file in {*self.files()} - {saved, *earlier[:1]}:
            file.unlink()

    def _goes_on(self) -> str:
        whole = next((file for file in self.files() if _is_whole(file)), None)
        if whole:
            return f"the training goes on from the state after epoch {max(_epoch(whole), 0)}"
        return "it names the checkpoints that are damaged" if self.files() else "the training starts from the beginning"

    def restore(self, read: Callable[[Path], State]) -> State | None:
        """Return what ``read`` makes of the newest checkpoint that is whole; None where there is none at all.

        Raises ``ResiduaError`` when there are some and all are damaged.
        """
        damaged: dict[Path, str] = {}
        for file in self.files():
            try:
                _require_whole(file)
                state = read(file)
            # A cut or foreign file raises what the reader of its remains happens to raise.
            except Exception as error:
                damaged[file] = f"this checkpoint of an unfinished training cannot be read ({_first_line(error)})"
                continue
            _give_up(damaged, file)
            return state
        if damaged:
            raise ResiduaError(_all_damaged(damaged))
        return None

    def remove(self) -> None:
        """Remove all checkpoints."""
        for file in (*self.files(), self._unnamed):
            file.unlink(missing_ok=True)


def _give_up(damaged: dict[Path, str], whole: Path) -> None:
    for file, what in damaged.items():
        print(f"{file}: {what}; it is removed, and the training goes on from the one before: {whole}", flush=True)
        # Kept, it would count as one of the two generations.
        file.unlink()


def _all_damaged(damaged: dict[Path, str]) -> str:
    said = "; ".join(f"{file}: {what}" for file, what in damaged.items())
    which, names = "it" if len(damaged) == 1 else "both", " ".join(map(str, damaged))
    return f"{said}. Remove {which}, after which the training starts from the beginning: rm {names}"


def _epoch(file: Path) -> int:
    named = _NAME.fullmatch(file.name)
    return int(named[1]) if named else -1


def _is_whole(file: Path) -> bool:
    named = _NAME.fullmatch(file.name)
    return not named or digest(file)[:_DIGITS] == named[2]


def _require_whole(file: Path) -> None:
    if not _is_whole(file):
        raise ResiduaError("its content changed since it was written")


def _first_line(error: Exception) -> str:
    what = str(error).partition("\n")[0]
    return what if isinstance(error, ResiduaError) else f"{type(error).__name__}: {what}"
