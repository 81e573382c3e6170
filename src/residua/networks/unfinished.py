"""Save an unfinished training now and then, and whenever it is asked to leave.

SLURM asks by a signal before it ends a job (SIGTERM, or what ``--signal`` says). The state after each epoch is held in
memory, because an epoch may take minutes and the states inside it are not those from which a training resumes exactly.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from residua.errors import ResiduaError
from residua.networks.generations import Generations, State, Write

ASKING = (signal.SIGTERM, signal.SIGUSR1)


class LeftError(ResiduaError):
    """A training was asked to leave, and has saved its state."""


class Unfinished:
    """The checkpoints of one training; a context in which the training runs and hears that it is asked to leave."""

    def __init__(self, folder: Path, suffix: str, every: int) -> None:
        """Keep checkpoints in ``folder``, and write one ``every`` so many epochs."""
        self._generations, self._every = Generations(folder, suffix), every
        self._held: tuple[int, Write] | None = None
        self._saved: int | None = None
        self._asked: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}
        self._process = os.getpid()

    def exists(self) -> bool:
        """Return whether there is a checkpoint, damaged or not."""
        return bool(self._generations.files())

    def restore(self, read: Callable[[Path], State]) -> State | None:
        """Fulfil ``Generations.restore``."""
        return self._generations.restore(read)

    def remove(self) -> None:
        """Remove the checkpoints of a training that is finished."""
        self._generations.remove()

    def after(self, epoch: int, write: Write) -> None:
        """Hold the state after ``epoch`` epochs, which ``write`` saves; write it if it is due or asked for.

        The training changes nothing of what ``write`` saves.
        """
        self._held = epoch, write
        if epoch % self._every == 0:
            self._save()
        self.leave_if_asked()

    def leave_if_asked(self) -> None:
        """Raise ``LeftError`` when a signal has come, and save the state after the last epoch. Call it at each step."""
        if self._asked:
            raise self._left(self._asked)

    def __enter__(self) -> Self:
        """Hear the signals; elsewhere than in the main thread Python hears none."""
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._ask) for number in ASKING}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Save what is held when the block was interrupted, or was asked to leave and met an error on the way."""
        try:
            if isinstance(error, KeyboardInterrupt):
                self._save()
            # A signal to all processes of a job also ends those that load the data.
            elif error and self._asked and not isinstance(error, LeftError):
                raise self._left(self._asked) from error
        finally:
            # Not before: a second signal would interrupt the saving.
            for number, handler in self._before.items():
                signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() == self._process:
            self._asked = signal.Signals(number)
        else:
            # In a process that the training forked: it saves nothing, and the training must be able to end it.
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    def _left(self, asked: signal.Signals) -> LeftError:
        self._save()
        return LeftError(
            f"{asked.name} asked the training to leave; give the same command again: it goes on {self._from_where()}"
        )

    def _from_where(self) -> str:
        if self._held:
            return f"from the state after epoch {self._held[0]}"
        return "from its last checkpoint" if self.exists() else "from the beginning"

    def _save(self) -> None:
        if self._held and self._held[0] != self._saved:
            self._generations.save(*self._held)
            self._saved = self._held[0]
