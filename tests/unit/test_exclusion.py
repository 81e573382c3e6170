"""Patients are taken out of the cohort table and back, and nothing else in it changes."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from cohort_tables import rows, write_table
from residua.cli import app
from residua.cohort.table.exclusion import exclude, include
from residua.cohort.table.lines import read_lines
from residua.cohort.table.rewriting import with_cells
from residua.errors import ResiduaError
from residua.quality.flags import Flag, write_flags

TEXTS = {
    "tsv": b"patient\thospital\trole\texclusion_reason\tage\nSTO1\tSTO\tauto\t\t61\nGOT1\tGOT\tauto\t\t5,5\n",
    "windows": b"patient;hospital;role;exclusion_reason;note\r\n"
    b'STO1;STO;auto;;"a;b"\r\n\r\n GOT1 ;GOT;auto;;"two\r\nlines"\r\n',
    "said": b"sep=;\nrole;patient;hospital;exclusion_reason\nauto;STO1;STO;\nauto;GOT1;GOT;\n",
    "marked": codecs.BOM_UTF8
    + "patient,hospital,role,exclusion_reason,note\nSTO1,STO,auto,,é\nGOT1,GOT,auto,,ü".encode(),
    "utf16": codecs.BOM_UTF16_LE
    + "patient\thospital\trole\texclusion_reason\nSTO1\tSTO\tauto\t\nGOT1\tGOT\tauto\t\n".encode("utf-16-le"),
}


def residua(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def cells_of(path: Path) -> list[tuple[str, ...]]:
    lines, problems = read_lines(str(path))
    assert not problems
    return [line.cells for line in lines]


@pytest.mark.parametrize("kind", sorted(TEXTS))
def test_a_text_is_changed_in_two_cells_and_comes_back_byte_for_byte(tmp_path: Path, kind: str) -> None:
    table = tmp_path / "cohort.tsv"
    table.write_bytes(TEXTS[kind])
    before = cells_of(table)
    exclude(table, {"GOT1": 'moved; "badly"'})
    after = cells_of(table)
    header = before[0]
    changed = {(r, header[c]) for r, row in enumerate(after) for c, cell in enumerate(row) if cell != before[r][c]}
    assert changed == {(2, "role"), (2, "exclusion_reason")}
    assert after[2][header.index("exclusion_reason")] == 'moved; "badly"'
    include(table, ["GOT1"])
    assert table.read_bytes() == TEXTS[kind]


def test_a_table_without_reasons_gets_the_column_at_its_end(tmp_path: Path) -> None:
    table = tmp_path / "cohort.csv"
    table.write_text("patient,hospital,role\nSTO1,STO,auto\nGOT1,GOT,auto")
    exclude(table, {"STO1": "moved"})
    assert table.read_text() == "patient,hospital,role,exclusion_reason\nSTO1,STO,exclude,moved\nGOT1,GOT,auto,"


@given(
    st.lists(st.tuples(*[st.text(st.sampled_from('a;"\r\n ,é'), max_size=4)] * 2), min_size=1, max_size=5),
    st.sampled_from(",;\t"),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_only_the_changed_row_of_any_quoted_text_is_written_anew(
    tmp_path_factory: pytest.TempPathFactory, notes: list[tuple[str, str]], delimiter: str, end: str
) -> None:
    def line(*cells: str) -> str:
        return delimiter.join('"' + cell.replace('"', '""') + '"' for cell in cells) + end

    def read(text: str) -> list[tuple[str, ...]]:
        path.write_bytes(text.encode())
        return cells_of(path)

    path = tmp_path_factory.mktemp("table") / "cohort.csv"
    header = delimiter.join(("patient", "role", "one", "two")) + end
    first, *others = [line(f"P{number}", "auto", *cells) for number, cells in enumerate(notes)]
    text = "".join((header, first, *others))
    changed = with_cells(text, {0: {"role": "exclude"}})
    assert changed.startswith(header)
    assert changed.endswith("".join(others))
    before, after = read(text), read(changed)
    assert after == [before[0], (before[1][0], "exclude", *before[1][2:]), *before[2:]]
    assert read(with_cells(changed, {0: {"role": "auto"}})) == before


@pytest.mark.parametrize("kind", ["object", "category", "string[pyarrow]", "empty", "missing"])
def test_a_parquet_table_keeps_types_order_and_all_other_cells(tmp_path: Path, kind: str) -> None:
    table = tmp_path / "cohort.parquet"
    frame = pd.DataFrame({"patient": ["STO1", "GOT1"], "age": [61.5, None], "role": "auto", "hospital": ["STO", "GOT"]})
    if kind == "empty":
        frame["exclusion_reason"] = [None, None]
    elif kind != "missing":
        frame["exclusion_reason"] = ["", ""]
        frame = frame.astype({"role": kind, "exclusion_reason": kind})
    frame.to_parquet(table)
    exclude(table, {"GOT1": "moved"})
    changed = pd.read_parquet(table)
    assert list(changed["role"]) == ["auto", "exclude"]
    assert changed["exclusion_reason"].iloc[1] == "moved"
    assert list(changed.columns[:4]) == list(frame.columns[:4])
    pd.testing.assert_frame_equal(changed[["patient", "age", "hospital"]], frame[["patient", "age", "hospital"]])
    include(table, ["GOT1"])
    back = pd.read_parquet(table)
    assert list(back["role"]) == ["auto", "auto"]
    assert back["exclusion_reason"].fillna("").eq("").all()


def test_nothing_changes_when_a_patient_is_unknown_or_a_reason_is_missing(tmp_path: Path) -> None:
    table = Path(write_table(tmp_path, rows()))
    before = table.read_bytes()
    with pytest.raises(ResiduaError, match="no patient STO9 in the table"):
        exclude(table, {"STO1": "moved", "STO9": "moved"})
    with pytest.raises(ResiduaError, match="patient STO1: give a reason"):
        exclude(table, {"STO1": " "})
    with pytest.raises(ResiduaError, match="write auto or holdout"):
        include(table, ["STO1"], role="test")
    assert table.read_bytes() == before


def test_an_excluded_patient_keeps_the_first_reason(tmp_path: Path) -> None:
    table = Path(write_table(tmp_path, rows()))
    exclude(table, {"STO1": "withdrawn"})
    before = table.read_bytes()
    (change,) = exclude(table, {"STO1": "moved"})
    assert not change.needed
    assert table.read_bytes() == before


def test_a_link_to_a_table_stays_a_link(tmp_path: Path) -> None:
    table = Path(write_table(tmp_path, rows()))
    link = tmp_path / "link.tsv"
    link.symlink_to(table)
    exclude(link, {"STO1": "moved"})
    assert link.is_symlink()
    assert b"moved" in table.read_bytes()


def flag(patient: str, reason: str) -> Flag:
    return Flag(patient, "STO", "post_t1", "similarity_gain", "limit", -0.1, "odd", "look", "act", reason)


def test_the_command_takes_reasons_from_flags_and_takes_them_back(tmp_path: Path) -> None:
    table = Path(write_table(tmp_path, rows()))
    before = table.read_bytes()
    flags = tmp_path / "flags.tsv"
    write_flags([flag("STO1", "b"), flag("STO1", "a"), flag("STO1", "a"), flag("GOT1", "c")], flags)
    dry = residua("exclude", table, "--flags", flags, "--dry-run")
    assert dry.exit_code == 0
    assert "STO1: auto -> exclude: a; b" in dry.stdout
    assert table.read_bytes() == before
    assert residua("exclude", table, "--flags", flags, "--patient", "STO1").exit_code == 0
    reasons = {cells[0]: cells[2:4] for cells in cells_of(table)}
    assert reasons["STO1"] == ("exclude", "a; b")
    assert reasons["GOT1"] == ("auto", "")
    assert residua("include", table, "STO1").exit_code == 0
    assert table.read_bytes() == before
    assert residua("exclude", table, "--flags", flags).exit_code == 0
    assert residua("exclude", table, "--flags", flags, "--undo").exit_code == 0
    assert table.read_bytes() == before


def test_the_command_reports_wrong_arguments(tmp_path: Path) -> None:
    table = Path(write_table(tmp_path, rows()))
    flags = tmp_path / "flags.tsv"
    write_flags([flag("STO1", "a")], flags)
    nobody = residua("exclude", table, "--reason", "moved")
    assert nobody.exit_code == 1
    assert "name the patients" in nobody.stderr
    unflagged = residua("exclude", table, "--flags", flags, "--patient", "GOT1")
    assert unflagged.exit_code == 1
    assert "no flag of GOT1" in unflagged.stderr
    wrong = residua("exclude", table, "--flags", table)
    assert wrong.exit_code == 1
    assert "cannot be read as flags" in wrong.stderr
