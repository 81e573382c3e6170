from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cohort_tables import FILES
from dicom_commands import Rows, confirm, convert, propose, residua
from dicom_trees import IDENTITY, T1CE, write_series
from residua.cohort.table.patients import parse_table
from residua.errors import ResiduaError
from residua.importers.cells import moment_of
from residua.importers.dicom.moments import Moment, interval, written
from residua.importers.dicom.surgeries import read_surgeries

GD = "T1 MPRAGE +GD"
NO_TIME = {"StudyTime": "", "SeriesTime": "", "AcquisitionTime": None}


def write(pacs: Path, *times: str, **tags: Any) -> None:
    """Write a study with one T1-CE at each of ``times``."""
    for number, when in enumerate(times, start=1):
        write_series(pacs / str(number), GD, when, f"1.2.{number}", number, **T1CE | tags)


def surgeries(*times: str) -> str:
    return "\n".join(f"{IDENTITY},{when}" for when in times)


def columns(rows: Rows) -> list[str]:
    return [row["column"] for row in rows]


def included(out: Path) -> Any:
    """The patient of the converted cohort."""
    (patient,) = parse_table(str(out.parent / "cohort" / "cohort.tsv"), FILES).patients
    return patient


@pytest.mark.parametrize(
    ("tags", "surgery"),
    [
        (NO_TIME, "2020-01-02 13:00"),
        ({}, "2020-01-02"),
        ({}, "20200102"),
        (NO_TIME, "2020-01-02"),
        # An anonymised time.
        ({"StudyTime": "000000", "SeriesTime": "000000", "AcquisitionTime": "000000.000000"}, "2020-01-02 13:00"),
        ({"StudyTime": "", "SeriesTime": "", "AcquisitionTime": "07"}, "2020-01-02 13:00"),
        ({}, "2020-01-02 00:00"),
    ],
)
def test_without_a_time_of_day_hours_are_whole_days_with_a_remark(
    tmp_path: Path, tags: dict[str, Any], surgery: str
) -> None:
    write(tmp_path / "pacs", "20200104 0730", **tags)
    out, (row,), _ = propose(tmp_path / "pacs", surgeries(surgery))
    assert (row["column"], row["hours_since_surgery"], row["confidence"]) == ("post_t1ce", "48", "0.90")
    assert "2 whole days (no time of day) after surgery" in row["reasons"]
    confirm(out, [row])
    assert convert(out).exit_code == 0
    assert included(out).hours_since_surgery == 48
    record = (out.parent / "cohort" / "import.json").read_text()
    assert "hours after surgery: 2 whole days between the dates of surgery and scan" in record


@pytest.mark.parametrize(
    ("tags", "surgery"), [(NO_TIME, "2020-01-02 13:00"), ({}, "2020-01-02"), (NO_TIME, "20200102")]
)
def test_day_of_surgery_without_a_time_is_asked(tmp_path: Path, tags: dict[str, Any], surgery: str) -> None:
    write(tmp_path / "pacs", "20200102 0730", **tags)
    out, (row,), printed = propose(tmp_path / "pacs", surgeries(surgery))
    assert (row["column"], row["session"], row["hours_since_surgery"], row["confidence"]) == ("", "", "", "0.00")
    assert "question: on the day of surgery, without a time of day: was it before or after?" in row["reasons"]
    assert "1 series raise a question under reasons" in printed
    # Whoever writes a post-operative column answers that it was after surgery: on that day, 0 whole days.
    confirm(out, [{**row, "column": "post_t1ce"}])
    assert convert(out).exit_code == 0
    assert included(out).hours_since_surgery == 0
    assert not included(out).excluded


def test_times_before_and_after_on_the_day_of_surgery_are_used(tmp_path: Path) -> None:
    write(tmp_path / "pacs", "20200102 0730", "20200102 2100")
    _, rows, _ = propose(tmp_path / "pacs", surgeries("2020-01-02 13:00"))
    assert columns(rows) == ["pre_t1ce", "post_t1ce"]
    assert [row["confidence"] for row in rows] == ["1.00", "1.00"]


