"""One table in every form in which hospitals send it."""

from __future__ import annotations

import codecs
import gzip
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cohort_tables import COLUMNS, FILES, row, rows
from residua.cohort.table.patient import Patient
from residua.cohort.table.patients import PatientTable, parse_table
from residua.problems.problem import Problem

ALL = (*COLUMNS, "source_id", "hours_since_surgery", "age", "sex", "field_strength_t", "manufacturer")


def records() -> list[dict[str, str]]:
    """Two patients with clinical columns; the second has none."""
    first = {**rows()[0], "source_id": "sub-001", "hours_since_surgery": "36.5", "age": "61", "sex": "F"}
    return [{**first, "field_strength_t": "1.5", "manufacturer": "Siemens"}, rows()[1]]


def delimited(delimiter: str, comma: bool = False) -> str:
    """The table as text; numbers with a decimal comma on request."""
    lines = [delimiter.join(ALL)]
    for record in records():
        cells = [record.get(column, "") for column in ALL]
        lines.append(delimiter.join(c.replace("36.5", "36,5").replace("1.5", "1,5") if comma else c for c in cells))
    return "\n".join(lines) + "\n"


def parquet(path: Path) -> None:
    frame = pd.DataFrame([{column: record.get(column) for column in ALL} for record in records()])
    numbers = {"hours_since_surgery": float, "age": "Int64", "field_strength_t": float}
    frame = frame.assign(**{name: pd.to_numeric(frame[name]) for name in numbers}).astype(numbers)
    frame.astype({"sex": "category"}).to_parquet(path)


FORMS: dict[str, Callable[[Path], object]] = {
    "tab": lambda path: path.write_text(delimited("\t")),
    "comma": lambda path: path.write_text(delimited(",")),
    "semicolon and decimal comma": lambda path: path.write_text(delimited(";", comma=True)),
    "tab and decimal comma": lambda path: path.write_text(delimited("\t", comma=True)),
    "bar": lambda path: path.write_text(delimited("|")),
    "caret": lambda path: path.write_text(delimited("^")),
    "byte-order mark": lambda path: path.write_bytes(codecs.BOM_UTF8 + delimited(";").encode()),
    "UTF-16": lambda path: path.write_bytes(delimited("\t").encode("utf-16")),
    "Windows line ends": lambda path: path.write_bytes(delimited(",").replace("\n", "\r\n").encode()),
    "Parquet": parquet,
}


def read(path: Path) -> PatientTable:
    return parse_table(str(path), FILES)


@pytest.mark.parametrize("form", FORMS)
def test_equal_content_gives_equal_patients_in_every_form(tmp_path: Path, form: str) -> None:
    plain = tmp_path / "plain.tsv"
    plain.write_text(delimited("\t"))
    # Whatever it is called: content decides.
    other = tmp_path / "cohort.txt"
    FORMS[form](other)
    before = other.read_bytes()
    expected, found = read(plain), read(other)
    assert found.problems == expected.problems == ()
    assert found.patients == expected.patients
    assert [patient.row for patient in found.patients] == [2, 3]
    assert other.read_bytes() == before


def test_clinical_cells_are_typed(tmp_path: Path) -> None:
    path = tmp_path / "cohort.csv"
    path.write_text(delimited(";", comma=True).replace(";F;", ";female;"))
    first, second = read(path).patients
    expected = {"hours_since_surgery": "36.5", "age": "61", "sex": "F", "field_strength_t": "1.5"}
    assert first.clinical == {**expected, "manufacturer": "Siemens"}
    assert (first.hours_since_surgery, second.hours_since_surgery) == (36.5, None)
    assert second.clinical == {}


def told(tmp_path: Path, records: list[dict[str, str]], columns: tuple[str, ...] = ALL) -> list[Problem]:
    path = tmp_path / "cohort.tsv"
    lines = ["\t".join(columns), *("\t".join(record.get(column, "") for column in columns) for record in records)]
    path.write_text("\n".join(lines) + "\n")
    return list(read(path).problems)


