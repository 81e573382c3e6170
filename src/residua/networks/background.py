"""Read the next patient, and finish and write maps, while models predict: in threads.

Threads suffice: what they do (interpolation, softmax, compression) leaves Python's lock to the models.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

Item = TypeVar("Item")
Read = TypeVar("Read")


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


@contextmanager
def naming(patient: str) -> Generator[None]:
    """Note the patient on an error of the block."""
    try:
        yield
    except Exception as error:
        error.add_note(f"patient {patient}")
        raise


class Workers:
    """Does tasks in threads, which begin in order.

    After a task that failed no other begins, and the error is raised by the next call or at the end.
    """

    def __init__(self, threads: int = 1) -> None:
        """Start the threads with the first tasks."""
        self._threads, self._most = ThreadPoolExecutor(threads), threads + 1
        self._waiting, self._failed = deque[Future[None]](), False

    def __enter__(self) -> Self:
        """Do tasks in the block."""
        return self

    def __call__(self, task: Callable[..., None], *arguments: Any) -> None:
        """Call ``task`` with the arguments in a thread; waits until one task at most is left beside those at work."""
        while len(self._waiting) >= self._most:
            self._waiting.popleft().result()
        self._waiting.append(self._threads.submit(self._run, task, *arguments))

    def _run(self, task: Callable[..., None], *arguments: Any) -> None:
        if self._failed:
            return
        try:
            task(*arguments)
        except BaseException:
            self._failed = True
            raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Wait for what is still to be done, also where the block was interrupted."""
        self._threads.shutdown()
        while error is None and self._waiting:
            self._waiting.popleft().result()
