from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from cohort_tables import snapshot
from importer_trees import SEGMENTATION, imported, only, record_of, rows_of, voxels, write_tree
from residua.errors import ResiduaError
from residua.importers.bids_tables import interval, person_of, read_rows, rows_named
from residua.importers.window import UNKNOWN

DESCRIPTION = {"Name": "a study", "BIDSVersion": "1.9.0"}
SEG = "derivatives/manual"


def session(subject: str, name: str, *images: str) -> dict[str, Any]:
    """Images of one session, each with a sidecar."""
    stem = f"sub-{subject}/ses-{name}/anat/sub-{subject}_ses-{name}_"
    sidecar = {"MagneticFieldStrength": 3, "Manufacturer": "Siemens"}
    return {
        **dict.fromkeys(f"{stem}{image}.nii.gz" for image in images),
        **{f"{stem}{image}.json": sidecar for image in images},
    }


def mask(subject: str, name: str, entities: str, voxels: Any, pipeline: str = SEG) -> dict[str, Any]:
    return {f"{pipeline}/sub-{subject}/ses-{name}/anat/sub-{subject}_ses-{name}_{entities}.nii.gz": voxels}


def bids(root: Path, **more: Any) -> Path:
    """01 complete; 02 with a date of surgery five days before its scan, and no mask; 03 in the table only."""
    images = ("ce-gadolinium_T1w", "T1w", "FLAIR", "T2w")
    people = (
        "participant_id\tage\tsex\tsite\tsurgery_date\n"
        "sub-01\t61\tfemale\tSt Olav\t1911-05-01T10:00:00\n"
        "sub-02\t89+\tM\tGRO\t1911-05-01\n"
        "sub-03\t50\tM\tGRO\tn/a\n"
    )
    files: dict[str, Any] = {
        "dataset_description.json": DESCRIPTION,
        f"{SEG}/dataset_description.json": {**DESCRIPTION, "DatasetType": "derivative"},
        "participants.tsv": people,
        **session("01", "preop", *images),
        **session("01", "postop", *images),
        **session("02", "PreSurgery", "ce-GD_T1w"),
        **session("02", "PostSurgery", *images),
        **mask("01", "postop", "label-residual_mask", only(1)),
        **mask("01", "preop", "desc-tumor_mask", only(1)),
        **mask("01", "postop", "desc-brain_mask", only(1), "derivatives/brain"),
        **mask("01", "postop", "space-MNI152NLin6Asym_label-residual_mask", only(1)),
        "sub-01/ses-postop/sub-01_ses-postop_scans.tsv": (
            "filename\tacq_time\nanat/sub-01_ses-postop_T1w.nii.gz\t1911-05-09T00:00:00\n"
            "anat/sub-01_ses-postop_ce-gadolinium_T1w.nii.gz\t1911-05-02T16:30:00\n"
        ),
        "sub-02/sub-02_sessions.tsv": "session_id\tacq_time\nses-PostSurgery\t1911-05-06T08:00:00\n",
        "sub-01/ses-postop/anat/odd.nii.gz": None,
        "sourcedata/sub-01/a.nii.gz": None,
    }
    return write_tree(root, {**files, **more})


