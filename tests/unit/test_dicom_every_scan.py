"""``--every-scan`` for DICOM: numbered sessions after surgery become rows of one person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from cohort_tables import FILES
from dicom_commands import Rows, confirm, convert, propose
from dicom_trees import IDENTITY, T1CE, write_series
from whole_tables import read_patients

GD = "T1 MPRAGE +GD"
SURGERY = f"{IDENTITY},2020-01-02 13:00"
LATER = "not early post-operative: the scan was later than 72 h after surgery"


def write(pacs: Path, *times: str) -> None:
    """Write a study with one T1-CE at each of ``times``."""
    for number, when in enumerate(times, start=1):
        write_series(pacs / str(number), GD, when, f"1.2.{number}", number, **T1CE)


def sessions(rows: Rows) -> list[tuple[str, str]]:
    return [(row["session"], row["column"]) for row in rows]


def converted(out: Path) -> dict[str, Any]:
    ran = convert(out)
    assert ran.exit_code == 0, ran.output
    table = out.parent / "cohort" / "cohort.tsv"
    return {patient.patient: patient for patient in read_patients(str(table), FILES, needed=())}


def test_each_scan_after_surgery_becomes_a_row_with_its_own_hours(tmp_path: Path) -> None:
    write(tmp_path / "pacs", "20200101 0930", "20200103 0930", "20200104 0930", "20200301 0930")
    out, rows, _ = propose(tmp_path / "pacs", SURGERY, "--every-scan")
    assert sessions(rows) == [
        ("pre", "pre_t1ce"),
        ("post1", "post_t1ce"),
        ("post2", "post_t1ce"),
        ("post3", "post_t1ce"),
    ]
    confirm(out, rows)
    patients = converted(out)
    shown = {name: (p.who, p.hospital, p.hours_since_surgery, p.exclusion_reason) for name, p in patients.items()}
    assert shown == {
        "STO001post1": ("STO001", "STO", 20.5, ""),
        "STO001post2": ("STO001", "STO", 44.5, ""),
        "STO001post3": ("STO001", "STO", 1412.5, LATER),
    }
    assert len({patient.files["pre_t1ce"] for patient in patients.values()}) == 1
    voxels = [np.asarray(nib.load(patient.files["post_t1ce"]).dataobj) for patient in patients.values()]
    assert not np.array_equal(voxels[0], voxels[1])


def test_without_the_option_a_later_scan_is_not_proposed(tmp_path: Path) -> None:
    write(tmp_path / "pacs", "20200101 0930", "20200103 0930", "20200104 0930")
    out, rows, _ = propose(tmp_path / "pacs", SURGERY)
    assert sessions(rows) == [("pre", "pre_t1ce"), ("post", "post_t1ce"), ("later", "")]
    confirm(out, rows)
    assert list(converted(out)) == ["STO001"]
    assert "person" not in (tmp_path / "cohort" / "cohort.tsv").read_text()


@pytest.mark.parametrize(
    ("second", "expected"),
    [("2100", [("post1", "post_t1ce"), ("post2", "post_t1ce")]), ("1000", [("post1", ""), ("post1", "")])],
)
def test_two_studies_on_one_day_are_one_scan_unless_hours_lie_between(
    tmp_path: Path, second: str, expected: list[tuple[str, str]]
) -> None:
    write(tmp_path / "pacs", "20200103 0800", f"20200103 {second}")
    _, rows, _ = propose(tmp_path / "pacs", SURGERY, "--every-scan")
    assert sessions(rows) == expected


def test_without_dates_of_surgery_studies_after_the_first_are_scans_in_their_order(tmp_path: Path) -> None:
    write(tmp_path / "pacs", "20200101 0930", "20200103 0930", "20200104 0930")
    out, rows, _ = propose(tmp_path / "pacs", "", "--every-scan")
    assert [row["session"] for row in rows] == ["pre", "post1", "post2"]
    confirm(out, rows)
    assert {name: patient.who for name, patient in converted(out).items()} == {
        "STO001post1": "STO001",
        "STO001post2": "STO001",
    }


def test_a_scan_after_a_later_surgery_is_not_proposed(tmp_path: Path) -> None:
    write(tmp_path / "pacs", "20200103 0930", "20200310 0930")
    surgeries = f"{SURGERY}\n{IDENTITY},2020-03-01 13:00"
    _, rows, _ = propose(tmp_path / "pacs", surgeries, "--every-scan")
    assert sessions(rows) == [("post1", "post_t1ce"), ("later", "")]


def test_a_confirmed_series_without_the_number_of_its_scan_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "pacs", "20200103 0930", "20200104 0930")
    out, rows, _ = propose(tmp_path / "pacs", SURGERY, "--every-scan")
    rows[1]["session"] = "post"
    confirm(out, rows)
    said = convert(out).stderr
    assert "row 3 (patient STO001, series 1): the patient has several scans; write which one under session" in said
    rows[1]["session"] = "post1"
    confirm(out, rows)
    assert "post_t1ce appears twice for this patient; confirm only one" in convert(out).stderr
