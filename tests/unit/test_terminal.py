"""Texts in a terminal: shown as they are, whatever a person or a file called something."""

from __future__ import annotations

import ast

import pytest
from rich.console import Group
from rich.table import Table

from residua.inference.showing import showing
from residua.terminal import plain_console
from rule_files import HOUSE

LIBRARY = HOUSE / "src" / "residua"
ODD = f"/scans[old]/:brain:/{'far/' * 40}P1 [/x] [bold]t1.nii"
"""What rich would take for markup, an emoji, or a line to be broken."""


@pytest.mark.parametrize("through", ["note", "log"])
def test_what_a_call_says_is_shown_as_it_is(through: str, capsys: pytest.CaptureFixture[str]) -> None:
    with showing() as listener:
        listener.note(f"{ODD}\n  series") if through == "note" else listener.log(f"unpack says: {ODD}\n")
    assert capsys.readouterr().err == (f"{ODD}\n  series\n" if through == "note" else f"unpack: {ODD}\n")


def test_what_a_scan_says_of_itself_moves_no_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    with showing() as listener:
        listener.note("series \x1b[2J\r9")
    assert capsys.readouterr().err == "series \\x1b[2J\\r9\n"


def test_cells_and_titles_of_tables_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("a [/x]", title=":brain: [old]")
    table.add_row("[old] :brain:")
    plain_console(soft_wrap=True).print(Group(table, "[/x]"))
    said = capsys.readouterr().out
    assert all(text in said for text in ("a [/x]", ":brain: [old]", "[old] :brain:"))


def made_otherwise(tree: ast.Module) -> list[str]:
    """What makes a console of its own, or shows something on rich's own."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    named = {call: ast.unparse(call.func).split(".")[-1] for call in calls}
    return [
        ast.unparse(call)
        for call, name in named.items()
        if name == "Console"
        or (name in ("Progress", "Live") and "console" not in {keyword.arg for keyword in call.keywords})
        or (name == "print" and ast.unparse(call.func).startswith("rich."))
    ]


def test_every_console_of_the_library_is_plain() -> None:
    assert made_otherwise(ast.parse("Live(a); rich.print(b); Console().print(c)")) != []
    files = [file for file in LIBRARY.rglob("*.py") if file != LIBRARY / "terminal.py"]
    found = {str(file): made_otherwise(ast.parse(file.read_text(encoding="utf-8"))) for file in files}
    assert {file: calls for file, calls in found.items() if calls} == {}