def test_bids_row_holds_images_masks_and_clinical_values(tmp_path: Path) -> None:
    root = bids(tmp_path / "source")
    before = snapshot(root)
    ran = imported("bids", root, "--out", tmp_path / "out", "--column", "post_t2=T2w")
    assert (ran.exit_code, ran.stderr) == (0, "")
    rows = rows_of(tmp_path / "out")
    anat = "../source/sub-01/ses-{0}/anat/sub-01_ses-{0}_"
    derived = f"../source/{SEG}/sub-01/ses-{{0}}/anat/sub-01_ses-{{0}}_"
    assert rows["sub01"] == {
        "patient": "sub01",
        "hospital": "StOlav",
        "role": "auto",
        "source_id": "sub-01",
        "post_t1ce": anat.format("postop") + "ce-gadolinium_T1w.nii.gz",
        "post_t1": anat.format("postop") + "T1w.nii.gz",
        "post_flair": anat.format("postop") + "FLAIR.nii.gz",
        "post_t2": anat.format("postop") + "T2w.nii.gz",
        "pre_t1ce": anat.format("preop") + "ce-gadolinium_T1w.nii.gz",
        "residual": derived.format("postop") + "label-residual_mask.nii.gz",
        "pre_tumor": derived.format("preop") + "desc-tumor_mask.nii.gz",
        "brain_mask": "../source/derivatives/brain/sub-01/ses-postop/anat/sub-01_ses-postop_desc-brain_mask.nii.gz",
        "hours_since_surgery": "30.5",
        "age": "61",
        "sex": "F",
        "field_strength_t": "3",
        "manufacturer": "Siemens",
    }
    second = rows["sub02"]
    assert (second["role"], second["hours_since_surgery"]) == ("exclude", "120")
    assert second["exclusion_reason"] == "not early post-operative: the scan was later than 72 h after surgery"
    assert (second["sex"], "age" in second, "residual" in second) == ("M", False, False)
    assert second["pre_t1ce"].endswith("sub-02_ses-PreSurgery_ce-GD_T1w.nii.gz")
    assert snapshot(root) == before


def test_grades_of_participants_are_those_of_their_only_scan(tmp_path: Path) -> None:
    people = "participant_id\tsite\tannotation_quality\nsub-01\tGRO\tgood\nsub-02\tGRO\tn/a\n"
    imported("bids", bids(tmp_path / "source", **{"participants.tsv": people}), "--out", tmp_path / "out")
    rows = rows_of(tmp_path / "out")
    assert (rows["sub01"]["annotation_quality"], "annotation_quality" in rows["sub02"]) == ("good", False)
    row = {"participant_id": "sub-01", "age": "61", "annotation_quality": "good", "image_quality": "poor"}
    assert person_of([row], "01", "postop") == row
    assert person_of([row], "01", "postop", has_others=True) == {"participant_id": "sub-01", "age": "61"}


def test_record_lists_remarks_and_unused_files(tmp_path: Path) -> None:
    imported("bids", bids(tmp_path / "source"), "--out", tmp_path / "out")
    record = record_of(tmp_path / "out")
    assert record["hospitals"] == {"GRO": "GRO", "StOlav": "St Olav"}
    assert record["remarks"] == ["1 participant(s) of participants.tsv have no image"]
    days = "hours after surgery: 5 whole days between the dates of surgery and scan"
    assert record["patients"]["sub02"]["remarks"] == [days, "age is left empty: '89+' is not a number"]
    assert record["patients"]["sub01"]["remarks"] == ["hours after surgery: from the times of surgery and scan"]
    left = record["left"]
    in_mni = f"{SEG}/sub-01/ses-postop/anat/sub-01_ses-postop_space-MNI152NLin6Asym_label-residual_mask.nii.gz"
    assert left[in_mni] == "in the space MNI152NLin6Asym, not in the space of the image"
    assert left["sub-01/ses-postop/anat/odd.nii.gz"] == "not a BIDS file name"
    assert left["sub-01/ses-postop/anat/sub-01_ses-postop_T2w.nii.gz"] == "not needed"
    assert not [name for name in left if name.startswith("sourcedata")]


def test_several_runs_exclude_the_patient_unless_run_is_given(tmp_path: Path) -> None:
    runs = session("01", "postop", "run-1_FLAIR", "run-02_FLAIR")
    root = bids(tmp_path / "source", **runs)
    assert imported("bids", root, "--out", tmp_path / "out").exit_code == 0
    row = rows_of(tmp_path / "out")["sub01"]
    assert (row["exclusion_reason"], "post_flair" in row) == ("several files could be post_flair", False)
    names = [f"sub-01_ses-postop_{name}FLAIR.nii.gz" for name in ("", "run-02_", "run-1_")]
    assert f"post_flair: could be {', '.join(names)}" in record_of(tmp_path / "out")["patients"]["sub01"]["remarks"]
    imported("bids", root, "--out", tmp_path / "chosen", "--run", 2)
    chosen = rows_of(tmp_path / "chosen")["sub01"]
    assert (chosen["role"], chosen["post_flair"].rpartition("_")[0][-6:]) == ("auto", "run-02")


