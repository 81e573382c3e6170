"""Tables in workbooks: each cell reads as it would from CSV, or the table has one clear problem."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from cohort_tables import FILES, config, rows, write_images
from residua.cli import app
from residua.cohort.table import sheets
from residua.cohort.table.exclusion import exclude, include
from residua.cohort.table.lines import read_lines
from residua.cohort.table.patients import parse_table
from residua.errors import ResiduaError
from residua.importers.cells import moment_of
from residua.importers.clinical_table import read_clinical
from workbooks import Error, Formula, FourDigits, Spanning, write_ods, write_xls, write_xlsx

HEADER = ["patient", "hospital", "role", "post_t1ce", "residual", "age", "hours_since_surgery", "source_id"]
PATIENTS = [
    HEADER,
    ["NA", "STO", "auto", "images/na.nii.gz", "images/na_seg.nii.gz", 61, 36.5, "0012"],
    [None] * 8,
    [101.0, "STO", "auto", "/data/101.nii.gz", None, None, None, 7.0],
]
WRITERS: dict[str, Callable[..., Path]] = {"xlsx": write_xlsx, "ods": write_ods, "xls": write_xls}
WITH_FORMULAS = ("xlsx", "ods")
EXCEL = ("xlsx", "xls")


def written(folder: Path, form: str, sheets: dict[str, Any], **settings: Any) -> str:
    return str(WRITERS[form](folder / f"cohort.{form}", sheets, **settings))


def cells(path: str) -> list[tuple[str, ...]]:
    lines, problems = read_lines(path)
    assert problems == []
    return [line.cells for line in lines]


def only_problem(path: str) -> str:
    lines, problems = read_lines(path)
    assert lines == []
    (problem,) = problems
    assert problem.is_error
    return str(problem)


@pytest.mark.parametrize("form", WRITERS)
def test_a_workbook_gives_the_patients_of_the_same_csv(tmp_path: Path, form: str) -> None:
    plain = tmp_path / "cohort.csv"
    texts = [
        ["" if cell is None else f"{cell:g}" if isinstance(cell, float) else str(cell) for cell in row]
        for row in PATIENTS
    ]
    plain.write_text("\n".join(",".join(row) for row in texts) + "\n")
    path = written(tmp_path, form, {"Patients": PATIENTS})
    before = Path(path).read_bytes()
    expected, found = parse_table(str(plain), FILES, ()), parse_table(path, FILES, ())
    assert found.problems == expected.problems == ()
    assert found.patients == expected.patients
    assert [(patient.patient, patient.row) for patient in found.patients] == [("NA", 2), ("101", 4)]
    assert found.patients[0].files["post_t1ce"] == str(tmp_path / "images" / "na.nii.gz")
    assert Path(path).read_bytes() == before


@pytest.mark.parametrize("form", WRITERS)
@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("NA", "NA"),
        ("N/A", "n/a"),
        ("0012", "0012"),
        ("  padded ", "padded"),
        ("2020-01-31", "2020-01-31"),
        ("31.01.2020", "31.01.2020"),
        (1.0, "1"),
        (-0.0, "0"),
        (1e-3, "0.001"),
        (0.1 + 0.2, "0.3"),
        (123456789012345, "123456789012345"),
        (True, "TRUE"),
        (date(2020, 1, 31), "2020-01-31"),
        (datetime(2020, 1, 31, 14, 30), "2020-01-31 14:30:00"),
        (datetime(2019, 7, 3, 23, 59, 59), "2019-07-03 23:59:59"),
        (Formula(2.0), "2"),
        (Formula("STO"), "STO"),
    ],
)
def test_a_cell_reads_as_from_csv(tmp_path: Path, form: str, value: object, text: str) -> None:
    if isinstance(value, Formula) and form not in WITH_FORMULAS:
        return
    assert cells(written(tmp_path, form, {"S": [["x", "y"], [value, "end"]]})) == [("x", "y"), (text, "end")]


@pytest.mark.parametrize("form", EXCEL)
def test_a_number_that_is_shown_with_zeros_keeps_them(tmp_path: Path, form: str) -> None:
    path = written(tmp_path, form, {"S": [["x"], [FourDigits(12)], [FourDigits(12345)], [12]]})
    assert cells(path) == [("x",), ("0012",), ("12345",), ("12",)]


@pytest.mark.parametrize("form", EXCEL)
@pytest.mark.parametrize("is_1904", [False, True])
def test_dates_are_those_of_the_workbooks_own_calendar(tmp_path: Path, is_1904: bool, form: str) -> None:
    values = [date(2020, 2, 29), datetime(2020, 2, 29, 6, 5, 4)]
    path = written(tmp_path, form, {"S": [["x"], *([value] for value in values)]}, is_1904=is_1904)
    (_, (day,), (moment,)) = cells(path)
    assert (day, moment) == ("2020-02-29", "2020-02-29 06:05:04")
    assert [moment_of("x", text).at for text in (day, moment)] == [datetime(2020, 2, 29), values[1]]  # type: ignore[union-attr]


@pytest.mark.parametrize("form", EXCEL)
def test_empty_rows_and_columns_around_the_table_do_not_count(tmp_path: Path, form: str) -> None:
    rows = [[None, "x", "y", " "], [None, "1", None, None], [None] * 4, [None, "2", "b", None], [None] * 4]
    path = written(tmp_path, form, {"S": rows}, at=(3, 2))
    lines, problems = read_lines(path)
    assert problems == []
    assert [(line.row, line.cells) for line in lines] == [(4, ("x", "y")), (5, ("1", "")), (7, ("2", "b"))]
    after = written(tmp_path, "ods", {"S": [[None, *row] for row in rows]}, rows_after=1_048_000)
    assert cells(after) == [("x", "y"), ("1", ""), ("2", "b")]


@pytest.mark.parametrize("form", WRITERS)
def test_one_of_several_sheets_must_be_named(tmp_path: Path, form: str) -> None:
    path = written(tmp_path, form, {"Patients": [["x"], ["1"]], "Old": [["note"]], "None": []})
    said = "the workbook has 2 sheets (Patients, Old): name the one to read behind the file, such as"
    assert only_problem(path) == f"{path}: {said} {path}#Patients"
    assert cells(f"{path}#Patients") == cells(f"{path}#patients") == [("x",), ("1",)]
    assert cells(f"{path}#Old") == [("note",)]
    assert only_problem(f"{path}#New") == f"{path}: the workbook has no sheet 'New': name one of Patients, Old, None"
    assert only_problem(f"{path}#None") == f"{path}: sheet None is empty: name another; there are Patients, Old, None"


@pytest.mark.parametrize("form", WRITERS)
def test_a_hidden_sheet_is_read_only_by_name(tmp_path: Path, form: str) -> None:
    path = written(tmp_path, form, {"Codes": [["c"]], "Patients": [["x"]]}, hidden=["Codes"])
    assert cells(path) == [("x",)]
    assert cells(f"{path}#Codes") == [("c",)]
    path = written(tmp_path, form, {"Codes": [["c"]]}, hidden=["Codes"])
    assert "every sheet that is not empty is hidden (Codes (hidden)): name the one" in only_problem(path)


def test_a_file_whose_name_holds_the_mark_is_itself(tmp_path: Path) -> None:
    (tmp_path / "a#b.csv").write_text("x\n1\n")
    assert cells(str(tmp_path / "a#b.csv")) == [("x",), ("1",)]
    write_xlsx(tmp_path / "c#d.xlsx", {"E#F": [["x"]], "G": [["y"]]})
    assert cells(str(tmp_path / "c#d.xlsx#E#F")) == [("x",)]
    (tmp_path / "plain.csv").write_text("x\n1\n")
    assert "#S names a sheet, and the table is no workbook: leave it out" in only_problem(f"{tmp_path / 'plain.csv'}#S")
    assert "cannot be read (No such file" in only_problem(str(tmp_path / "none.xlsx#S"))


@pytest.mark.parametrize("form", WRITERS)
@pytest.mark.parametrize(
    ("value", "check", "said"),
    [
        (Error("#N/A"), "cell-error", "row 2, {}: sheet S, B2 (#N/A): an error instead of a value: correct it"),
        (Error("#REF!"), "cell-error", "row 2, {}: sheet S, B2 (#REF!): an error instead of a value: correct it"),
        (Formula(None), "cell-without-value", "row 2, {}: sheet S, B2: a formula without its value: open the workbook"),
        (12345678901234567, "cell-digits-lost", "{}: sheet S, B2: a number of more than 15 digits, of which"),
    ],
)
def test_a_cell_without_a_value_to_read_is_one_problem(
    tmp_path: Path, form: str, value: object, check: str, said: str
) -> None:
    if isinstance(value, Formula) and form not in WITH_FORMULAS:
        return
    path = written(tmp_path, form, {"S": [["x", "y"], ["1", value], ["2", "3"]]})
    assert only_problem(path).startswith(said.format(path))
    assert read_lines(path)[1][0].check == check


@pytest.mark.parametrize("shown", ["#N/A", "#DIV/0!", "#WERT!", "#NV", "#NAME?", "#NOM ?", "#DIV/0 !", "Err:502"])
def test_a_formula_of_a_spreadsheet_that_shows_an_error_has_no_value(tmp_path: Path, shown: str) -> None:
    path = written(tmp_path, "ods", {"S": [["x", "y"], ["1", Formula(shown)]]})
    assert f"sheet S, B2 ({shown}): an error instead of a value" in only_problem(path)


@pytest.mark.parametrize("shown", ["#12", "#3 of 4", "# none", "#late scan, see report", "Err: none"])
def test_a_formula_of_a_spreadsheet_may_give_text_with_a_hash(tmp_path: Path, shown: str) -> None:
    assert cells(written(tmp_path, "ods", {"S": [["x", "y"], ["1", Formula(shown)]]}))[1] == ("1", shown)


def test_many_errors_are_one_problem(tmp_path: Path) -> None:
    path = written(tmp_path, "xlsx", {"S": [["x"], *([Error("#N/A")] for _ in range(9))]})
    assert "A6 (#N/A) and 4 more: an error" in only_problem(path)


def test_errors_of_another_sheet_do_not_count(tmp_path: Path) -> None:
    path = written(tmp_path, "xlsx", {"S": [["x"]], "T": [[Error("#N/A")]]})
    assert cells(f"{path}#S") == [("x",)]


@pytest.mark.parametrize("form", EXCEL)
def test_merged_cells_are_refused_where_they_touch_the_table(tmp_path: Path, form: str) -> None:
    rows = [["x", "y"], ["1", "STO"], ["2", None]]
    path = written(tmp_path, form, {"S": rows}, merged={"S": ["B2:B3", "D9:E9"]})
    expected = "sheet S, B2:B3: merged cells, of which only the first has a value: unmerge them and fill every cell"
    assert only_problem(path) == f"row 2, {path}: {expected}"
    assert cells(written(tmp_path, form, {"S": rows}, merged={"S": ["D9:E9"]}))[2] == ("2", "")


def test_merged_cells_of_a_spreadsheet_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "ods", {"S": [["x", "y"], [Spanning("1", 2)]]})
    assert f"row 2, {path}: sheet S, A2:B2: merged cells" in only_problem(path)


def damaged(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as package:
        place = package.getinfo("xl/worksheets/sheet1.xml").header_offset + 60
    content[place] ^= 0xFF
    path.write_bytes(content)


def no_xml(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("xl/workbook.xml", "<workbook><sheets>")
        package.writestr("xl/_rels/workbook.xml.rels", "<Relationships/>")


def archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("scan.nii", "x")


def binary(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("xl/workbook.bin", "x")


def bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for number in range(5):
            package.writestr(f"xl/{number}.xml", bytes(64 << 20))


def vast(path: Path) -> None:
    write_xlsx(path, {"S": [["x"], ["1"]]})
    with zipfile.ZipFile(path) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    part = "xl/worksheets/sheet1.xml"
    parts[part] = parts[part].replace(b'r="2"', b'r="1048576"').replace(b'r="A2"', b'r="XFD1048576"')
    with zipfile.ZipFile(path, "w") as package:
        for name, content in parts.items():
            package.writestr(name, content)


def locked(path: Path) -> None:
    path.write_bytes(b"\xd0\xcf\x11\xe0" + bytes(512) + "EncryptedPackage".encode("utf-16-le"))


def hostile(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as package:
        package.writestr("xl/sharedStrings.xml", '<sst count="1" uniqueCount="99999999999"><si><t>x</t></si></sst>')


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (damaged, "the workbook is damaged ("),
        (flipped, "the workbook is damaged ("),
        (no_xml, "the workbook is damaged (xl/workbook.xml: "),
        (archive, "the table is an archive and no workbook: unpack it"),
        (binary, "the table is a binary Excel workbook (.xlsb): save it as .xlsx or .ods"),
        (bomb, "the workbook unpacks to 320 MiB, more than the 256 MiB that are read"),
        (vast, "sheet S spans the cells A1 to XFD1048576, too many for a table"),
        (locked, "the workbook has a password: save it without a password"),
        (lambda path: path.write_bytes(b"\xd0\xcf\x11\xe0" + bytes(512)), "the workbook is damaged (xls: "),
        (hostile, "the workbook is damaged (xl/workbook.xml: xl/sharedStrings.xml claims 99999999999 texts)"),
        (lambda path: path.write_text("<html><table>"), "the table is a web page or XML"),
    ],
)
def test_a_file_that_is_no_readable_workbook_is_one_problem(
    tmp_path: Path, change: Callable[[Path], object], said: str
) -> None:
    path = write_xlsx(tmp_path / "cohort.xlsx", {"S": [["x"], ["1"]]})
    change(path)
    assert only_problem(str(path)).startswith(f"{path}: {said}")


def test_a_spreadsheet_of_repeated_cells_is_not_unfolded(tmp_path: Path) -> None:
    path = write_ods(tmp_path / "cohort.ods", {"S": [["x"], ["1"]]})
    with zipfile.ZipFile(path) as package:
        content = (
            package.read("content.xml")
            .replace(
                b"<table:table-row><table:table-cell",
                b'<table:table-row table:number-rows-repeated="400000"><table:table-cell',
            )
            .replace(b"<table:table-cell ", b'<table:table-cell table:number-columns-repeated="16384" ')
        )
        kind = package.read("mimetype")
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("mimetype", kind)
        package.writestr("content.xml", content)
    assert "too many for a table" in only_problem(str(path))


def test_a_spreadsheet_with_a_password_is_named(tmp_path: Path) -> None:
    path = write_ods(tmp_path / "cohort.ods", {"S": [["x"]]})
    with zipfile.ZipFile(path, "a") as package, pytest.warns(UserWarning, match="Duplicate name"):
        package.writestr("META-INF/manifest.xml", "<manifest><encryption-data/></manifest>")
    assert only_problem(str(path)) == f"{path}: the workbook has a password: save it without a password"


@pytest.mark.parametrize("form", WRITERS)
def test_a_damaged_workbook_never_ends_the_process(tmp_path: Path, form: str) -> None:
    path = Path(written(tmp_path, form, {"S": [["x", "y"], ["1", 2.5], ["NA", date(2020, 1, 31)]]}))
    whole, random = path.read_bytes(), Random(1)
    for _ in range(40):
        content = bytearray(whole[: random.choice((len(whole), random.randrange(8, len(whole))))])
        for _ in range(random.randrange(1, 5)):
            content[random.randrange(4, len(content))] = random.randrange(256)
        path.write_bytes(content)
        lines, problems = read_lines(str(path))
        assert lines or problems


def test_a_workbook_that_cannot_be_read_is_the_only_problem_of_a_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written(Path(), "xlsx", {"Patients 1": PATIENTS, "T": [["x"]]})
    write_xlsx(Path("raters.xlsx"), {"S": [["patient", "rater", "expertise", "mask"], ["P1", "a", "expert", "m.nii"]]})
    Path("config.yaml").write_text(yaml.safe_dump(config(raters="raters.xlsx")), encoding="utf-8")
    ran = CliRunner().invoke(app, ["check", "cohort.xlsx", "--no-voxels"])
    assert (ran.exit_code, ran.stdout.splitlines()) == (
        1,
        [
            "error: cohort.xlsx: the workbook has 2 sheets (Patients 1, T): name the one to read behind the file, such "
            "as 'cohort.xlsx#Patients 1'",
            "total: 1 error workbook-unreadable",
            "cohort.xlsx: 0 patients to include; the study cannot run",
        ],
    )


def test_check_and_init_read_a_named_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_images(tmp_path, rows(), enlarged=True)
    records = rows()
    header = list(records[0])
    written(
        Path(),
        "xlsx",
        {"P": [header, *([each[column] or None for column in header] for each in records)], "T": [["x"]]},
    )
    mask = "images/AMS1_residual.nii.gz"
    shutil.copy(mask, "mask.nii.gz")
    write_xlsx(
        Path("r.xlsx"), {"S": [["patient", "rater", "expertise", "mask"], ["AMS1", "a", "expert", "mask.nii.gz"]]}
    )
    Path("config.yaml").write_text(yaml.safe_dump(config(raters="r.xlsx")), encoding="utf-8")
    ran = CliRunner().invoke(app, ["check", "cohort.xlsx#P", "--no-voxels"])
    assert (ran.exit_code, ran.stdout) == (0, "cohort.xlsx#P: 4 patients to include; the study can run\n"), ran.output
    ran = CliRunner().invoke(app, ["init", "cohort.xlsx#P", "--out", "my.yaml", "--workers", "1"])
    assert ran.exit_code == 0, ran.output
    assert yaml.safe_load(Path("my.yaml").read_text(encoding="utf-8"))["cohort"] == str(tmp_path / "cohort.xlsx#P")


def test_text_under_the_name_of_a_workbook_is_read(tmp_path: Path) -> None:
    (tmp_path / "cohort.xlsx").write_text("x;y\n1;2\n")
    assert cells(str(tmp_path / "cohort.xlsx")) == [("x", "y"), ("1", "2")]


def test_a_large_sheet_beside_the_named_one_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MOST_CELLS", 3)
    path = write_xlsx(tmp_path / "cohort.xlsx", {"S": [["x"], ["1"]], "T": [["x", "y"], ["1", "2"]]})
    assert cells(f"{path}#S") == [("x",), ("1",)]
    assert "sheet T spans the cells A1 to B2, too many" in only_problem(f"{path}#T")


@pytest.mark.parametrize("form", WRITERS)
def test_a_workbook_is_never_changed(tmp_path: Path, form: str) -> None:
    path = written(tmp_path, form, {"S": PATIENTS})
    before = Path(path).read_bytes()
    for change in (lambda: exclude(path, {"NA": "motion"}), lambda: include(f"{path}#S", ["NA"])):
        with pytest.raises(ResiduaError, match="a workbook is never changed by Residua; write role exclude"):
            change()
    assert Path(path).read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [Path(path).name]


@pytest.mark.parametrize("form", WRITERS)
def test_a_clinical_table_is_read_from_a_named_sheet(tmp_path: Path, form: str) -> None:
    rows = [["Patient_ID", "surgery_date"], ["001", datetime(2020, 1, 31, 14, 30)]]
    path = written(tmp_path, form, {"Notes": [["by hand"]], "Clinic": rows})
    table = read_clinical(Path(f"{path}#Clinic"), None, None)
    assert table is not None
    assert table.rows == ({"patient_id": "001", "surgery_date": "2020-01-31 14:30:00"},)
    with pytest.raises(ResiduaError, match=r"the workbook has 2 sheets \(Notes, Clinic\)"):
        read_clinical(Path(path), None, None)
