"""Apply one function to many patients in several processes; a process that dies affects its own patient only."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from queue import SimpleQueue
from types import ModuleType
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def over_all(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    workers: int,
    died: Callable[[Item], Result],
    done: Callable[[], None] = lambda: None,
) -> list[Result]:
    """Return the result of ``work`` for every item, in order, from ``workers`` processes; 1 means this process.

    ``work`` and the items must be picklable, and ``work`` must not raise. An item whose process dies (killed for its
    memory, a crash of a library) gets ``died(item)``. ``done`` is called after each item.
    """
    if workers <= 1:
        return [_reported(work(item), done) for item in items]
    calls = _Calls(work, items, done)
    waiting = deque(range(len(items)))
    while waiting:
        # A process that dies does not say on which of the running items it worked: each is tried once more, alone.
        for index in calls.run(waiting, workers):
            if calls.run(deque([index]), 1):
                calls.results[index] = _reported(died(items[index]), done)
    return [calls.results[index] for index in range(len(items))]


class _Calls(Generic[Item, Result]):
    def __init__(self, work: Callable[[Item], Result], items: Sequence[Item], done: Callable[[], None]) -> None:
        self._work, self._items, self._done = work, items, done
        self.results: dict[int, Result] = {}

    def run(self, waiting: deque[int], workers: int) -> list[int]:
        """Work on the items ``waiting`` until all are done or a process dies; return the items running then."""
        running: dict[Future[Result], int] = {}
        # Not concurrent.futures.wait: a Ctrl-C in it can leave the futures' locks taken, and the pool then never ends.
        ended: SimpleQueue[Future[Result]] = SimpleQueue()
        with _pool(workers) as pool:
            try:
                while waiting or running:
                    while waiting and len(running) < workers:
                        with _without_script_of(self._work):
                            future = pool.submit(self._work, self._items[waiting[0]])
                        running[future] = waiting.popleft()
                        future.add_done_callback(ended.put)
                    future = ended.get()
                    self.results[running[future]] = _reported(future.result(), self._done)
                    del running[future]
            except BrokenProcessPool:
                return sorted(running.values())
        return []


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    # A forked process would inherit the locks of threads that it does not have.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _without_script_of(work: Callable[..., object]) -> Iterator[None]:
    """Keep new processes from importing the script that started this one, unless it defines ``work``.

    The script of a study's start is Snakemake: each process would load all of it, and its plugin would ask SLURM.
    """
    script = sys.modules["__main__"]
    while isinstance(work, partial):
        work = work.func
    if work.__module__ != "__main__":
        sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


def _begin() -> None:
    # Ctrl-C reaches every process of the terminal: workers end at once, and only the parent reports it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _reported(result: Result, done: Callable[[], None]) -> Result:
    done()
    return result