@pytest.mark.parametrize(
    ("cells", "said", "check"),
    [
        ({"hours_since_surgery": "soon"}, "'soon' is not a number: give a number (hours)", "cell-not-a-number"),
        ({"hours_since_surgery": "-2"}, "-2 is less than 0 (hours): correct it", "value-implausible"),
        ({"hours_since_surgery": "nan"}, "'nan' is not a number: give a number (hours)", "cell-not-a-number"),
        ({"hours_since_surgery": "1e999"}, "'1e999' is not a number: give a number (hours)", "cell-not-a-number"),
        ({"hours_since_surgery": "3_6"}, "'3_6' is not a number: give a number (hours)", "cell-not-a-number"),
        ({"hours_since_surgery": "1,234"}, "'1,234' may be 1.234 or 1234: write the number", "cell-not-a-number"),
        ({"age": "1961"}, "1961 is outside 0 to 120 (years): correct it", "value-implausible"),
        ({"age": "1.961,5"}, "'1.961,5' is not a number: give a number (years)", "cell-not-a-number"),
        ({"sex": "{what}"}, "unknown sex '{what}': write F, M or O", "sex-unknown"),
        ({"field_strength_t": "15000"}, "15000 is outside 0.05 to 20 (tesla): correct it", "value-implausible"),
        (
            {"patient": "../x"},
            "'../x' is not an identifier: use letters A-Z, a-z and digits only",
            "identifier-unsafe",
        ),
        ({"patient": "P" * 65}, "an identifier of 65 letters: use at most 64", "identifier-long"),
        (
            {"patient": "Aux"},
            "'Aux' cannot be the name of a file on Windows: give it another name",
            "identifier-reserved",
        ),
        ({"hospital": "Ålesund"}, "'Ålesund' is not an identifier: use letters", "identifier-unsafe"),
        ({"role": "test"}, "unknown role 'test': write auto, holdout or exclude", "role-unknown"),
        ({"role": "exclude"}, "the patient is excluded without a reason: write the reason", "exclusion-without-reason"),
        ({"post_t1": "~/x.nii.gz"}, "a path that begins with ~ depends on the user: write", "path-home"),
        ({"post_t1": "https://host/x.nii.gz"}, "a web address instead of a path: copy the file here", "path-foreign"),
        ({"post_t1": r"D:\scans\x.nii.gz"}, "a path as Windows writes it: write / instead", "path-foreign"),
        ({"post_t1": "{old}/x.nii.gz"}, "a path with { or }, which the workflow would read", "path-braces"),
        ({"post_t1": "a}/x.nii.gz"}, "a path with { or }, which the workflow would read", "path-braces"),
    ],
)
def test_a_wrong_cell_is_one_problem(tmp_path: Path, cells: dict[str, str], said: str, check: str) -> None:
    (problem,) = told(tmp_path, [{**row("STO1", "STO"), **cells}])
    (column,) = cells if check != "exclusion-without-reason" else ("exclusion_reason",)
    place = f"row 2 (patient {cells.get('patient', 'STO1')}), column {column}: "
    assert str(problem).startswith(place + said)
    assert (problem.check, problem.is_error) == (check, True)


def test_a_folder_that_the_workflow_would_take_for_a_placeholder_is_one_problem(tmp_path: Path) -> None:
    folder = tmp_path / "{site}"
    folder.mkdir()
    (problem,) = told(folder, rows())
    assert (problem.check, problem.file, problem.row) == ("path-braces", f"{folder}/cohort.tsv", None)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("Post T1CE", "unknown column: did you mean post_t1ce?"),
        ("post-flair", "unknown column: did you mean post_flair?"),
        ("PostT1CE", "unknown column: did you mean post_t1ce?"),
        ("Gender", "unknown column: did you mean sex?"),
        ("Hours since surgery", "unknown column: did you mean hours_since_surgery?"),
        ("zzz", "unknown column: rename or delete it; known are patient, hospital, role, exclusion_reason, source_id"),
    ],
)
def test_an_unknown_column_gets_a_suggestion(tmp_path: Path, column: str, said: str) -> None:
    (problem,) = told(tmp_path, [row("STO1", "STO")], (*COLUMNS, column))
    assert problem.check == "column-unknown"
    assert str(problem).startswith(f"row 1, column {column}: {said}")


