"""A training that is asked to leave saves the state after its last epoch, and goes on from there."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from residua.errors import ResiduaError
from residua.networks.unfinished import ASKING, LeftError, Unfinished

STEPS = 3


def train(folder: Path, every: int, epochs: int = 6, asked_at: tuple[int, int] | None = None, by: int = 0) -> int:
    """A training whose state is the number of its steps; ``by`` comes before a step of an epoch."""
    with Unfinished(folder, ".txt", every) as unfinished:
        restored = unfinished.restore(lambda file: int(file.read_text()))
        done = restored or 0
        for epoch in range(done // STEPS, epochs):
            for step in range(STEPS):
                if (epoch, step) == asked_at:
                    os.kill(os.getpid(), by)
                unfinished.leave_if_asked()
                done += 1
            unfinished.after(epoch + 1, writer(done))
        unfinished.remove()
    return done


def writer(state: int) -> Callable[[Path], None]:
    return lambda file: file.write_text(str(state)) and None


def fail(folder: Path, error: BaseException, asked: bool = False) -> None:
    """A training that ends in its second epoch."""
    with Unfinished(folder, ".txt", 50) as unfinished:
        unfinished.after(1, writer(3))
        if asked:
            os.kill(os.getpid(), signal.SIGUSR1)
        raise error


def saved(folder: Path) -> list[int]:
    return sorted(int(file.name.split("-")[1]) for file in folder.glob("checkpoint*"))


@pytest.mark.parametrize("by", ASKING)
@pytest.mark.parametrize(
    ("epoch", "step", "left"), [(0, 0, []), (0, 2, []), (1, 0, [1]), (3, 1, [2, 3]), (4, 0, [2, 4]), (5, 2, [4, 5])]
)
def test_it_leaves_within_a_step_with_the_state_after_the_last_epoch(
    by: signal.Signals, epoch: int, step: int, left: list[int], tmp_path: Path
) -> None:
    before = signal.getsignal(by)
    with pytest.raises(LeftError, match=rf"^{by.name} asked the training to leave; give the same command again: ") as e:
        train(tmp_path, 2, asked_at=(epoch, step), by=by)
    assert str(e.value).endswith(f"it goes on from the state after epoch {left[-1]}" if left else "from the beginning")
    assert saved(tmp_path) == left
    assert signal.getsignal(by) == before
    assert train(tmp_path, 2) == 6 * STEPS
    assert saved(tmp_path) == []


def test_one_that_is_asked_before_its_first_epoch_is_over_keeps_the_checkpoint_it_began_from(tmp_path: Path) -> None:
    with pytest.raises(LeftError):
        train(tmp_path, 2, asked_at=(3, 0), by=signal.SIGTERM)
    with pytest.raises(LeftError, match="it goes on from its last checkpoint"):
        train(tmp_path, 2, asked_at=(3, 1), by=signal.SIGTERM)
    assert saved(tmp_path) == [2, 3]


def test_an_error_after_the_question_still_saves_the_state(tmp_path: Path) -> None:
    failed = ResiduaError("a process that loads the training data failed")
    with pytest.raises(LeftError) as raised:
        fail(tmp_path, failed, asked=True)
    assert raised.value.__cause__ is failed
    assert saved(tmp_path) == [1]


def test_an_interruption_saves_the_state_and_an_error_does_not(tmp_path: Path) -> None:
    for error in (ResiduaError("diverged"), KeyboardInterrupt()):
        assert saved(tmp_path) == []
        with pytest.raises(type(error)):
            fail(tmp_path, error)
    assert saved(tmp_path) == [1]


def test_a_process_that_the_training_forked_still_ends_by_the_signal(tmp_path: Path) -> None:
    with Unfinished(tmp_path, ".txt", 50) as unfinished:
        begun, begin = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(begin, b"!")
            time.sleep(30)
            os._exit(0)
        # Python drops what comes while it forks.
        assert os.read(begun, 1)
        os.kill(child, signal.SIGTERM)
        _, status = os.waitpid(child, 0)
        assert os.WTERMSIG(status) == signal.SIGTERM
        unfinished.leave_if_asked()