@pytest.mark.parametrize(
    ("scans", "operations", "expected"),
    [
        # The surgery that has a scan within the window is the one studied.
        (["20200101 0900", "20200103 0900"], ["2020-01-02 13:00", "2020-03-02 13:00"], ["pre_t1ce", "post_t1ce"]),
        (["20200101 0900", "20200103 0900"], ["2020-03-02 13:00", "2020-01-02 13:00"], ["pre_t1ce", "post_t1ce"]),
        (["20200103 0900"], ["2020-01-02 13:00", "2020-01-09 13:00"], ["post_t1ce"]),
        (["20200103 0900", "20200401 0900"], ["2020-01-02 13:00", "2020-03-02 13:00"], ["post_t1ce", ""]),
        (["20200301 0900", "20200303 0900"], ["2019-01-02", "2020-03-02 13:00"], ["pre_t1ce", "post_t1ce"]),
        # Both have one, or none has.
        (["20200103 0900", "20200303 0900"], ["2020-01-02 13:00", "2020-03-02 13:00"], ["", ""]),
        (["20200101 0900", "20200103 0900", "20200303 0900"], ["2020-01-02", "2020-03-02"], ["", "", ""]),
        (["20200203 0900"], ["2020-01-02 13:00", "2020-03-02 13:00"], [""]),
        (["20191203 0900"], ["2020-01-02 13:00", "2020-03-02 13:00"], [""]),
        # A re-operation on the next day.
        (["20200103 0800", "20200104 0900"], ["2020-01-02 13:00", "2020-01-03 13:00"], ["", ""]),
        # The same surgery twice in the table.
        (["20200101 0900", "20200103 0900"], ["2020-01-02 13:00", "2020-01-02"], ["pre_t1ce", "post_t1ce"]),
    ],
)
def test_of_several_surgeries_the_one_that_fits_the_scans_counts_or_a_question_is_asked(
    tmp_path: Path, scans: list[str], operations: list[str], expected: list[str]
) -> None:
    write(tmp_path / "pacs", *scans)
    _, rows, _ = propose(tmp_path / "pacs", surgeries(*operations))
    assert columns(rows) == expected
    assert all(
        "question: the patient had 2 surgeries" in row["reasons"] for row in rows if expected == [""] * len(rows)
    )
    if operations[1] != "2020-01-02":
        assert all(float(row["confidence"]) < 1 for row in rows)


def test_scan_between_two_surgeries_is_pre_operative_at_half_the_confidence(tmp_path: Path) -> None:
    write(tmp_path / "pacs", "20200301 0900", "20200303 0900")
    out, rows, _ = propose(tmp_path / "pacs", surgeries("2020-01-02 13:00", "2020-03-02 13:00"))
    before, after = rows
    assert (before["column"], before["confidence"]) == ("pre_t1ce", "0.50")
    assert "before surgery (2 of 2), but not before an earlier surgery" in before["reasons"]
    assert (after["column"], after["confidence"], after["hours_since_surgery"]) == ("post_t1ce", "0.90", "20")
    confirm(out, rows)
    assert convert(out).exit_code == 0
    assert included(out).hours_since_surgery == 20


@pytest.mark.parametrize(
    ("first", "second"),
    [({"StudyDate": "", "SeriesDate": "", "AcquisitionDate": ""}, {}), (NO_TIME, NO_TIME)],
)
def test_order_of_studies_that_is_not_known_is_asked(
    tmp_path: Path, first: dict[str, Any], second: dict[str, Any]
) -> None:
    for number, tags in enumerate((first, second), start=1):
        write_series(tmp_path / "pacs" / str(number), GD, "20200103 0930", f"1.2.{number}", number, **T1CE | tags)
    _, rows, _ = propose(tmp_path / "pacs")
    assert columns(rows) == ["", ""]
    assert all("question: " in row["reasons"] for row in rows)


def test_unreadable_dates_are_remarked_and_not_shown(tmp_path: Path) -> None:
    tags = {"PatientSex": "W", "PatientAge": "old", "AcquisitionDate": "20201340"}
    write_series(tmp_path / "pacs", GD, "20200103 0930", "1.2.3", **T1CE | tags)
    out, (row,), _ = propose(tmp_path / "pacs", surgeries("2020-01-02 13:00"))
    assert (row["column"], row["hours_since_surgery"]) == ("post_t1ce", "20")
    assert "AcquisitionDate cannot be read" in row["reasons"]
    assert "PatientAge cannot be read" in row["reasons"]
    assert "PatientSex is not F, M or O: sex is left empty" in row["reasons"]
    assert "20201340" not in (out / "proposal.tsv").read_text()