def test_prefer_selects_among_several_files(tmp_path: Path) -> None:
    root = bids(tmp_path / "source", **session("01", "postop", "acq-mprage_ce-gadolinium_T1w"))
    assert imported("bids", root, "--out", tmp_path / "out", "--prefer", "acq-mprage").exit_code == 0
    assert rows_of(tmp_path / "out")["sub01"]["post_t1ce"].endswith("_acq-mprage_ce-gadolinium_T1w.nii.gz")


def test_dseg_needs_a_label_rule_and_replaces_masks(tmp_path: Path) -> None:
    root = bids(tmp_path / "source", **mask("01", "postop", "dseg", SEGMENTATION))
    imported("bids", root, "--out", tmp_path / "out")
    name = f"{SEG}/sub-01/ses-postop/anat/sub-01_ses-postop_"
    assert record_of(tmp_path / "out")["left"][f"{name}dseg.nii.gz"] == "no --label gives the values of residual"
    imported("bids", root, "--out", tmp_path / "ruled", "--label", "residual=4")
    assert rows_of(tmp_path / "ruled")["sub01"]["residual"] == "labels/sub01_residual.nii.gz"
    assert int(voxels(tmp_path / "ruled/labels/sub01_residual.nii.gz").sum()) == 4
    record = record_of(tmp_path / "ruled")
    assert record["left"][f"{name}label-residual_mask.nii.gz"] == "--label derives residual from a dseg"
    assert "also contains 1, 2, 3" in record["patients"]["sub01"]["remarks"][-1]


def test_mask_option_names_the_label_of_masks(tmp_path: Path) -> None:
    root = bids(tmp_path / "source", **mask("02", "PostSurgery", "label-RestTumor_mask", only(1)))
    imported("bids", root, "--out", tmp_path / "out", "--mask", "residual=resttumor")
    rows = rows_of(tmp_path / "out")
    assert rows["sub02"]["residual"].endswith("_label-RestTumor_mask.nii.gz")
    assert "residual" not in rows["sub01"]


def test_unusual_session_names_are_listed_and_accepted_as_options(tmp_path: Path) -> None:
    people = "participant_id\thospital\nsub-01\tSTO\n"
    files = {"participants.tsv": people, **session("01", "day2", "ce-GD_T1w"), **session("01", "day0", "ce-GD_T1w")}
    root = write_tree(tmp_path / "source", {"dataset_description.json": DESCRIPTION, **files})
    ran = imported("bids", root, "--out", tmp_path / "out")
    assert ran.stderr.startswith(
        f"{root}: no session has a usual name such as preop or postop; the sessions are day0, day2: name"
    )
    options = ("--postop-session", "ses-day2", "--preop-session", "day0")
    assert imported("bids", root, "--out", tmp_path / "out", *options).exit_code == 0
    row = rows_of(tmp_path / "out")["sub01"]
    assert (row["hospital"], row["exclusion_reason"]) == ("STO", UNKNOWN)
    assert "ses-day2" in row["post_t1ce"]
    assert "ses-day0" in row["pre_t1ce"]


def test_sessions_given_replace_the_usual_names_and_may_be_several(tmp_path: Path) -> None:
    root = bids(tmp_path / "source", **session("04", "day1", "ce-GD_T1w"), **session("05", "day2", "ce-GD_T1w"))
    asked = ("--hospital", "STO", "--postop-session", "day1", "--postop-session", "ses-Day2")
    ran = imported("bids", root, "--out", tmp_path / "out", *asked)
    rows = rows_of(tmp_path / "out")
    assert [name for name, row in rows.items() if "post_t1ce" in row] == ["sub04", "sub05"]
    left = record_of(tmp_path / "out")["left"]
    why = "session postop is neither before nor after surgery; asked for: "
    why += "--postop-session day1, --postop-session ses-Day2"
    assert left["sub-01/ses-postop/anat/sub-01_ses-postop_FLAIR.nii.gz"] == why
    assert ran.exit_code == 0


