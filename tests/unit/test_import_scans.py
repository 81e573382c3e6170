"""``--every-scan``: each post-operative scan is a row, and ``person`` says whose it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from importer_trees import imported, record_of, rows_of, write_tree
from public_sets import BUILDERS, only, write_rows, write_session
from residua.importers.public.rhuh_gbm import RECURRENCE
from residua.importers.window import UNKNOWN
from residua.settings.columns import FILES
from test_import_bids import DESCRIPTION, bids, mask, session
from test_import_brats import after_treatment
from whole_tables import read_patients

LATER = "not early post-operative: the scan was later than 72 h after surgery"
IMAGES = ("ce-GD_T1w", "T1w", "FLAIR")
POSTOP = ("--postop-session", "postop", "--postop-session", "postop2", "--preop-session", "preop")
SCANS = "sub-{0}/ses-{1}/sub-{0}_ses-{1}_scans.tsv"
SETS = sorted(BUILDERS)


def times(subject: str, name: str, at: str) -> dict[str, str]:
    cell = f"anat/sub-{subject}_ses-{name}_ce-GD_T1w.nii.gz\t{at}\n"
    return {SCANS.format(subject, name): f"filename\tacq_time\n{cell}"}


def two_sessions(root: Path, **more: Any) -> Path:
    """01 with two sessions on one day, one of them without FLAIR; 02 with a later second; 03 with one; 04 with none."""
    people = "participant_id\tage\tsite\tsurgery_date\n"
    people += "".join(f"sub-0{n}\t{60 + n}\tSTO\t1911-05-01T10:00:00\n" for n in (1, 2, 3, 4))
    files: dict[str, Any] = {"dataset_description.json": DESCRIPTION, "participants.tsv": people}
    for subject in ("01", "02", "03", "04"):
        files |= session(subject, "preop", "ce-GD_T1w")
    for subject in ("01", "02", "03"):
        files |= session(subject, "postop", *IMAGES) | times(subject, "postop", "1911-05-02T08:00:00")
        files |= mask(subject, "postop", "label-residual_mask", only(1))
    files |= {"derivatives/manual/dataset_description.json": {**DESCRIPTION, "DatasetType": "derivative"}}
    files |= session("01", "postop2", "ce-GD_T1w", "T1w") | times("01", "postop2", "1911-05-02T20:30:00")
    files |= session("02", "postop2", *IMAGES) | times("02", "postop2", "1911-06-01T10:00:00")
    return write_tree(root, {**files, **more})


def persons_of(out: Path) -> dict[str, str]:
    """The person of each patient, as the study reads the table."""
    return {patient.patient: patient.who for patient in read_patients(str(out / "cohort.tsv"), FILES, needed=())}


def test_sessions_with_numbers_have_usual_names_where_every_scan_is_asked_for(tmp_path: Path) -> None:
    root = two_sessions(tmp_path / "source")
    asked, named = ("--every-scan",), ("--every-scan", *POSTOP)
    for out, options in (("usual", asked), ("named", named)):
        assert imported("bids", root, "--out", tmp_path / out, *options).exit_code == 0
    assert rows_of(tmp_path / "usual") == rows_of(tmp_path / "named")
    assert "sub01sespostop2" in rows_of(tmp_path / "usual")
    imported("bids", root, "--out", tmp_path / "one")
    assert set(rows_of(tmp_path / "one")) == {"sub01", "sub02", "sub03", "sub04"}


def test_each_session_after_surgery_is_a_row_of_its_person(tmp_path: Path) -> None:
    root = two_sessions(tmp_path / "source")
    ran = imported("bids", root, "--out", tmp_path / "out", *POSTOP, "--every-scan")
    assert (ran.exit_code, ran.stderr) == (0, "")
    rows = rows_of(tmp_path / "out")
    assert {name: (row["person"], row.get("hours_since_surgery"), row["role"]) for name, row in rows.items()} == {
        "sub01sespostop": ("sub01", "22", "auto"),
        "sub01sespostop2": ("sub01", "34.5", "auto"),
        "sub02sespostop": ("sub02", "22", "auto"),
        "sub02sespostop2": ("sub02", "744", "exclude"),
        "sub03sespostop": ("sub03", "22", "auto"),
        "sub04": ("sub04", None, "auto"),
    }
    assert rows["sub02sespostop2"]["exclusion_reason"] == LATER
    second = rows["sub01sespostop2"]
    assert (second["source_id"], second["age"]) == ("sub-01_ses-postop2", "61")
    assert second["post_t1ce"].endswith("/sub-01_ses-postop2_ce-GD_T1w.nii.gz")
    assert "post_flair" not in second
    assert "residual" not in second
    assert rows["sub01sespostop"]["residual"].endswith("/sub-01_ses-postop_label-residual_mask.nii.gz")
    assert {row["pre_t1ce"].rpartition("/")[2] for name, row in rows.items() if row["person"] == "sub01"} == {
        "sub-01_ses-preop_ce-GD_T1w.nii.gz"
    }
    assert persons_of(tmp_path / "out") == {name: row["person"] for name, row in rows.items()}
    header = (tmp_path / "out" / "cohort.tsv").read_text().splitlines()[0].split("\t")
    assert header[:6] == ["patient", "hospital", "role", "exclusion_reason", "source_id", "person"]


def test_the_summary_and_the_record_count_scans_and_persons(tmp_path: Path) -> None:
    ran = imported("bids", two_sessions(tmp_path / "source"), "--out", tmp_path / "out", *POSTOP, "--every-scan")
    assert ran.stdout.splitlines()[0] == "6 scans of 4 persons, of 1 hospital(s): STO 6"
    record = record_of(tmp_path / "out")
    assert (record["counts"]["patients"], record["counts"]["persons"]) == (6, 4)
    assert "person" not in record["counts"]["lacking"]
    assert record["patients"]["sub02sespostop2"]["person"] == "sub02"


def test_without_the_option_several_sessions_exclude_the_patient_as_before(tmp_path: Path) -> None:
    imported("bids", two_sessions(tmp_path / "source"), "--out", tmp_path / "out", *POSTOP)
    rows = rows_of(tmp_path / "out")
    assert list(rows) == ["sub01", "sub02", "sub03", "sub04"]
    assert rows["sub01"]["exclusion_reason"] == "several files could be post_t1"
    assert "person" not in (tmp_path / "out" / "cohort.tsv").read_text()
    assert "person" not in (tmp_path / "out" / "import.json").read_text()


def test_no_column_person_where_nobody_has_several_scans(tmp_path: Path) -> None:
    assert imported("bids", bids(tmp_path / "source"), "--out", tmp_path / "out", "--every-scan").exit_code == 0
    assert list(rows_of(tmp_path / "out")) == ["sub01sespostop", "sub02sesPostSurgery"]
    assert "person" not in (tmp_path / "out" / "cohort.tsv").read_text()


def test_a_time_since_surgery_of_the_person_is_not_taken_for_every_scan(tmp_path: Path) -> None:
    people = "participant_id\tsite\tage\thours_since_surgery\nsub-01\tSTO\t61\t30\nsub-03\tSTO\t63\t40\n"
    without = {SCANS.format("01", name): "filename\tacq_time\n" for name in ("postop", "postop2")}
    sessions = "session_id\thours_since_surgery\nses-postop2\t50\n"
    more = {"participants.tsv": people, "sub-01/sub-01_sessions.tsv": sessions, **without}
    imported("bids", two_sessions(tmp_path / "source", **more), "--out", tmp_path / "out", *POSTOP, "--every-scan")
    rows = rows_of(tmp_path / "out")
    shown = {
        name: (row.get("hours_since_surgery"), row.get("age")) for name, row in rows.items() if row["person"] != "sub02"
    }
    assert shown["sub01sespostop"] == (None, "61")
    assert shown["sub01sespostop2"] == ("50", "61")
    assert shown["sub03sespostop"] == ("40", "63")
    assert rows["sub01sespostop"]["exclusion_reason"] == UNKNOWN


def test_rows_of_participants_tsv_by_session_give_each_scan_its_own_values(tmp_path: Path) -> None:
    people = "participant_id\tsession_id\tsite\tage\thours_since_surgery\n"
    people += "sub-01\tpostop\tSTO\t61\t30\nsub-01\tpostop2\tSTO\t62\t60\n"
    more = {"participants.tsv": people}
    root = two_sessions(tmp_path / "source", **more)
    ran = imported("bids", root, "--out", tmp_path / "out", *POSTOP, "--every-scan", "--hospital", "STO")
    assert ran.exit_code == 0
    rows = rows_of(tmp_path / "out")
    assert [
        (rows[f"sub01ses{s}"]["age"], rows[f"sub01ses{s}"]["hours_since_surgery"]) for s in ("postop", "postop2")
    ] == [
        ("61", "30"),
        ("62", "60"),
    ]


def test_two_files_for_one_column_exclude_that_scan_alone(tmp_path: Path) -> None:
    root = two_sessions(tmp_path / "source", **session("01", "postop2", "run-2_T1w"))
    imported("bids", root, "--out", tmp_path / "out", *POSTOP, "--every-scan")
    rows = rows_of(tmp_path / "out")
    assert rows["sub01sespostop2"]["exclusion_reason"] == "several files could be post_t1"
    assert rows["sub01sespostop"]["role"] == "auto"


def test_names_that_would_become_one_patient_are_refused(tmp_path: Path) -> None:
    root = two_sessions(tmp_path / "source", **session("01", "POSTOP2", "ce-GD_T1w"))
    ran = imported("bids", root, "--out", tmp_path / "out", *POSTOP, "--every-scan")
    assert "patients that may be the same: 'sub-01_ses-POSTOP2' and 'sub-01_ses-postop2'" in " ".join(
        ran.stderr.split()
    )
    assert not (tmp_path / "out").exists()


def by_set(layout: str, folder: Path, *options: str) -> dict[str, dict[str, str]]:
    ran = imported(layout, BUILDERS[layout](folder / "source"), "--out", folder / "out", "--every-scan", *options)
    assert (ran.exit_code, ran.stderr) == (0, "")
    rows = rows_of(folder / "out")
    assert persons_of(folder / "out") == {name: row["person"] for name, row in rows.items()}
    return rows


def test_every_scan_of_rhuh_gbm_excludes_the_one_at_recurrence(tmp_path: Path) -> None:
    rows = by_set("rhuh-gbm", tmp_path)
    assert {name: (row["person"], row.get("exclusion_reason")) for name, row in rows.items()} == {
        "RHUH0001time1": ("RHUH0001", None),
        "RHUH0001time2": ("RHUH0001", RECURRENCE),
        "rhuh0002time1": ("rhuh0002", None),
    }
    assert rows["RHUH0001time2"]["post_t1ce"].endswith("/2/RHUH-0001_2_t1ce.nii.gz")
    assert rows["RHUH0001time2"]["pre_t1ce"] == rows["RHUH0001time1"]["pre_t1ce"]
    assert rows["RHUH0001time2"]["residual"] == "labels/RHUH0001time2_residual.nii.gz"


def test_every_scan_of_lumiere_is_each_one_rated_post_op_with_its_own_scan_before(tmp_path: Path) -> None:
    rows = by_set("lumiere", tmp_path, "--assume-early")
    weeks = {
        name: tuple(row.get(column, "//").split("/")[-2] for column in ("pre_t1ce", "post_t1ce"))
        for name, row in rows.items()
    }
    assert weeks == {
        "Patient001week0002": ("week-000-1", "week-000-2"),
        "Patient020week000": ("week-000-1", "week-000"),
        "Patient020week031": ("week-030", "week-031"),
        "Patient033week002": ("week-001", "week-002"),
        "Patient060": ("week-000", ""),
    }
    assert {name: row["person"] for name, row in rows.items()}["Patient020week031"] == "Patient020"
    left = record_of(tmp_path / "out")["left"]
    assert [why for name, why in left.items() if name.endswith("week-044")] == ["rated pd: not a scan that is used"]


@pytest.mark.parametrize(("between", "before"), [("Post-Op", "week-000"), ("SD", ""), ("", "")])
def test_a_scan_before_the_first_operation_does_not_count_for_a_second(
    tmp_path: Path, between: str, before: str
) -> None:
    weeks = {"week-000": "Pre-Op", "week-001": "Post-Op", "week-010": between, "week-011": "Post-Op"}
    for week in weeks:
        write_session(tmp_path / "source" / "Patient-001" / week, {"CT1": None})
    rating = ("Patient", "Date", "Rating (according to RANO)")
    write_rows(tmp_path / "source" / "ratings.csv", rating, *[("Patient-001", *item) for item in weeks.items()])
    imported("lumiere", tmp_path / "source", "--out", tmp_path / "out", "--every-scan")
    rows = rows_of(tmp_path / "out")
    assert rows["Patient001week001"]["pre_t1ce"].split("/")[-2] == "week-000"
    assert rows["Patient001week011"].get("pre_t1ce", "//").split("/")[-2] == before


def test_lumiere_names_that_differ_by_zeros_are_scans_of_one_person(tmp_path: Path) -> None:
    weeks = {"week-000-1": "Post-Op", "week-001": "Post-Op"}
    for week in weeks:
        write_session(tmp_path / "source" / "Patient-001" / week, {"CT1": None})
    rating = ("Patient", "Date", "Rating (according to RANO)")
    write_rows(tmp_path / "source" / "ratings.csv", rating, *[("Patient-001", *item) for item in weeks.items()])
    imported("lumiere", tmp_path / "source", "--out", tmp_path / "out", "--every-scan")
    assert list(rows_of(tmp_path / "out")) == ["Patient001week0001", "Patient001week001"]


def test_every_scan_of_ucsf_alptdg_has_its_own_hours_and_age(tmp_path: Path) -> None:
    rows = by_set("ucsf-alptdg", tmp_path)
    shown = {
        name: (row["person"], row.get("hours_since_surgery"), row.get("age"), row.get("exclusion_reason"))
        for name, row in rows.items()
    }
    assert shown == {
        "100001time1": ("100001", "48", "51", None),
        "100001time2": ("100001", "1490.4", "52", LATER),
        "100002time1": ("100002", "1440", None, LATER),
        "100002time2": ("100002", "2997.6", None, LATER),
        "100003time1": ("100003", None, None, UNKNOWN),
        "100003time2": ("100003", None, None, LATER),
        "100004time1": ("100004", None, None, UNKNOWN),
        "100004time2": ("100004", None, None, LATER),
        "100006time1": ("100006", None, None, UNKNOWN),
        "100006time2": ("100006", None, None, UNKNOWN),
    }
    assert rows["100001time2"]["post_flair"].endswith("100001_time2_flair.nii.gz")


def test_a_second_scan_that_is_days_after_the_first_is_not_assumed_to_be_early(tmp_path: Path) -> None:
    rows = by_set("ucsf-alptdg", tmp_path, "--assume-early")
    assert (rows["100003time1"]["role"], rows["100003time2"]["role"]) == ("auto", "exclude")


def test_every_scan_of_mu_glioma_post_after_surgery_is_a_row(tmp_path: Path) -> None:
    rows = by_set("mu-glioma-post", tmp_path)
    shown = {
        name: (row["person"], row.get("hours_since_surgery"), row.get("exclusion_reason")) for name, row in rows.items()
    }
    assert shown == {
        "PatientID0003Timepoint2": ("PatientID0003", "48", None),
        "PatientID0003Timepoint3": ("PatientID0003", "2160", LATER),
        "PatientID0005Timepoint1": ("PatientID0005", "1584", LATER),
        "PatientID0008Timepoint2": ("PatientID0008", None, UNKNOWN),
        "PatientID0008Timepoint5": ("PatientID0008", None, UNKNOWN),
    }
    left = record_of(tmp_path / "out")["left"]
    assert left["MU-Glioma-Post/PatientID_0003/Timepoint_1"] == "before surgery by the clinical table"


def test_every_scan_of_brats_is_each_time_point_after_treatment(tmp_path: Path) -> None:
    root = after_treatment(tmp_path / "source")
    table = "case,hospital,age,hours_since_surgery\nBraTS-GLI-00001,STO,61,30\nBraTS-GLI-00002-101,GRO,55,40\n"
    (tmp_path / "clinical.csv").write_text(table)
    options = ("--every-scan", "--pre-timepoint", 0, "--table", tmp_path / "clinical.csv")
    ran = imported("brats", root, "--out", tmp_path / "out", *options)
    assert (ran.exit_code, ran.stderr) == (0, "")
    rows = rows_of(tmp_path / "out")
    shown = ("person", "hospital", "age", "hours_since_surgery", "exclusion_reason")
    assert {name: tuple(row.get(column, "") for column in shown) for name, row in rows.items()} == {
        "BraTSGLI00001100": ("BraTSGLI00001", "STO", "61", "", UNKNOWN),
        "BraTSGLI00001101": ("BraTSGLI00001", "STO", "61", "", UNKNOWN),
        "BraTSGLI00002101": ("BraTSGLI00002", "GRO", "55", "40", ""),
        "BraTSGLI00003": ("BraTSGLI00003", "unknown", "", "", "the hospital is not known"),
    }
    for point in ("100", "101"):
        row = rows[f"BraTSGLI00001{point}"]
        assert row["post_t1ce"].endswith(f"-{point}-t1c.nii.gz")
        assert row["pre_t1ce"].endswith("-000-t1c.nii.gz")
        assert row["residual"] == f"labels/BraTSGLI00001{point}_residual.nii.gz"
    assert (
        "time point 101 is the post-operative scan"
        in record_of(tmp_path / "out")["patients"]["BraTSGLI00001101"]["remarks"]
    )


def test_every_scan_and_one_time_point_contradict_each_other(tmp_path: Path) -> None:
    ran = imported(
        "brats", after_treatment(tmp_path / "source"), "--out", tmp_path / "o", "--every-scan", "--post-timepoint", 100
    )
    assert ran.stderr.strip() == (
        "--every-scan keeps all post-operative scans and --post-timepoint one; give one of them"
    )


@pytest.mark.parametrize("layout", ["nnunet", "dicom-convert"])
def test_layouts_without_several_scans_say_who_has_the_option(tmp_path: Path, layout: str) -> None:
    ran = imported(layout, tmp_path, "--out", tmp_path / "out", "--every-scan")
    assert ran.exit_code == 2
    said = " ".join(ran.stderr.replace("│", " ").split())
    assert f"--every-scan: {layout} does not tell several scans of one person apart; bids, folders," in said


@pytest.mark.parametrize("layout", SETS)
def test_every_file_of_every_scan_is_either_used_or_listed(tmp_path: Path, layout: str) -> None:
    by_set(layout, tmp_path)
    left = record_of(tmp_path / "out")["left"]
    rows = rows_of(tmp_path / "out")
    used = {cell.removeprefix("../source/") for row in rows.values() for cell in row.values()}
    segmentations = ("seg.nii", "segmentations.nii", "tumorMask.nii")
    for file in (path for path in (tmp_path / "source").rglob("*.nii*") if "-segmentation/" not in str(path)):
        name = file.relative_to(tmp_path / "source").as_posix()
        is_told = any(name == each or name.startswith(f"{each}/") for each in left)
        assert is_told != (name in used) or file.name.split("_")[-1].startswith(segmentations), name


def folder_tree(root: Path) -> Path:
    """Person 1 of two hospitals; the one of STO with two scans, the second without a mask."""
    files: dict[str, Any] = {"GRO/1/post1/post_t1ce.nii.gz": None}
    for name, session_ in (("pre_t1ce", "before"), ("post_t1ce", "post1"), ("post_t1ce", "post2")):
        files[f"STO/1/{session_}/{name}.nii.gz"] = None
    return write_tree(root, {**files, "STO/1/post1/residual.nii.gz": only(1)})


def test_every_session_of_a_path_pattern_is_a_row(tmp_path: Path) -> None:
    table = "patient,hospital,age,hours_since_surgery\n1,STO,61,20\n1,GRO,50,30\nSTO/1/post2,STO,62,70\n"
    (tmp_path / "clinical.csv").write_text(table)
    pattern = ("--pattern", "{hospital}/{patient}/{session}/{column}.nii.gz", "--table", tmp_path / "clinical.csv")
    root = folder_tree(tmp_path / "source")
    ran = imported("folders", root, "--out", tmp_path / "out", *pattern, "--every-scan")
    assert (ran.exit_code, ran.stderr) == (0, "")
    rows = rows_of(tmp_path / "out")
    shown = ("person", "age", "hours_since_surgery", "exclusion_reason", "pre_t1ce", "residual")
    assert {
        name: tuple(row.get(column, "").replace("../source/", "") for column in shown) for name, row in rows.items()
    } == {
        "GRO1post1": ("GRO1", "50", "30", "", "", ""),
        "STO1post1": ("STO1", "61", "", UNKNOWN, "STO/1/before/pre_t1ce.nii.gz", "STO/1/post1/residual.nii.gz"),
        "STO1post2": ("STO1", "62", "70", "", "STO/1/before/pre_t1ce.nii.gz", ""),
    }
    assert persons_of(tmp_path / "out") == {name: row["person"] for name, row in rows.items()}


def test_sessions_are_mapped_as_scans(tmp_path: Path) -> None:
    names = ("s0/T1_GD", "s1/T1_GD", "s2/T1_GD", "s2/other")
    root = write_tree(tmp_path / "source", {f"1/{name}.nii.gz": None for name in names})
    maps = [text for column in ("pre_t1ce=s0", "post_t1ce=s1", "post_t1ce=s2") for text in ("--map", f"{column}/T1_GD")]
    pattern = ("--pattern", "{patient}/{session}/{sequence}.nii.gz", "--hospital", "STO")
    imported("folders", root, "--out", tmp_path / "out", *pattern, *maps, "--every-scan")
    rows = rows_of(tmp_path / "out")
    assert {name: (row["post_t1ce"][-15:], row["pre_t1ce"][-15:]) for name, row in rows.items()} == {
        "1s1": ("s1/T1_GD.nii.gz", "s0/T1_GD.nii.gz"),
        "1s2": ("s2/T1_GD.nii.gz", "s0/T1_GD.nii.gz"),
    }
    imported("folders", root, "--out", tmp_path / "one", *pattern, *maps)
    assert rows_of(tmp_path / "one")["1"]["exclusion_reason"] == "several files could be post_t1ce"


def test_a_pattern_without_sessions_cannot_tell_scans_apart(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "source", {"1/post_t1ce.nii.gz": None})
    pattern = ("--pattern", "{patient}/{column}.nii.gz", "--hospital", "STO", "--every-scan")
    assert imported("folders", root, "--out", tmp_path / "out", *pattern).stderr.strip() == (
        "--every-scan: the pattern {patient}/{column}.nii.gz has no {session}; add it where a person's scans differ"
    )
