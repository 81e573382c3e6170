from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cohort_tables import COLUMNS, FILES, row, rows, snapshot, write_table
from residua.errors import ResiduaError
from residua.problems.lists import raise_problems
from residua.problems.problem import Problem, failed
from residua.problems.severity import problem_of
from residua.settings.columns import CONTRACT
from whole_tables import read_patients


def refusal(path: str) -> list[str]:
    """The lines of the error that reading ``path`` raises."""
    with pytest.raises(ResiduaError) as raised:
        read_patients(path, FILES)
    return str(raised.value).splitlines()


@pytest.mark.parametrize("text", ["NA", "nan", "None", "NULL", "Unknown"])
@pytest.mark.parametrize("column", ["hospital", "person"])
def test_an_unknown_hospital_or_person_is_no_name(tmp_path: Path, column: str, text: str) -> None:
    records = [
        {**each, "person": "", **({column: text} if number in (1, 3) else {})} for number, each in enumerate(rows())
    ]
    _, line = refusal(write_table(tmp_path, records, (*COLUMNS, "person")))
    said = f"column {column}: {text} in 2 row(s) (3, 5) says that the {column} is not known, and would be one {column}"
    assert line.strip().removeprefix("error: ").startswith(said)


def test_na_may_be_a_patient_and_the_hospital_of_who_is_excluded(tmp_path: Path) -> None:
    excluded = {"hospital": "unknown", "person": "NA", "role": "exclude", "exclusion_reason": "no hospital"}
    records = [row("NA", "STO"), row("PAR1", "PAR") | excluded]
    found = read_patients(write_table(tmp_path, records, (*COLUMNS, "person")), FILES)
    assert [patient.patient for patient in found] == ["NA", "PAR1"]


@pytest.mark.parametrize("delimiter", ["\t", ",", ";"])
def test_rows_become_patients_in_table_order(tmp_path: Path, delimiter: str) -> None:
    path = write_table(tmp_path, rows(), delimiter=delimiter)
    patients = read_patients(path, FILES)
    assert [patient.patient for patient in patients] == ["STO1", "GOT1", "PAR1", "AMS1"]
    assert [patient.row for patient in patients] == [2, 3, 4, 5]
    assert patients[1].hospital == "GOT"
    assert patients[1].role == "auto"
    assert patients[1].files == {c: str(tmp_path / f"images/GOT1_{c}.nii.gz") for c in FILES}


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(tmp_path: Path) -> None:
    path = Path(write_table(tmp_path, rows()))
    plain = read_patients(str(path), FILES)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_patients(str(path), FILES) == plain


def test_paths_stay_relative_to_the_table_as_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_table(tmp_path, [row("STO1", "STO", post_t1="./a/../b.nii.gz", residual="/data/r.nii.gz")])
    monkeypatch.chdir(tmp_path.parent)
    (patient,) = read_patients(f"{tmp_path.name}/cohort.tsv", FILES)
    assert patient.files["post_t1"] == f"{tmp_path.name}/b.nii.gz"
    assert patient.files["residual"] == "/data/r.nii.gz"
    monkeypatch.chdir(tmp_path)
    assert read_patients("cohort.tsv", FILES)[0].files["post_t1"] == "b.nii.gz"


@pytest.mark.parametrize("cell", ["", "n/a", "N/A", "  "])
def test_a_missing_cell_is_an_absent_key(tmp_path: Path, cell: str) -> None:
    columns = (*COLUMNS, "age", "sex")
    path = write_table(tmp_path, [row("STO1", "STO", residual=cell, age=cell, sex="F")], columns)
    (patient,) = read_patients(path, FILES)
    assert "residual" not in patient.files
    assert len(patient.files) == len(FILES) - 1
    assert patient.clinical == {"sex": "F"}


def test_blank_lines_are_skipped_and_still_counted(tmp_path: Path) -> None:
    path = Path(write_table(tmp_path, rows()))
    header, first, *rest = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([header, first, "", "\t\t", *rest]), encoding="utf-8")
    assert [patient.row for patient in read_patients(str(path), FILES)] == [2, 5, 6, 7]


