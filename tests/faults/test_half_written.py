"""A process killed while it writes a file leaves its beginning behind; whoever writes the file next tidies up."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from residua.publishing.publish import write_text, writing
from studies import HOUSE

WRITER = """
import sys
from residua.publishing.publish import writing
with writing(sys.argv[1], suffix=".csv") as beside:
    beside.write_text("half")
    print("begun", flush=True)
    sys.stdin.readline()
    beside.write_text("whole, by another")
"""


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "metrics" / "B.csv"


@contextmanager
def another_writer(target: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process in the middle of writing ``target``; it goes on when it is told a line."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(target)],
        env={**os.environ, "PYTHONPATH": str(HOUSE / "src")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None
    try:
        assert writer.stdout.readline() == "begun\n"
        yield writer
    finally:
        writer.kill()
        writer.communicate()


def names_beside(target: Path) -> set[str]:
    return {path.name for path in target.parent.iterdir()}


def test_what_a_killed_writer_had_begun_goes_when_the_file_is_written_again(target: Path) -> None:
    with another_writer(target):
        pass
    assert not target.exists()
    write_text(target, "whole")
    assert target.read_text() == "whole"
    assert names_beside(target) == {target.name}


def test_what_was_begun_for_another_file_stays(target: Path) -> None:
    with another_writer(target):
        begun = names_beside(target)
        write_text(target.with_name("A.csv"), "whole")
        assert names_beside(target) == {"A.csv"} | begun != {"A.csv"}


def test_a_writer_that_still_lives_is_not_disturbed(target: Path) -> None:
    with another_writer(target) as writer:
        write_text(target, "whole")
        assert target.read_text() == "whole"
        writer.communicate("go on\n")
        assert writer.returncode == 0
    assert target.read_text() == "whole, by another"
    assert names_beside(target) == {target.name}


def test_writing_within_writing_the_same_file_is_not_disturbed(target: Path) -> None:
    with writing(target) as outer:
        outer.write_text("outer")
        write_text(target, "inner")
    assert target.read_text() == "outer"
    assert names_beside(target) == {target.name}