def test_ids_that_differ_by_zeros_are_doubted(tmp_path: Path) -> None:
    (problem,) = told(tmp_path, [row("STO1", "STO"), row("STO01", "STO"), row("STO10", "STO")])
    assert (problem.patient, problem.severity, problem.check) == ("STO01", "warning", "patient-zeros")
    assert problem.what == "the patient differs from STO1 in row 2 by zeros only"


def test_another_word_for_a_column_is_suggested_unless_that_is_there(tmp_path: Path) -> None:
    renamed = tuple("Subject" if column == "patient" else column for column in COLUMNS)
    missing, unknown = told(tmp_path, [row("STO1", "STO")], renamed)
    assert (missing.subject, unknown.remedy) == ("patient", "did you mean patient?")
    (problem,) = told(tmp_path, [row("STO1", "STO")], (*COLUMNS, "Subject"))
    assert problem.remedy.startswith("rename or delete it")


@pytest.mark.parametrize(("cell", "hours"), [("36,5", 36.5), ("0,175", 0.175), ("1234,5", 1234.5), ("9600", 9600.0)])
def test_numbers_that_mean_one_thing_are_read(tmp_path: Path, cell: str, hours: float) -> None:
    path = tmp_path / "cohort.csv"
    path.write_text(f"patient;hospital;role;hours_since_surgery\nSTO1;STO;auto;{cell}\n")
    table = parse_table(str(path), ())
    assert (table.problems, table.patients[0].hours_since_surgery) == ((), hours)


def test_all_problems_of_a_row_are_reported_at_once(tmp_path: Path) -> None:
    problems = told(tmp_path, [row("STO1", "STO", role="exclude", age="old", post_t1="~/x")])
    assert [problem.check for problem in problems] == ["exclusion-without-reason", "cell-not-a-number", "path-home"]


def test_two_spellings_of_a_hospital_are_an_error_once(tmp_path: Path) -> None:
    records = [row("STO1", "STO"), row("STO2", "Sto"), row("STO3", "Sto"), row("GOT1", "GOT")]
    (problem,) = told(tmp_path, records)
    assert (problem.row, problem.check, problem.is_error) == (3, "hospital-case", True)
    assert problem.what == "hospital Sto differs from STO in row 2 by upper and lower case only"


def test_one_source_id_under_two_patients_of_a_hospital_is_doubted_and_not_printed(tmp_path: Path) -> None:
    records = [row("STO1", "STO", source_id="MRN-7"), row("STO2", "STO", source_id="MRN-7")]
    (problem,) = told(tmp_path, [*records, row("GOT1", "GOT", source_id="MRN-7"), row("GOT2", "GOT")])
    assert (problem.patient, problem.severity, problem.check) == ("STO2", "warning", "source-repeated")
    assert problem.what == "the same source_id as patient STO1 in row 2"


def test_a_sequence_that_only_the_config_knows_may_stand_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "cohort.csv"
    path.write_text("post_t2,role,hospital,patient\n../t2.nii.gz,auto,STO,STO1\n")
    table = parse_table(str(path), ("post_t2",))
    assert table.problems == ()
    assert table.patients[0].files == {"post_t2": str(tmp_path.parent / "t2.nii.gz")}


def test_a_delimiter_line_before_the_header_is_used_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "cohort.csv"
    path.write_text("sep=;\r\n" + delimited(";").replace("\n", "\r\n"))
    assert [patient.row for patient in read(path).patients] == [3, 4]
    assert read(path).problems == ()