def test_rows_are_counted_as_an_editor_does_even_after_a_cell_of_two_lines(tmp_path: Path) -> None:
    records = [row("STO1", "STO", role="exclude", exclusion_reason='"two\nlines"'), row("GOT1", "GOT", role="odd")]
    assert refusal(write_table(tmp_path, records))[1].startswith("  row 4 (patient GOT1), column role: ")


def test_all_problems_are_reported_at_once_and_nothing_is_changed(tmp_path: Path) -> None:
    records = [
        row("STO1", "STO"),
        row("STO1", "STO"),
        row("sto1", "STO"),
        row("STO-2", "ST O"),
        row("GOT1", "GOT", role="test"),
        row("GOT2", "GOT", role="exclude"),
        row("", "GOT"),
    ]
    columns = [column for column in COLUMNS if column != "post_flair"]
    path = write_table(tmp_path, records, [*columns, "post_t1c", "colour"])
    before = snapshot(tmp_path)
    title, *lines = refusal(path)
    assert title == f"{path}: the cohort table cannot be used (10 to correct):"
    assert lines[:3] == [
        "  row 1, column post_flair: the column is missing: add it to the table",
        "  row 1, column post_t1c: unknown column: did you mean post_t1ce?",
        f"  row 1, column colour: unknown column: rename or delete it; known are {', '.join(CONTRACT)}",
    ]
    reason = "the patient is excluded without a reason: write the reason; the flow chart counts reasons"
    assert lines[3:] == [
        "  row 3 (patient STO1), column patient: the patient is also in row 2: give every patient one row",
        "  row 4 (patient sto1), column patient: the patient differs from STO1 in row 2 by upper and lower case only: "
        "rename one; some disks cannot keep their files apart",
        "  row 5 (patient STO-2), column patient: 'STO-2' is not an identifier: use letters A-Z, a-z and digits only",
        "  row 5 (patient STO-2), column hospital: 'ST O' is not an identifier: use letters A-Z, a-z and digits only",
        "  row 6 (patient GOT1), column role: unknown role 'test': write auto, holdout or exclude",
        f"  row 7 (patient GOT2), column exclusion_reason: {reason}",
        "  row 8, column patient: '' is not an identifier: use letters A-Z, a-z and digits only",
    ]
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("column", ["patient", "hospital", "role"])
def test_a_column_that_every_study_needs_is_missed(tmp_path: Path, column: str) -> None:
    path = write_table(tmp_path, rows(), tuple(c for c in COLUMNS if c != column))
    assert refusal(path)[1:] == [f"  row 1, column {column}: the column is missing: add it to the table"]