def test_participant_without_a_used_file_is_excluded_by_name(tmp_path: Path) -> None:
    root = bids(tmp_path / "source", **session("04", "day1", "ce-GD_T1w", "T2w"), **session("05", "postop", "T2w"))
    ran = imported("bids", root, "--out", tmp_path / "out", "--hospital", "STO", "--assume-early")
    rows = rows_of(tmp_path / "out")
    why = "none of the patient's files is used: "
    reasons = {"sub04": f"{why}session day1 is neither before nor after surgery", "sub05": f"{why}not needed"}
    assert {name: row["exclusion_reason"] for name, row in rows.items() if name in reasons} == reasons
    assert {rows[name]["role"] for name in reasons} == {"exclude"}
    for name, reason in reasons.items():
        assert f"excluded 1: {reason} ({name})" in ran.stdout.splitlines()


def test_hospitals_come_from_the_named_column_or_from_the_option(tmp_path: Path) -> None:
    people = "participant_id\tklinik\nsub-01\tBerg\nsub-02\tn/a\n"
    root = bids(tmp_path / "source", **{"participants.tsv": people})
    ran = imported("bids", root, "--out", tmp_path / "out")
    assert "participants.tsv has no column hospital or site; name it with --hospital-column" in ran.stderr
    ran = imported("bids", root, "--out", tmp_path / "out", "--hospital-column", "clinic")
    assert "--hospital-column clinic: participants.tsv has only the columns klinik, participant_id" in ran.stderr
    imported("bids", root, "--out", tmp_path / "named", "--hospital-column", "klinik")
    rows = rows_of(tmp_path / "named")
    assert (rows["sub01"]["hospital"], rows["sub02"]["hospital"]) == ("Berg", "unknown")
    assert rows["sub02"]["exclusion_reason"] == "the hospital is not known"
    imported("bids", root, "--out", tmp_path / "one", "--hospital", "STO")
    assert {row["hospital"] for row in rows_of(tmp_path / "one").values()} == {"STO"}


@pytest.mark.parametrize("text", ["NA", "NaN", "Unknown", "-", "none", "n/a", ""])
def test_a_participant_of_an_unknown_hospital_is_excluded_however_the_table_says_so(tmp_path: Path, text: str) -> None:
    people = f"participant_id\tsite\nsub-01\tBerg\nsub-02\t{text}\n"
    root = bids(tmp_path / "source", **{"participants.tsv": people})
    imported("bids", root, "--out", tmp_path / "out", "--assume-early")
    row = rows_of(tmp_path / "out")["sub02"]
    assert (row["hospital"], row["role"]) == ("unknown", "exclude")
    assert row["exclusion_reason"] == "the hospital is not known"
    imported("bids", root, "--out", tmp_path / "named", "--hospital", "STO")
    assert rows_of(tmp_path / "named")["sub02"]["hospital"] == "STO"


def test_output_inside_a_data_set_is_accepted_below_derivatives_only(tmp_path: Path) -> None:
    root = bids(tmp_path / "source")
    before = snapshot(root)
    for out in (root, root / "residua", root / "sub-01" / "x", root / "derivatives"):
        ran = imported("bids", root, "--out", out)
        assert ran.exit_code == 1
        assert f"name a folder elsewhere or below {root}/derivatives" in ran.stderr
    assert snapshot(root) == before
    assert imported("bids", root, "--out", root / "derivatives" / "residua").exit_code == 0
    assert rows_of(root / "derivatives/residua")["sub01"]["post_t1"].startswith("../../sub-01/ses-postop/")


def test_a_pickled_index_in_a_data_set_is_not_opened(tmp_path: Path) -> None:
    root = bids(tmp_path / "source")
    (root / ".ancpbids-dataset.pickle").write_bytes(pickle.dumps(_Touches(tmp_path / "touched")))
    assert imported("bids", root, "--out", tmp_path / "out").exit_code == 0
    assert not (tmp_path / "touched").exists()


