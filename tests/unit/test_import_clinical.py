"""Cells of clinical tables: read exactly or refused by name, one row for each patient, nothing impossible written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from importer_trees import imported, record_of, rows_of, write_tree
from public_sets import UCSF_CLINICAL, lumiere, mu_glioma_post, rhuh_gbm, ucsf_alptdg, write_rows
from residua.importers.bids_tables import interval
from residua.importers.cells import UnreadableCellError, moment_of, number_of
from residua.importers.window import UNKNOWN

SURGERY = "2020-01-01T08:00:00"


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("2020-01-04T20:00:00", 84.0),
        ("2020-01-04 20:00:00", 84.0),
        ("2020-01-04 20:00", 84.0),
        ("2020-01-04t20:00:00.500000", 84.0001),
        ("2020-01-04T20:00:00,25", 84.0001),
        ("2020/01/04 20:00", 84.0),
        ("04.01.2020 20:00", 84.0),
        ("4.1.2020, 20:00", 84.0),
        ("31/01/2020 08:00:00", 720.0),
        ("01/31/2020 08:00:00", 720.0),
        ("02-02-2020 08:00", 768.0),
        ("2020-01-04 8:00 PM", 84.0),
        ("2020-01-04 12:30 AM", 64.5),
        ("20200104T200000", 84.0),
        ("20200104200000.000000", 84.0),
        ("20200104 2000", 84.0),
        ("2020-01-04T08:00:01", 72.0003),
        ("2020-01-04", 72.0),
        ("20200104", 72.0),
        ("04.01.2020", 72.0),
        # Exactly midnight stands for an unknown time of day, so that whole days count.
        ("2020-01-04T00:00:00", 72.0),
        ("20200104000000", 72.0),
        ("2020-01-04 12:00 AM", 72.0),
        ("2020-01-04T00:00:01", 64.0 + 1 / 3600),
        ("2020-01-04T19:59:60", 84.0 - 1 / 3600),
        ("1925-01-04T20:00:00", -34698 * 24 + 84.0),
    ],
)
def test_moments_are_read_exactly(text: str, hours: float) -> None:
    found = interval(({}, {"surgery_date": SURGERY}), text, None)
    assert found is not None
    assert found.hours == pytest.approx(hours, abs=5e-5)
    mirrored = interval(({}, {"surgery_date": text}), SURGERY, None)
    assert mirrored is not None
    assert mirrored.hours == pytest.approx(-hours, abs=5e-5)


@pytest.mark.parametrize(
    ("surgery", "scan", "hours"),
    [
        ("2020-01-01T08:00:00+02:00", "2020-01-04T06:00:00Z", 72.0),
        ("2020-01-01T08:00:00-0500", "2020-01-04 13:00:00 UTC", 72.0),
        ("2020-01-01 08:00+05:30", "2020-01-01T03:30:00+01", 0.0),
        ("2020-01-01T22:00:00Z", "2020-01-03T01:30:00.000", 27.5),
    ],
)
def test_time_zones_count_where_both_have_one(surgery: str, scan: str, hours: float) -> None:
    found = interval(({}, {"surgery_date": surgery}), scan, None)
    assert found is not None
    assert found.hours == hours
    assert ("only one of them has a time zone" in found.remark) == (hours == 27.5)


UNREADABLE = [
    "in spring",
    "01/02/2020",
    "1-2-2020 08:00",
    "2020-01-04T25:00:00",
    "2020-01-04 13:00 PM",
    "2020-02-30",
    "2020-13-01",
    "2020-01",
    "08:00",
    "43834",
    "04.01.20",
    "2020-01-04 at 8",
    "2020-01-04T08:00 CET",
    "2020-01-04/2020-01-05",
]


@pytest.mark.parametrize("text", UNREADABLE)
def test_other_texts_are_never_unknown(text: str) -> None:
    with pytest.raises(UnreadableCellError) as raised:
        moment_of("acq_time", text)
    assert str(raised.value).startswith(f"acq_time {text!r} ")
    assert text not in raised.value.reason
    for surgery, scan in ((SURGERY, text), (text, SURGERY), (text, None)):
        with pytest.raises(UnreadableCellError):
            interval(({}, {"surgery_date": surgery}), scan, None)


@pytest.mark.parametrize("text", ["", "n/a", "NA", "nan", "NaT", "unknown", "-", None])
def test_unknown_is_unknown(text: str | None) -> None:
    assert moment_of("x", text) is None
    assert number_of("x", text) is None


@pytest.mark.parametrize(
    ("text", "value"), [("36", 36.0), ("36,5", 36.5), (" +36.25 ", 36.25), ("-4", -4.0), ("1e2", 100.0)]
)
def test_numbers_are_read_with_point_or_comma(text: str, value: float) -> None:
    assert number_of("x", text) == value


@pytest.mark.parametrize("text", ["36 h", "1,234", "1.234,5", "<24", "24-48", "inf", "1_000", "zwei"])
def test_numbers_with_anything_else_are_refused_by_name(text: str) -> None:
    with pytest.raises(UnreadableCellError, match="days_since_surgery '"):
        interval(({"days_since_surgery": text}, {"surgery_date": "2020-01-01"}), "2020-01-02", None)


def study(root: Path, people: str, **more: Any) -> Path:
    """Sub-01 and sub-02, each with a scan after surgery on the 4th of January 2020 at 20:00."""
    files: dict[str, Any] = {
        "dataset_description.json": {"Name": "a study", "BIDSVersion": "1.9.0"},
        "participants.tsv": people,
    }
    for subject in ("sub-01", "sub-02"):
        files[f"{subject}/ses-postop/anat/{subject}_ses-postop_ce-GD_T1w.nii.gz"] = None
        files[f"{subject}/{subject}_sessions.tsv"] = "session_id\tacq_time\nses-postop\t2020-01-04 20:00:00\n"
    return write_tree(root, {**files, **more})


def table(*rows: str, header: str = "participant_id\tsite\tsurgery_date") -> str:
    return "\n".join([header, *rows, ""])


def test_time_of_day_after_a_blank_decides(tmp_path: Path) -> None:
    people = table("sub-01\tSTO\t2020-01-01 08:00:00", "sub-02\tSTO\t2020-01-03 08:00:00")
    imported("bids", study(tmp_path / "s", people), "--out", tmp_path / "out")
    rows = rows_of(tmp_path / "out")
    assert (rows["sub01"]["hours_since_surgery"], rows["sub01"]["role"]) == ("84", "exclude")
    assert (rows["sub02"]["hours_since_surgery"], rows["sub02"]["role"]) == ("36", "auto")


@pytest.mark.parametrize("assumed", [(), ("--assume-early",)])
def test_unreadable_date_excludes_the_patient_by_name(tmp_path: Path, assumed: tuple[str, ...]) -> None:
    people = table("sub-01\tSTO\t01/02/2020", "sub-02\tSTO\t2020-01-03 08:00:00")
    ran = imported("bids", study(tmp_path / "s", people), "--out", tmp_path / "out", *assumed)
    rows = rows_of(tmp_path / "out")
    reason = "the value of surgery_date cannot be read"
    assert (rows["sub01"]["role"], rows["sub01"]["exclusion_reason"]) == ("exclude", reason)
    assert rows["sub02"]["role"] == "auto"
    assert reason in ran.stdout
    said = record_of(tmp_path / "out")["patients"]["sub01"]["remarks"]
    assert said == ["surgery_date '01/02/2020' may be two dates (day or month first); write it as 2020-01-31"]


@pytest.mark.parametrize("surgery", ["2020-01-05", "2020-01-05T01:00:00", "2139-01-01"])
def test_scan_before_surgery_leaves_the_cell_empty(tmp_path: Path, surgery: str) -> None:
    people = table(f"sub-01\tSTO\t{surgery}", "sub-02\tSTO\t2020-01-03 08:00:00")
    imported("bids", study(tmp_path / "s", people), "--out", tmp_path / "out")
    rows = rows_of(tmp_path / "out")
    assert rows["sub01"]["exclusion_reason"] == "not early post-operative: the scan was before surgery"
    assert "hours_since_surgery" not in rows["sub01"]
    (_, remark) = record_of(tmp_path / "out")["patients"]["sub01"]["remarks"]
    assert remark.startswith("hours_since_surgery is left empty: -")
    assert rows["sub02"]["hours_since_surgery"] == "36"


@pytest.mark.parametrize(
    ("age", "sex", "told"),
    [
        ("89+", "F", "age is left empty: '89+' is not a number"),
        ("300", "F", "age is left empty: 300 is outside 0 to 120 (years)"),
        ("61", "Mujer", "sex is left empty: unknown sex 'Mujer'"),
    ],
)
def test_impossible_clinical_cells_stay_empty_with_a_remark(tmp_path: Path, age: str, sex: str, told: str) -> None:
    header = "participant_id\tsite\tsurgery_date\tage\tsex"
    people = table(f"sub-01\tSTO\t2020-01-03\t{age}\t{sex}", "sub-02\tSTO\t2020-01-03\t57,5\tweiblich", header=header)
    imported("bids", study(tmp_path / "s", people), "--out", tmp_path / "out")
    rows = rows_of(tmp_path / "out")
    assert told.split()[0] not in rows["sub01"]
    assert told in record_of(tmp_path / "out")["patients"]["sub01"]["remarks"]
    assert (rows["sub02"]["age"], rows["sub02"]["sex"]) == ("57.5", "F")


SESSIONS = "participant_id\tsession_id\tsite\thours_since_surgery"


def test_row_of_the_post_operative_session_counts(tmp_path: Path) -> None:
    rows = (
        "sub-01\tses-preop\tSTO\t20",
        "sub-01\tses-postop\tSTO\t95",
        "sub-02\tpostop\tSTO\t30",
        "sub-02\tpreop\tSTO\t95",
    )
    imported("bids", study(tmp_path / "s", table(*rows, header=SESSIONS)), "--out", tmp_path / "out")
    written = rows_of(tmp_path / "out")
    assert (written["sub01"]["hours_since_surgery"], written["sub01"]["role"]) == ("95", "exclude")
    assert (written["sub02"]["hours_since_surgery"], written["sub02"]["role"]) == ("30", "auto")


def test_without_a_row_of_the_session_only_what_all_rows_say_holds(tmp_path: Path) -> None:
    rows = (
        "sub-01\tses-preop\tSTO\t20",
        "sub-01\tses-late\tSTO\t20",
        "sub-02\tses-preop\tA\t1",
        "sub-02\tses-late\tB\t1",
    )
    imported("bids", study(tmp_path / "s", table(*rows, header=SESSIONS)), "--out", tmp_path / "out")
    written = rows_of(tmp_path / "out")
    assert (written["sub01"]["hospital"], written["sub01"]["exclusion_reason"]) == ("STO", UNKNOWN)
    assert written["sub02"]["exclusion_reason"] == "the hospital is not known"


TWO = "session_id\tacq_time\nses-postop\t2020-01-01\npostop\t2020-01-04\n"
SCANS = "filename\tacq_time\nanat/sub-01_ses-postop_ce-GD_T1w.nii.gz\t{}\n"


@pytest.mark.parametrize(
    ("people", "more", "told"),
    [
        (
            table("sub-01\tSTO\t2020-01-01", "01\tSTO\t2020-01-03"),
            {},
            "participants.tsv has 2 rows of sub-01 that differ",
        ),
        (
            table("sub-01\tses-postop\tSTO\t1", "sub-01\tpostop\tSTO\t95", header=SESSIONS),
            {},
            "participants.tsv: sub-01, session postop: 2 rows that differ",
        ),
        (
            table("sub-01\tA\t2020-01-01"),
            {"sub-01/sub-01_sessions.tsv": TWO},
            "sub-01_sessions.tsv: ses-postop: 2 rows",
        ),
        (
            table("sub-01\tA\t2020-01-01"),
            {
                "sub-01/ses-postop/sub-01_ses-postop_scans.tsv": SCANS.format("2020-01-01")
                + SCANS.format("2020-01-04").partition("\n")[2]
            },
            "sub-01_ses-postop_scans.tsv: sub-01_ses-postop_ce-GD_T1w.nii.gz: 2 rows",
        ),
        (table("sub-01\tA\t2020-01-01", header="participant_id\tsite\tsite"), {}, "the column site is twice"),
        (table("sub-01\tA\t2020-01-01\t95"), {}, "row 2 has more cells than the header has columns"),
        (table("sub-01\tA\t2020-01-01", header="id\tsite\tsurgery_date"), {}, "has no column participant_id"),
    ],
)
def test_second_row_is_refused_by_name(tmp_path: Path, people: str, more: dict[str, str], told: str) -> None:
    ran = imported("bids", study(tmp_path / "s", people, **more), "--out", tmp_path / "out")
    assert ran.exit_code == 1
    assert told in ran.stderr
    assert not (tmp_path / "out").exists()


def test_all_patients_with_several_rows_are_named_at_once(tmp_path: Path) -> None:
    people = table(*(f"sub-0{n}\tSTO\t2020-01-0{day}" for n in (1, 2) for day in (1, 2)))
    ran = imported("bids", study(tmp_path / "s", people), "--out", tmp_path / "out")
    assert "2 rows of sub-01" in ran.stderr
    assert "2 rows of sub-02" in ran.stderr


def test_equal_rows_are_one(tmp_path: Path) -> None:
    people = table(*("sub-01\tSTO\t2020-01-03 08:00",) * 2, "sub-02\tSTO\t2020-01-03")
    assert imported("bids", study(tmp_path / "s", people), "--out", tmp_path / "out").exit_code == 0
    assert rows_of(tmp_path / "out")["sub01"]["hours_since_surgery"] == "36"


def _append(path: Path, line: str) -> None:
    path.write_text(path.read_text(encoding="utf-8-sig") + line + "\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("layout", "build", "file", "line", "told"),
    [
        (
            "rhuh-gbm",
            rhuh_gbm,
            "clinical_data_TCIA_RHUH-GBM.csv",
            "rhuh-0001,1,40,Male,4",
            "differ for rhuh-0001; keep",
        ),
        ("ucsf-alptdg", ucsf_alptdg, "*/Clinical Info.csv", "100001.0,90,60,GTR", "differ for 100001; keep one row"),
        ("ucsf-alptdg", ucsf_alptdg, "*/UCSF-LPTDG.csv", "100001,1,c,F,52", "100001 has several rows of Timepoint 1"),
        ("mu-glioma-post", mu_glioma_post, "MU*.csv", "PatientID_0003;Male;57;1;-4;91;95", "differ for patientid_0003"),
        (
            "lumiere",
            lumiere,
            "*Rating*.csv",
            "Patient-001,week-000-2,,PD,x",
            "Patient-001, week-000-2 is rated post-op and pd",
        ),
        ("lumiere", lumiere, "*Demographics*.csv", "patient-001,1,male,40,WT", "differ for patient-001; keep"),
    ],
)
def test_second_row_of_a_public_set_is_refused_by_name(
    tmp_path: Path, layout: str, build: Any, file: str, line: str, told: str
) -> None:
    root = build(tmp_path / "s")
    (path,) = root.glob(file)
    _append(path, line)
    ran = imported(layout, root, "--out", tmp_path / "out")
    assert ran.exit_code == 1
    assert path.name in ran.stderr
    assert told in ran.stderr


def test_scanners_that_contradict_each_other_stay_empty(tmp_path: Path) -> None:
    root = lumiere(tmp_path / "s")
    _append(root / "LUMIERE-MRinfo.csv", "Patient-001,week-000-2,CT1,1.5,SIEMENS,F,57")
    imported("lumiere", root, "--out", tmp_path / "out")
    row = rows_of(tmp_path / "out")["Patient001"]
    assert (row["manufacturer"], "field_strength_t" in row) == ("SIEMENS", False)


@pytest.mark.parametrize("assumed", [(), ("--assume-early",)])
def test_unreadable_interval_of_a_public_set_excludes_the_patient_by_name(
    tmp_path: Path, assumed: tuple[str, ...]
) -> None:
    root = ucsf_alptdg(tmp_path / "u")
    rows = (("100001", "2 days", "60.1", "GTR"), ("100002", "2", "64.9", "STR"))
    write_rows(root / "UCSF_POSTOP_GLIOMA_DATASET_FINAL_v1.0" / "Clinical Info.csv", UCSF_CLINICAL, *rows)
    imported("ucsf-alptdg", root, "--out", tmp_path / "out", *assumed)
    written = rows_of(tmp_path / "out")
    assert written["100001"]["exclusion_reason"].startswith("the value of Days from 1st surgery/DX cannot be read")
    assert written["100002"]["role"] == "auto"
    assert "'2 days' is not a number" in record_of(tmp_path / "out")["patients"]["100001"]["remarks"][0]
    root = mu_glioma_post(tmp_path / "m")
    (path,) = root.glob("*.csv")
    text = path.read_text(encoding="utf-8-sig")
    path.write_text(text.replace("PatientID_0005;Male;49;0;66", "PatientID_0005;Male;49;0;day 66"), encoding="utf-8")
    imported("mu-glioma-post", root, "--out", tmp_path / "out2", *assumed)
    written = rows_of(tmp_path / "out2")
    assert written["PatientID0005"]["exclusion_reason"].startswith(
        "the value of number of days from diagnosis to 1st mri"
    )
    assert written["PatientID0003"]["hours_since_surgery"] == "48"
