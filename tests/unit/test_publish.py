"""Nothing half-written is taken for finished, whatever ends the process that writes it."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cohort_tables import ROOT, snapshot
from residua.errors import DamagedStageError, ResiduaError
from residua.publishing.publish import (
    digest,
    manifest_of,
    read_json,
    republished,
    stage,
    verified,
    write_json,
    write_text,
    writing,
)

BUILDER = """
import multiprocessing, os, sys, time
from pathlib import Path
from residua.publishing.publish import stage, writing

def say(word):
    print(word, flush=True)

manifest, resumes = sys.argv[1], sys.argv[2] or None
"""


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """The manifest of a folder that does not exist yet."""
    return tmp_path / "stages" / "brains" / "manifest.json"


@contextmanager
def umask(mask: int) -> Iterator[None]:
    """Files are made with ``mask``."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def builder(code: str, manifest: Path, resumes: str = "") -> Iterator[Callable[[], str]]:
    """Another process that runs ``code``; gives a function that waits for the next word it says. Killed with -9."""
    process = subprocess.Popen(
        [sys.executable, "-c", BUILDER + code, str(manifest), resumes],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield lambda: process.stdout.readline().strip()  # type: ignore[union-attr]
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


IN_THE_MIDDLE = """
with stage(manifest, resumes=resumes) as part:
    (part / "first.txt").write_text("first")
    say("half")
    time.sleep(600)
"""


def build(manifest: Path, facts: dict[str, Any] | None = None, **files: str) -> None:
    """Publish a folder of text files, ``a__b`` for ``a/b.txt``."""
    with stage(manifest, facts=facts) as part:
        for name, text in files.items():
            write_text((part / name.replace("__", "/")).with_suffix(".txt"), text)


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# --- one file ---------------------------------------------------------------------------------------------------------


def test_a_file_appears_under_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder" / "file.nii.gz"
    with writing(target, suffix=".nii.gz") as beside:
        assert beside.parent == target.parent
        assert beside.name.endswith(".nii.gz")
        beside.write_text("whole")
        assert not target.exists()
    assert target.read_text() == "whole"
    assert names_in(target.parent) == {"file.nii.gz"}


def test_a_file_is_replaced_only_when_the_new_one_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    target.write_text("old")
    with writing(target) as beside:
        beside.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"


def test_a_write_that_fails_keeps_the_old_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt), writing(target) as beside:  # noqa: PT012
        beside.write_text("half")
        raise KeyboardInterrupt
    assert snapshot(tmp_path) == {str(target): b"old"}


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_file_may_be_read_by_whom_the_umask_allows(tmp_path: Path, mask: int, mode: int) -> None:
    with umask(mask):
        write_text(tmp_path / "file.txt", "text")
        assert (tmp_path / "file.txt").stat().st_mode & 0o777 == mode
        assert os.umask(mask) == mask