def test_a_column_of_the_study_is_known_and_one_it_does_not_need_may_be_missing(tmp_path: Path) -> None:
    path = write_table(tmp_path, [row("STO1", "STO", post_dwi="d.nii.gz")], (*COLUMNS, "post_dwi"))
    (patient,) = read_patients(path, (*FILES, "post_dwi", "late"), needed=FILES)
    assert patient.files["post_dwi"] == str(tmp_path / "d.nii.gz")
    assert "column post_dwi: unknown column" in refusal(path)[1]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "the table is empty: give a header and one row per patient"),
        (b"\n \n", "the table is empty: give a header and one row per patient"),
        ("\t".join(COLUMNS).encode(), "the table has no patient: add one row per patient"),
        (b"\xff\x00\x01 no text", "the table is not UTF-8 text: save it as TSV or CSV in UTF-8"),
    ],
)
def test_a_file_that_is_no_table_is_named(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "cohort.tsv"
    path.write_bytes(content)
    assert refusal(str(path))[1:] == [f"  {path}: {told}"]


def test_a_table_that_is_not_there_and_a_folder_are_named(tmp_path: Path) -> None:
    assert (
        f"{tmp_path}/no.tsv: the table cannot be read (No such file or directory)" in refusal(f"{tmp_path}/no.tsv")[1]
    )
    assert f"{tmp_path}: the table cannot be read (Is a directory)" in refusal(str(tmp_path))[1]


def test_an_open_quotation_mark_names_the_row_where_it_begins(tmp_path: Path) -> None:
    records = [*rows(), row("STO2", "STO", exclusion_reason='"never closed'), row("STO3", "STO")]
    assert "row 6, " in refusal(write_table(tmp_path, records))[1]


def test_a_row_with_too_few_or_too_many_cells_is_named(tmp_path: Path) -> None:
    path = Path(write_table(tmp_path, rows()))
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[2] += "\tmore"
    lines[3] = lines[3].rsplit("\t", 1)[0]
    path.write_text("\n".join(lines), encoding="utf-8")
    assert [line.split(": ", 1) for line in refusal(str(path))[1:]] == [
        ["  row 3 (patient GOT1)", "11 cells under 10 columns: give every row one cell per column"],
        ["  row 4 (patient PAR1)", "9 cells under 10 columns: give every row one cell per column"],
    ]


def test_repeated_and_unnamed_columns_are_reported(tmp_path: Path) -> None:
    told = refusal(write_table(tmp_path, rows(), (*COLUMNS, "role", "")))
    assert told[1:] == [
        "  row 1, column role: the column is twice in the header: delete one",
        "  row 1: column number 12 has no name: name or delete it",
    ]


def test_a_problem_is_one_line_whatever_a_cell_holds() -> None:
    problem = problem_of("file-missing", "not\nthere", "look", "STO004", "post_t1", 7, "images/a\r\u2028b")
    assert str(problem) == r"row 7 (patient STO004), column post_t1, images/a\r\u2028b: not\nthere: look"
    assert str(problem_of("file-missing", "odd", "correct it", "STO4")) == "patient STO4: odd: correct it"


def test_a_subject_is_called_a_column_where_a_table_is_wrong() -> None:
    assert str(problem_of("folds-table", "odd", "correct it", subject="fold")) == "column fold: odd: correct it"
    failure = failed("extraction-empty", "odd", "correct it", "STO4", "brain mask")
    assert str(failure) == "patient STO4, brain mask: odd: correct it"


def test_a_problem_is_stored_as_it_is() -> None:
    problem = problem_of("image-wrapped", "odd", "correct it", "STO4", "post_t1", 3, "images/a.nii.gz")
    assert problem.is_warning
    assert Problem.from_json(json.loads(json.dumps(problem.to_json()))) == problem


def test_warnings_alone_raise_nothing_and_are_not_counted() -> None:
    warning = problem_of("image-wrapped", "a doubt", "look")
    raise_problems([warning], "title")
    with pytest.raises(ResiduaError, match=r"^title \(1 to correct\):\n  wrong: correct it$"):
        raise_problems([warning, problem_of("file-missing", "wrong", "correct it")], "title")


CELLS = st.one_of(st.sampled_from([*CONTRACT, "STO1", "STO", "auto", "exclude", "n/a", '"']), st.text(max_size=6))


def _csv(records: list[list[str]]) -> bytes:
    stream = io.StringIO()
    csv.writer(stream, delimiter="\t").writerows([list(COLUMNS), *records])
    return stream.getvalue().encode("utf-8", "surrogatepass")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=80), st.lists(st.lists(CELLS, max_size=11), max_size=4).map(_csv)))
@example(_csv([["A1", "A", "auto", "", *["x\0y"] * 6]]))
@example(b"a" * 200_000)
def test_any_content_is_read_or_refused_with_a_message(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "cohort.tsv"
    path.write_bytes(content)
    try:
        patients = read_patients(str(path), FILES)
    except ResiduaError as error:
        assert str(path) in str(error)  # noqa: PT017
        assert len(str(error).splitlines()) > 1  # noqa: PT017
    else:
        assert patients
        assert all(patient.patient.isalnum() and patient.patient.isascii() for patient in patients)
    assert path.read_bytes() == content
