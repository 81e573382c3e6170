"""One table in every form in which hospitals send it."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from cohort_tables import COLUMNS, FILES, row, rows
from residua.cohort.problems import Problem
from residua.cohort.table import Patient, Table, parse_table

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


def read(path: Path) -> Table:
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
        ({"hours_since_surgery": "soon"}, "'soon' is no number: give a number (hours)", "cell-not-a-number"),
        ({"hours_since_surgery": "-2"}, "-2 is outside 0 to 8760 (hours): correct it", "value-implausible"),
        ({"hours_since_surgery": "nan"}, "nan is outside 0 to 8760 (hours): correct it", "value-implausible"),
        ({"age": "1961"}, "1961 is outside 0 to 120 (years): correct it", "value-implausible"),
        ({"age": "1.961,5"}, "'1.961,5' is no number: give a number (years)", "cell-not-a-number"),
        ({"sex": "{what}"}, "unknown sex '{what}': write F, M or O", "sex-unknown"),
        ({"field_strength_t": "15000"}, "15000 is outside 0.05 to 20 (tesla): correct it", "value-implausible"),
        ({"patient": "../x"}, "'../x' is no identifier: use the letters A-Z, a-z and digits only", "identifier-unsafe"),
        ({"patient": "P" * 65}, "an identifier of 65 letters: use at most 64", "identifier-long"),
        ({"patient": "Aux"}, "'Aux' is no name for a file on Windows: give it another name", "identifier-reserved"),
        ({"hospital": "Ålesund"}, "'Ålesund' is no identifier: use the letters", "identifier-unsafe"),
        ({"role": "test"}, "unknown role 'test': write auto, holdout or exclude", "role-unknown"),
        ({"role": "exclude"}, "the patient is excluded without a reason: write why", "exclusion-without-reason"),
        ({"post_t1": "~/x.nii.gz"}, "a path that begins with ~ depends on who reads it: write", "path-home"),
    ],
)
def test_a_cell_of_the_wrong_kind_is_one_line_to_mend(
    tmp_path: Path, cells: dict[str, str], said: str, check: str
) -> None:
    (problem,) = told(tmp_path, [{**row("STO1", "STO"), **cells}])
    (column,) = cells if check != "exclusion-without-reason" else ("exclusion_reason",)
    place = f"row 2 (patient {cells.get('patient', 'STO1')}), column {column}: "
    assert str(problem).startswith(place + said)
    assert (problem.check, problem.is_error) == (check, True)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("Post T1CE", "unknown column: did you mean post_t1ce?"),
        ("post-flair", "unknown column: did you mean post_flair?"),
        ("Hours since surgery", "unknown column: did you mean hours_since_surgery?"),
        ("zzz", "unknown column: rename or delete it; known are patient, hospital, role, exclusion_reason, source_id"),
    ],
)
def test_an_unknown_column_gets_a_suggestion(tmp_path: Path, column: str, said: str) -> None:
    (problem,) = told(tmp_path, [row("STO1", "STO")], (*COLUMNS, column))
    assert str(problem).startswith(f"row 1, column {column}: {said}")


def test_ids_that_differ_by_zeros_are_doubted(tmp_path: Path) -> None:
    (problem,) = told(tmp_path, [row("STO1", "STO"), row("STO01", "STO"), row("STO10", "STO")])
    assert (problem.patient, problem.severity, problem.check) == ("STO01", "warning", "patient-zeros")
    assert problem.what == "the patient differs from STO1 in row 2 by zeros only"


def test_a_damaged_parquet_file_is_a_message(tmp_path: Path) -> None:
    path = tmp_path / "cohort.parquet"
    parquet(path)
    path.write_bytes(path.read_bytes()[:-20])
    (problem,) = read(path).problems
    assert problem.what.startswith("cannot be read as Parquet (") and problem.check == "table-unreadable"


def test_patients_are_builtins_for_a_job(tmp_path: Path) -> None:
    path = tmp_path / "cohort.tsv"
    path.write_text(delimited("\t"))
    (first, _) = read(path).patients
    assert isinstance(first, Patient)
    assert all(type(value) is str for value in (*first.files.values(), *first.clinical.values()))