def test_surgeries_without_patient_and_patients_without_surgery_are_counted(tmp_path: Path) -> None:
    write(tmp_path / "pacs", "20200103 0900")
    _, _, printed = propose(tmp_path / "pacs", "4711,2020-01-02 13:00\n4712,")
    assert "no surgery given for 1 of 1 patients: STO001" in printed
    assert "1 patient(s) of the table of surgeries are not in the export: compare patient_id" in printed


@pytest.mark.parametrize(
    ("cell", "hours", "exact"),
    [
        ("2020-01-02 13:00", 8.0, True),
        ("2020-01-02T13:00:30", 8 - 30 / 3600, True),
        ("202001021300", 8.0, True),
        ("2020-01-02 9:00", 12.0, True),
        ("2020-01-01", 24.0, False),
        # As in every other table: dots put the day first, and so does a first number that is no month.
        ("01.01.2020 21:00", 24.0, True),
        ("31/12/2019", 48.0, False),
        ("2020-01-02 01:00 pm", 8.0, True),
        # Exactly midnight stands for an unknown time; a leap second is the second before it.
        ("2020-01-01 00:00", 24.0, False),
        ("20200101000000", 24.0, False),
        ("2020-01-01 20:59:60", 24 + 1 / 3600, True),
    ],
)
def test_dates_of_surgery_are_read_with_and_without_time(cell: str, hours: float, exact: bool) -> None:
    scan, surgery = written("2020-01-02 21:00"), written(cell)
    assert interval(surgery, scan).hours == pytest.approx(hours)
    assert interval(surgery, scan).exact is exact


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("02/01/2020", "may be two dates"),
        ("2-1-2020 13:00", "may be two dates"),
        ("2020-13-01", "is no moment"),
        ("2020-01-02 25:00", "is no moment"),
        ("2020-01-02 13:00:61", "is no moment"),
        ("2020-01-02 13 Uhr", "is not a date"),
        ("yesterday", "is not a date"),
        ("2020-01-02T13:00Z", "has a time zone"),
    ],
)
def test_other_dates_of_surgery_are_refused_with_the_row(cell: str, why: str, tmp_path: Path) -> None:
    table = tmp_path / "surgery.csv"
    table.write_text(f"patient_id,surgery\nP1,2020-01-02\nP2,{cell}\n")
    with pytest.raises(ResiduaError) as raised:
        read_surgeries(table)
    assert str(raised.value).startswith(f"{table}: row 3: surgery {cell!r} {why}")


def test_the_tables_of_all_importers_read_a_moment_alike() -> None:
    for cell in ("2020-01-04T20:00:00", "04.01.2020", "20200104 0000", "2020-01-04 23:59:60", "13/01/2020 9:00"):
        cells = moment_of("acq_time", cell)
        assert cells is not None
        assert written(cell) == Moment(cells.at.date(), cells.at.time() if cells.has_time else None)


def test_latest_of_several_scans_before_surgery_is_preferred(tmp_path: Path) -> None:
    write(tmp_path / "pacs", "20180101 0900", "20200101 0900", "20200103 0900")
    _, rows, _ = propose(tmp_path / "pacs", surgeries("2020-01-02 13:00"))
    assert columns(rows) == ["", "pre_t1ce", "post_t1ce"]


def test_scan_before_surgery_that_is_confirmed_as_post_operative_is_excluded(tmp_path: Path) -> None:
    write(tmp_path / "pacs", "20200101 0900", "20200103 0900")
    out, rows, _ = propose(tmp_path / "pacs", surgeries("2020-01-02 13:00"))
    confirm(out, [{**rows[0], "column": "post_t1ce"}, {**rows[1], "column": "pre_t1ce"}])
    assert residua("import", "dicom-convert", out, "--out", tmp_path / "cohort", "--assume-early").exit_code == 0
    assert included(out).exclusion_reason == "not early post-operative: the scan was before surgery"
    assert "pre_t1ce was acquired after surgery" in (tmp_path / "cohort" / "import.json").read_text()


def test_dates_that_contradict_each_other_are_remarked(tmp_path: Path) -> None:
    write(tmp_path / "pacs", "20200103 0930", StudyDate="19900103")
    _, (row,), _ = propose(tmp_path / "pacs", surgeries("2020-01-02 13:00"))
    assert (row["column"], row["hours_since_surgery"], row["confidence"]) == ("post_t1ce", "20", "0.90")
    assert "its dates of acquisition, series and study lie up to 10957 days apart" in row["reasons"]
