"""Show how far an application is: bars in a terminal, else a line whenever a stage is finished."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from residua.inference.following import Following
from residua.inference.predict import Listener
from residua.problems.problem import printable
from residua.terminal import plain_console

_CHECK = "read images"


@contextmanager
def showing() -> Iterator[Listener]:
    """Yield a listener that writes to stderr."""
    console = plain_console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        shown = _Shown(console, bars)
        yield Listener(note=shown.note, checked=shown.checked, log=shown.log)


class _Shown:
    def __init__(self, console: Console, bars: Progress) -> None:
        self._console, self._bars = console, bars
        self._following = Following()
        self._tasks: dict[str, TaskID] = {}
        self._said: set[str] = set()

    def note(self, text: str) -> None:
        # A path stays on one line, and what a scan says of itself moves no cursor.
        self._console.print("\n".join(map(printable, text.split("\n"))), soft_wrap=True)

    def checked(self, done: int, total: int) -> None:
        self._show(_CHECK, done, total)

    def log(self, text: str) -> None:
        for line in self._following.read(text):
            self.note(line)
        for stage, (done, total) in self._following.stages().items():
            self._show(stage, done, total)

    def _show(self, stage: str, done: int, total: int) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage, total=total)
        self._bars.update(self._tasks[stage], completed=done, total=total)
        if done == total and stage not in self._said and not self._console.is_terminal:
            self._console.print(f"{stage}: {done} of {total}")
            self._said.add(stage)