def test_quoted_names_of_columns_do_not_decide_the_delimiter(tmp_path: Path) -> None:
    path = tmp_path / "cohort.csv"
    path.write_text('patient;hospital;role;"a,b,c,d,e"\nSTO1;STO;auto;x\n')
    (problem,) = parse_table(str(path), ()).problems
    assert (problem.subject, problem.check) == ("a,b,c,d,e", "column-unknown")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("x\nMalmö".encode("latin_1"), "is not UTF-8 text and seems to be latin-1 (ISO 8859-1): byte 0xF6 in line 2"),
        ("x\r\ny\r\n€".encode("cp1252"), "is not UTF-8 text and seems to be Windows-1252: byte 0x80 in line 3"),
        ("patient\thospital".encode("utf-16-le"), "seems to be UTF-16 without a byte order mark"),
        (codecs.BOM_UTF8 + b"x\nMalm\xf6", "is not UTF-8 text: save it as TSV or CSV in UTF-8"),
        (codecs.BOM_UTF16_LE + b"a\0b", "begins as UTF-16 text and is damaged"),
        (b"<?xml version='1.0'?><Workbook/>", "is a web page or XML, as some programs write"),
        (b"\r\n<HTML><TABLE>", "is a web page or XML, as some programs write"),
        (gzip.compress(b"patient", mtime=0), "is compressed (gzip): unpack it"),
    ],
)
def test_files_that_are_not_text_are_named(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "cohort.csv"
    path.write_bytes(content)
    (problem,) = read(path).problems
    assert str(problem).startswith(f"{path}: the table {said}")
    assert (problem.check, path.read_bytes()) == ("table-encoding", content)


def test_an_unnamed_index_is_no_column_and_numbers_of_single_precision_are_read_as_written(tmp_path: Path) -> None:
    path = tmp_path / "cohort.parquet"
    frame = pd.DataFrame([{column: record.get(column) for column in COLUMNS} for record in rows()]).iloc[1:]
    frame.assign(age=pd.Series([61.3] * 4, dtype="float32"), patient=[101.0, 102.0, 103.0]).to_parquet(path)
    table = read(path)
    assert table.problems == ()
    assert [patient.patient for patient in table.patients] == ["101", "102", "103"]
    assert table.patients[0].clinical == {"age": "61.3"}


def test_parquet_is_read_without_columns_from_names_of_folders(tmp_path: Path) -> None:
    path = tmp_path / "hospital=STO" / "cohort.parquet"
    path.parent.mkdir()
    pd.DataFrame({"patient": ["STO1"], "role": ["auto"]}).to_parquet(path)
    assert [problem.subject for problem in parse_table(str(path), ()).problems] == ["hospital"]


def test_a_repeated_column_of_parquet_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "cohort.parquet"
    names = ["patient", "hospital", "role", "role"]
    pq.write_table(pa.table([pa.array([text]) for text in ("STO1", "STO", "auto", "auto")], names=names), path)
    (problem,) = parse_table(str(path), ()).problems
    assert (problem.subject, problem.check) == ("role", "column-repeated")


def test_a_table_of_text_loads_no_parquet_library(tmp_path: Path) -> None:
    path = tmp_path / "cohort.tsv"
    path.write_text(delimited("\t"))
    listed = (
        "import sys; from residua.cohort.table.patients import parse_table; "
        f"assert len(parse_table({str(path)!r}, {FILES!r}).patients) == 2; "
        "print({'numpy', 'pandas', 'pyarrow', 'python_calamine'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", listed], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_a_damaged_parquet_file_is_a_message(tmp_path: Path) -> None:
    path = tmp_path / "cohort.parquet"
    parquet(path)
    path.write_bytes(path.read_bytes()[:-20])
    (problem,) = read(path).problems
    assert problem.what.startswith("cannot be read as Parquet (")
    assert problem.check == "table-unreadable"


def test_patients_are_builtins_for_a_job(tmp_path: Path) -> None:
    path = tmp_path / "cohort.tsv"
    path.write_text(delimited("\t"))
    (first, _) = read(path).patients
    assert isinstance(first, Patient)
    assert all(type(value) is str for value in (*first.files.values(), *first.clinical.values()))