class _Touches:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"participants.tsv": 'participant_id\tsite\nsub-01\t"open\n'}, "participants.tsv: cannot be split into cells"),
        ({"sub-01/ses-postop/anat/sub-01_ses-postop_ce-gadolinium_T1w.json": "{"}, "its JSON sidecar cannot be read"),
        ({"dataset_description.json": "{"}, "cannot be read as a BIDS data set"),
    ],
)
def test_damaged_file_is_named(tmp_path: Path, more: dict[str, Any], message: str) -> None:
    ran = imported("bids", bids(tmp_path / "source", **more), "--out", tmp_path / "out")
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert message in ran.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("participants.tsv", "participants.tsv: the table cannot be read (No such file or directory)"),
        ("sub-01/ses-preop/anat/sub-01_ses-preop_T1w.json", "its JSON sidecar cannot be read"),
    ],
)
def test_a_link_that_leads_to_nothing_is_not_taken_for_no_file(tmp_path: Path, name: str, message: str) -> None:
    root = bids(tmp_path / "source", **{"participants.tsv": "participant_id\tsite\nsub-01\tSTO\n"})
    (root / name).unlink()
    (root / name).symlink_to(".git/annex/objects/x")
    ran = imported("bids", root, "--out", tmp_path / "out")
    assert (ran.exit_code, message in ran.stderr) == (1, True), ran.stderr


def test_folder_without_bids_images_is_reported(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "source", {"a/b.nii.gz": None})
    assert f"{root}: no image such as sub-01/ses-postop" in imported("bids", root, "--out", tmp_path / "out").stderr


@pytest.mark.parametrize(
    ("session_row", "person", "acquired", "hours"),
    [
        ({}, {"surgery_date": "2020-01-01"}, "2020-01-04", 72.0),
        ({}, {"surgery_date": "2020-01-01"}, "2020-01-04T23:00:00", 72.0),
        ({}, {"surgery_date": "2020-01-01T22:00:00Z"}, "2020-01-03T01:30:00.000", 27.5),
        ({"surgery_date": "2020-01-02"}, {"surgery_date": "2019-01-01"}, "2020-01-03", 24.0),
        ({"hours_since_surgery": "31"}, {"surgery_date": "2020-01-01"}, "2020-01-04", 31.0),
        ({"days_since_surgery": "2"}, {}, None, 48.0),
        ({}, {"surgery_date": "2020-01-05"}, "2020-01-04", -24.0),
        ({}, {"surgery_date": "unknown"}, "2020-01-04", None),
        ({}, {"surgery_date": "2020-01-01"}, None, None),
        ({}, {}, "2020-01-04", None),
    ],
)
def test_hours_after_surgery_from_columns_and_dates(
    session_row: dict[str, str], person: dict[str, str], acquired: str | None, hours: float | None
) -> None:
    found = interval((session_row, person), acquired, None)
    assert (found.hours if found else None) == hours


def test_surgery_column_option_replaces_the_usual_columns() -> None:
    found = interval(({}, {"op": "2020-01-01", "surgery_date": "2019-01-01"}), "2020-01-02", "OP")
    assert found is not None
    assert found.hours == 24


def test_read_rows_lowers_columns_and_omits_missing_cells(tmp_path: Path) -> None:
    assert read_rows(tmp_path / "no.tsv") == ()
    path = tmp_path / "sessions.tsv"
    path.write_text("session_id\tAcq_Time\tx\nses-a\t2020\tn/a\n", encoding="utf-8")
    rows = read_rows(path)
    assert rows == ({"session_id": "ses-a", "acq_time": "2020"},)
    assert rows_named(rows, "session_id", "a") == [rows[0]]
    assert rows_named(rows, "session_id", "b") == []
    path.write_bytes("é".encode("latin-1"))
    with pytest.raises(ResiduaError):
        read_rows(path)