def test_two_writers_of_one_file_do_not_disturb_each_other(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    with writing(target) as first, writing(target) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert target.read_text() == "first"
    assert names_in(tmp_path) == {"file.txt"}


def test_equal_records_give_equal_files(tmp_path: Path) -> None:
    write_json(tmp_path / "one.json", {"b": [1, "é"], "a": None})
    write_json(tmp_path / "two.json", {"a": None, "b": [1, "é"]})
    assert digest(tmp_path / "one.json") == digest(tmp_path / "two.json")
    assert read_json(tmp_path / "one.json") == {"a": None, "b": [1, "é"]}
    assert (tmp_path / "one.json").read_text(encoding="utf-8").endswith("}\n")


def test_the_digest_is_the_sha256_of_the_content_whatever_its_length(tmp_path: Path) -> None:
    for content in (b"", b"brain", bytes(range(256)) * 9000):
        (tmp_path / "file").write_bytes(content)
        assert digest(tmp_path / "file") == hashlib.sha256(content).hexdigest()


# --- a stage of many files --------------------------------------------------------------------------------------------


def test_a_folder_is_published_only_when_whole(manifest: Path) -> None:
    final = manifest.parent
    with stage(manifest) as part:
        assert part.parent == final.parent
        (part / "one.txt").write_text("1")
        assert not final.exists()
    assert names_in(final) == {"one.txt", "manifest.json"}
    assert not part.exists()


def test_the_manifest_holds_the_digest_of_every_file_and_the_facts(manifest: Path) -> None:
    build(manifest, {"threshold": 0.5}, one="1", deeper__two="2")
    expected = {name: hashlib.sha256(text).hexdigest() for name, text in (("one.txt", b"1"), ("deeper/two.txt", b"2"))}
    assert manifest_of(manifest) == {"threshold": 0.5, "files": expected}
    assert verified(manifest) == {
        "one.txt": manifest.parent / "one.txt",
        "deeper/two.txt": manifest.parent / "deeper" / "two.txt",
    }


def test_a_folder_with_nothing_to_do_is_published_empty(manifest: Path) -> None:
    build(manifest)
    assert verified(manifest) == {}


def test_a_folder_is_replaced_whole(manifest: Path) -> None:
    build(manifest, one="old", gone="old")
    with stage(manifest) as part:
        (part / "one.txt").write_text("new")
        assert (manifest.parent / "one.txt").read_text() == "old"
        assert verified(manifest).keys() == {"one.txt", "gone.txt"}
    assert names_in(manifest.parent) == {"one.txt", "manifest.json"}
    assert (manifest.parent / "one.txt").read_text() == "new"
    assert not {name for name in names_in(manifest.parent.parent) if name.endswith((".part", ".old"))}


def test_a_folder_whose_manifest_was_deleted_is_replaced(manifest: Path) -> None:
    build(manifest, one="old", gone="old")
    manifest.unlink()
    build(manifest, one="new")
    assert names_in(manifest.parent) == {"one.txt", "manifest.json"}


def _break_off(manifest: Path, resumes: str | None) -> Path:
    with pytest.raises(RuntimeError, match="power"), stage(manifest, resumes=resumes) as part:  # noqa: PT012
        (part / "first.txt").write_text("first")
        raise RuntimeError("power")
    return part


def test_an_error_publishes_nothing_and_keeps_the_work(manifest: Path) -> None:
    build(manifest, one="old")
    before = snapshot(manifest.parent)
    part = _break_off(manifest, "same")
    assert snapshot(manifest.parent) == before
    assert (part / "first.txt").read_text() == "first"


def test_work_goes_on_when_all_that_it_depends_on_is_the_same(manifest: Path) -> None:
    _break_off(manifest, "same")
    with stage(manifest, resumes="same") as part:
        assert (part / "first.txt").read_text() == "first"
        (part / "second.txt").write_text("second")
    assert verified(manifest).keys() == {"first.txt", "second.txt"}


@pytest.mark.parametrize(("first", "then"), [("same", "other"), ("same", None), (None, "same"), (None, None)])
def test_work_starts_anew_when_something_changed_or_nothing_was_said(
    manifest: Path, first: str | None, then: str | None
) -> None:
    _break_off(manifest, first)
    with stage(manifest, resumes=then) as part:
        assert not (part / "first.txt").exists()
        (part / "second.txt").write_text("second")
    assert verified(manifest).keys() == {"second.txt"}


def test_finished_work_is_not_gone_on_with(manifest: Path) -> None:
    with stage(manifest, resumes="same") as part:
        (part / "first.txt").write_text("first")
    with stage(manifest, resumes="same") as part:
        assert not (part / "first.txt").exists()
    assert verified(manifest) == {}


def test_a_second_builder_is_refused_while_the_first_works(manifest: Path) -> None:
    with builder(IN_THE_MIDDLE, manifest, "same") as said:
        assert said() == "half"
        with pytest.raises(ResiduaError) as raised, stage(manifest, resumes="other") as part:
            raise AssertionError(f"{part} was entered")
        assert str(raised.value) == (
            f"{manifest.parent}: another process is still building this folder; wait for it or end it, then start again"
        )
        assert (manifest.parent.with_name("brains.part") / "first.txt").exists()


def test_a_folder_is_built_on_a_disk_without_locks(manifest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*arguments: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.lockf", no_locks)
    monkeypatch.setattr("fcntl.flock", no_locks)
    with stage(manifest) as part:
        (part / "first.txt").write_text("first")
    assert verified(manifest).keys() == {"first.txt"}


def test_another_folder_can_be_built_at_the_same_time(manifest: Path, tmp_path: Path) -> None:
    with builder(IN_THE_MIDDLE, manifest) as said:
        assert said() == "half"
        build(tmp_path / "stages" / "brains2" / "manifest.json", one="1")


def test_the_lock_is_free_after_an_error(manifest: Path) -> None:
    _break_off(manifest, None)
    build(manifest, one="1")
    assert verified(manifest).keys() == {"one.txt"}


def test_a_killed_process_publishes_nothing_and_the_next_goes_on(manifest: Path) -> None:
    with builder(IN_THE_MIDDLE, manifest, "same") as said:
        assert said() == "half"
    assert not manifest.parent.exists()
    with stage(manifest, resumes="same") as part:
        assert names_in(part) >= {"first.txt"}
        (part / "second.txt").write_text("second")
    assert verified(manifest).keys() == {"first.txt", "second.txt"}


def test_a_killed_process_leaves_what_was_published_before(manifest: Path) -> None:
    build(manifest, one="old")
    before = snapshot(manifest.parent)
    with builder(IN_THE_MIDDLE, manifest, "same") as said:
        assert said() == "half"
    assert snapshot(manifest.parent) == before


def test_a_file_that_a_killed_process_had_begun_is_not_published(manifest: Path) -> None:
    code = """
with stage(manifest, resumes=resumes) as part, writing(part / "STO1.nii.gz", suffix=".nii.gz") as beside:
    beside.write_text("half of a map")
    say("half")
    time.sleep(600)
"""
    with builder(code, manifest, "same") as said:
        assert said() == "half"
    with stage(manifest, resumes="same") as part:
        (part / "STO1.nii.gz").write_text("a map")
    assert verified(manifest).keys() == {"STO1.nii.gz"}


def test_work_that_was_killed_while_its_digests_were_taken_is_not_lost(manifest: Path) -> None:
    code = """
with stage(manifest, resumes=resumes) as part:
    with open(part / "weights", "wb") as stream:
        stream.truncate(1 << 35)  # takes no room, and many seconds to digest
    say("built")
"""
    with builder(code, manifest, "same") as said:
        assert said() == "built"
        time.sleep(0.5)
    assert not manifest.parent.exists()
    with stage(manifest, resumes="same") as part:
        assert (part / "weights").exists()
        (part / "weights").unlink()


def test_a_helper_that_outlives_a_killed_process_does_not_hold_the_lock(manifest: Path) -> None:
    code = """
with stage(manifest, resumes=resumes) as part:
    helper = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,), daemon=True)
    helper.start()
    say(helper.pid)
    time.sleep(600)
"""
    with builder(code, manifest, "same") as said:
        helper = int(said())
    try:
        build(manifest, one="1")
    finally:
        os.kill(helper, signal.SIGKILL)
    assert verified(manifest).keys() == {"one.txt"}


# --- readers ----------------------------------------------------------------------------------------------------------


def test_missing_and_changed_files_are_named_with_the_command_that_rebuilds_them(manifest: Path) -> None:
    build(manifest, changed="1", gone="2", whole="3")
    (manifest.parent / "changed.txt").write_text("9")
    (manifest.parent / "gone.txt").unlink()
    with pytest.raises(DamagedStageError) as raised:
        verified(manifest)
    assert str(raised.value) == (
        f"{manifest.parent}: 2 file(s) missing or changed since they were made: changed.txt, gone.txt. "
        f"Rebuild with: rm {manifest} and run the same snakemake command again"
    )
    assert isinstance(raised.value, ResiduaError)


def test_the_command_that_rebuilds_a_stage_is_one_for_a_shell(tmp_path: Path) -> None:
    manifest = tmp_path / "O'Brien's study/manifest.json"
    manifest.parent.mkdir()
    manifest.write_text("{")
    with pytest.raises(DamagedStageError) as raised:
        verified(manifest)
    command = str(raised.value).partition("Rebuild with: ")[2].partition(" and run")[0]
    assert shlex.split(command) == ["rm", str(manifest)]


def test_many_damaged_files_are_counted_and_the_first_named(manifest: Path) -> None:
    build(manifest, **{f"file{number}": "" for number in range(8)})
    for path in manifest.parent.glob("*.txt"):
        path.unlink()
    with pytest.raises(DamagedStageError, match=r"8 file\(s\) .*: file0\.txt, .*, file4\.txt\. Rebuild"):
        verified(manifest)


def test_a_truncated_file_is_noticed(manifest: Path) -> None:
    build(manifest, one="a long text")
    os.truncate(manifest.parent / "one.txt", 3)
    with pytest.raises(DamagedStageError, match=r"one\.txt"):
        verified(manifest)


def test_a_folder_in_the_place_of_a_file_is_noticed(manifest: Path) -> None:
    build(manifest, one="1")
    (manifest.parent / "one.txt").unlink()
    (manifest.parent / "one.txt").mkdir()
    with pytest.raises(DamagedStageError, match=r"one\.txt"):
        verified(manifest)


def test_a_rebuilt_folder_is_whole_again(manifest: Path) -> None:
    build(manifest, one="1")
    (manifest.parent / "one.txt").unlink()
    manifest.unlink()
    build(manifest, one="1")
    assert verified(manifest).keys() == {"one.txt"}


def test_only_the_files_asked_for_are_checked_and_given(manifest: Path) -> None:
    build(manifest, STO1="1", GOT1="2")
    (manifest.parent / "GOT1.txt").unlink()
    assert verified(manifest, only=lambda name: name.startswith("STO")) == {"STO1.txt": manifest.parent / "STO1.txt"}
    with pytest.raises(DamagedStageError, match=r"1 file\(s\) .*: GOT1\.txt\."):
        verified(manifest, only=lambda name: name.startswith("GOT"))


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: os.truncate(path, 20)])
def test_a_missing_or_truncated_manifest_is_named(manifest: Path, damage: Callable[[Path], None]) -> None:
    build(manifest, one="1")
    damage(manifest)
    with pytest.raises(DamagedStageError) as raised:
        verified(manifest)
    assert str(raised.value).startswith(f"{manifest}: cannot be read (")
    assert "run the same snakemake command again" in str(raised.value)


