"""What code says is remembered by its content, and by nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cohort_tables import ROOT
from residua.publishing import code_digest as reader
from residua.publishing import code_memo
from residua.publishing.code_digest import Said, code_digest, read_code
from residua.publishing.code_memo import CodeMemo, cache_folder

SCRIPT, LIBRARY = ROOT / "scripts/report.py", ROOT / "src"
READER = Path(reader.__file__)


def must_not_read(text: str) -> Said:
    raise AssertionError("read again")


@pytest.fixture
def memory(tmp_path: Path) -> Callable[[Callable[[str], Said]], CodeMemo]:
    """Open the memory in one folder, as another process would."""
    return lambda read: CodeMemo(tmp_path / "cache", READER, read)


def test_a_digest_is_the_same_read_and_remembered(
    memory: Callable[[Callable[[str], Said]], CodeMemo],
) -> None:
    expected = code_digest(SCRIPT, LIBRARY)
    first = memory(read_code)
    assert code_digest(SCRIPT, LIBRARY, read=first.said_by) == expected
    first.keep()
    assert code_digest(SCRIPT, LIBRARY, read=memory(must_not_read).said_by) == expected


def test_other_content_is_read(memory: Callable[[Callable[[str], Said]], CodeMemo]) -> None:
    first = memory(read_code)
    first.said_by("import a")
    first.keep()
    again = memory(read_code)
    assert again.said_by("import b") == read_code("import b") != again.said_by("import a")


def test_another_way_to_read_has_another_memory(
    memory: Callable[[Callable[[str], Said]], CodeMemo], tmp_path: Path
) -> None:
    first = memory(read_code)
    first.said_by("import a")
    first.keep()
    other = tmp_path / "reader.py"
    other.write_text(READER.read_text() + "\n")
    with pytest.raises(AssertionError, match="read again"):
        CodeMemo(tmp_path / "cache", other, must_not_read).said_by("import a")


def test_what_two_processes_learn_is_kept(memory: Callable[[Callable[[str], Said]], CodeMemo]) -> None:
    one, other = memory(read_code), memory(read_code)
    one.said_by("import a")
    other.said_by("import b")
    one.keep()
    other.keep()
    both = memory(must_not_read)
    assert both.said_by("import a") != both.said_by("import b")


@pytest.mark.parametrize("damaged", ["", "{", "[1]", '{"a": 1}', '{"a": ["b"]}', '"text"', "[" * 200_000])
def test_a_damaged_memory_is_forgotten(
    memory: Callable[[Callable[[str], Said]], CodeMemo], tmp_path: Path, damaged: str
) -> None:
    first = memory(read_code)
    first.said_by("import a")
    first.keep()
    (file,) = (tmp_path / "cache").iterdir()
    file.write_text(damaged)
    assert memory(read_code).said_by("import a") == read_code("import a")


def test_a_cache_that_cannot_be_written_to_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    memo = CodeMemo(tmp_path / "file" / "cache", READER, read_code)
    memo.said_by("import a")
    memo.keep()


def test_an_altered_memory_is_forgotten(memory: Callable[[Callable[[str], Said]], CodeMemo], tmp_path: Path) -> None:
    first = memory(read_code)
    digest, _ = first.said_by("import a")
    first.keep()
    (file,) = (tmp_path / "cache").iterdir()
    text = file.read_text()
    assert text.count(digest) == 1
    file.write_text(text.replace(digest, "0" * len(digest)))
    assert memory(read_code).said_by("import a") == read_code("import a")


def test_a_full_memory_keeps_what_was_asked_for_last(
    memory: Callable[[Callable[[str], Said]], CodeMemo], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code_memo, "MOST", 3)
    for names in ("ab", "cd", "ae"):
        opened = memory(read_code)
        for name in names:
            opened.said_by(f"import {name}")
        opened.keep()
    kept = memory(must_not_read)
    assert [kept.said_by(f"import {name}") for name in "ae"] == [read_code(f"import {name}") for name in "ae"]
    for name in "bcd":
        with pytest.raises(AssertionError, match="read again"):
            kept.said_by(f"import {name}")


@pytest.mark.parametrize("environment", [{}, {"HOME": "u"}, {"HOME": "/home/u", "XDG_CACHE_HOME": "cache"}])
def test_without_an_absolute_folder_nothing_is_kept(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    memo = CodeMemo(cache_folder(environment), READER, read_code)
    memo.said_by("import a")
    memo.keep()
    assert memo.said_by("import a") == read_code("import a")
    assert not list(tmp_path.iterdir())


def test_the_cache_is_the_users(tmp_path: Path) -> None:
    assert cache_folder({"HOME": "/home/u"}) == Path("/home/u/.cache/residua")
    assert cache_folder({"HOME": "/home/u", "XDG_CACHE_HOME": "/x"}) == Path("/x/residua")
