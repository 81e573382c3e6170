"""A checkpoint of a training is whole or not there, and a damaged one leaves the one before it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from residua.errors import ResiduaError
from residua.networks.generations import Generations
from small_disk import mounted


def save(kept: Generations, epoch: int, state: str = "") -> None:
    kept.save(epoch, lambda file: file.write_text(state or f"state after {epoch}") and None)


def epochs(kept: Generations) -> list[int]:
    return [int(file.name.split("-")[1]) for file in kept.files()]


def test_two_generations_are_kept_and_the_newest_is_read(tmp_path: Path) -> None:
    kept = Generations(tmp_path, ".pth")
    assert kept.restore(Path.read_text) is None
    for epoch in (1, 2, 9, 10):
        save(kept, epoch)
    assert epochs(kept) == [10, 9]
    assert kept.restore(Path.read_text) == "state after 10"
    kept.remove()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", [b"", b"state", b"state after 9!", b"another"])
def test_a_damaged_newest_gives_way_to_the_one_before(
    damage: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = Generations(tmp_path, ".pth")
    save(kept, 5)
    save(kept, 9)
    newest, older = kept.files()
    newest.write_bytes(damage)
    assert kept.restore(Path.read_text) == "state after 5"
    said = capsys.readouterr().out
    assert said == (
        f"{newest}: this checkpoint of an unfinished training cannot be read (its content changed since it was "
        f"written); it is removed, and the training goes on from the one before: {older}\n"
    )
    # The damaged one is no generation: the next save keeps the one that was read.
    save(kept, 12)
    assert epochs(kept) == [12, 5]


def test_one_that_the_reader_refuses_gives_way_too(tmp_path: Path) -> None:
    kept = Generations(tmp_path, ".pth")
    save(kept, 1, "1")
    save(kept, 2, "two")
    assert kept.restore(lambda file: int(file.read_text())) == 1
    assert epochs(kept) == [1]


@pytest.mark.parametrize("generations", [1, 2])
def test_nothing_whole_is_an_error_that_names_all(generations: int, tmp_path: Path) -> None:
    kept = Generations(tmp_path, ".pth")
    for epoch in range(generations):
        save(kept, epoch)
    for file in kept.files():
        file.write_bytes(b"")
    names = " ".join(map(str, kept.files()))
    with pytest.raises(ResiduaError, match=r"cannot be read \(its content changed since it was written\)") as raised:
        kept.restore(Path.read_text)
    assert str(raised.value).endswith(f"the training starts from the beginning: rm {names}")
    assert len(kept.files()) == generations


def test_a_training_that_goes_on_from_an_older_state_writes_the_newer_again(tmp_path: Path) -> None:
    kept = Generations(tmp_path, ".pth")
    for epoch in (4, 8):
        save(kept, epoch)
    save(kept, 6, "of the second try")
    assert epochs(kept) == [6, 4]
    assert kept.restore(Path.read_text) == "of the second try"


def test_a_checkpoint_of_an_earlier_version_is_the_oldest(tmp_path: Path) -> None:
    (tmp_path / "checkpoint_latest.pth").write_text("of an earlier version")
    kept = Generations(tmp_path, ".pth")
    assert kept.restore(Path.read_text) == "of an earlier version"
    save(kept, 3)
    assert kept.restore(Path.read_text) == "state after 3"
    save(kept, 4)
    assert epochs(kept) == [4, 3]


def test_a_write_that_fails_keeps_what_is_there(tmp_path: Path) -> None:
    kept = Generations(tmp_path, ".pth")
    save(kept, 3)

    def fails(file: Path) -> None:
        file.write_text("half")
        raise RuntimeError("unexpected pos 64 vs 0\nat inline_container.cc")

    with pytest.raises(ResiduaError) as raised:
        kept.save(4, fails)
    assert str(raised.value) == (
        f"{tmp_path}: the state after epoch 4 could not be saved (RuntimeError: unexpected pos 64 vs 0); make room on "
        "the disk, then give the same command again: the training goes on from the state after epoch 3"
    )
    assert [file.name for file in tmp_path.iterdir()] == [kept.files()[0].name]
    assert kept.restore(Path.read_text) == "state after 3"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk with room for 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    with mounted(folder, "size=64k"):
        yield folder


def test_a_full_disk_is_said_and_the_last_good_checkpoint_is_kept(small_disk: Path) -> None:
    kept = Generations(small_disk, ".pth")
    state = os.urandom(40_000)
    kept.save(7, lambda file: file.write_bytes(state) and None)
    for _ in range(2):
        with pytest.raises(
            ResiduaError, match=r"the state after epoch 8 could not be saved \(OSError: .*No space left"
        ):
            kept.save(8, lambda file: file.write_bytes(os.urandom(40_000)) and None)
        assert kept.restore(Path.read_bytes) == state
