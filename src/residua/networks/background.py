"""Read the next patient and write the maps of the last one while a patient is predicted, each in its own thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self, TypeVar

Item = TypeVar("Item")
Read = TypeVar("Read")

_WAITING = 2
"""Maps of a full-size scan take some hundred MB of memory."""


def read_ahead(read: Callable[[Item], Read], items: Sequence[Item]) -> Generator[Future[Read]]:
    """Yield what is read of each item, in order; meanwhile the next one is read, and none further on.

    An item that cannot be read fails alone: its future holds the error.
    """
    with ThreadPoolExecutor(max_workers=1) as thread:
        reading = deque(thread.submit(read, item) for item in items[:1])
        for item in items[1:]:
            reading.append(thread.submit(read, item))
            yield reading.popleft()
        yield from reading


class Writer:
    """Writes in a thread and in order, so that what is written last is there only when all before it is.

    After a write that failed nothing more is written, and the error is raised by the next call or at the end.
    """

    def __init__(self) -> None:
        """Start the thread with the first write."""
        self._thread, self._waiting, self._failed = ThreadPoolExecutor(max_workers=1), deque[Future[None]](), False

    def __enter__(self) -> Self:
        """Write in the block."""
        return self

    def __call__(self, write: Callable[..., None], *arguments: Any) -> None:
        """Call ``write`` with the arguments in the thread, after all that was asked for before."""
        while len(self._waiting) >= _WAITING:
            self._waiting.popleft().result()
        self._waiting.append(self._thread.submit(self._run, write, *arguments))

    def _run(self, write: Callable[..., None], *arguments: Any) -> None:
        if self._failed:
            return
        try:
            write(*arguments)
        except BaseException:
            self._failed = True
            raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Wait for what is still to be written, also where the block was interrupted."""
        self._thread.shutdown()
        while error is None and self._waiting:
            self._waiting.popleft().result()