def test_a_truncated_manifest_must_be_removed_and_the_message_says_so(manifest: Path) -> None:
    build(manifest, one="1")
    os.truncate(manifest, 20)
    with pytest.raises(DamagedStageError, match="Rebuild with: rm "):
        verified(manifest)


@pytest.mark.parametrize("record", [{}, [], None, {"files": ["one.txt"]}], ids=json.dumps)
def test_a_manifest_without_digests_is_damaged(manifest: Path, record: Any) -> None:
    build(manifest, one="1")
    write_json(manifest, record)
    with pytest.raises(DamagedStageError):
        verified(manifest)


def published(tmp_path: Path, made_from: str) -> Path:
    manifest = tmp_path / "model" / "manifest.json"
    with stage(manifest, resumes=made_from) as part:
        (part / "weights").write_text("w")
    return manifest


def test_work_made_from_the_same_is_published_again_without_being_done_again(tmp_path: Path) -> None:
    manifest = published(tmp_path, "abc")
    before = manifest.read_text()
    manifest.unlink()
    assert republished(manifest, "abc")
    assert manifest.read_text() == before
    assert set(verified(manifest)) == {"weights"}


def test_work_made_from_something_else_or_damaged_or_missing_is_done_again(tmp_path: Path) -> None:
    manifest = published(tmp_path, "abc")
    manifest.unlink()
    assert not republished(manifest, "another")
    (manifest.parent / "weights").write_text("changed")
    assert not republished(manifest, "abc")
    assert not republished(tmp_path / "nothing" / "manifest.json", "abc")
    assert not manifest.exists()
