from __future__ import annotations

from pathlib import Path

import pytest

from cohort_tables import snapshot
from importer_trees import SEGMENTATION, imported, only, record_of, rows_of, voxels, write_tree
from residua.errors import ResiduaError
from residua.importers.pattern import Pattern


def by_column(root: Path) -> Path:
    """Two hospitals whose files are called as the columns."""
    columns = ("post_t1ce", "post_t1", "post_flair", "pre_t1ce")
    files = {f"{patient}/{column}.nii.gz": None for patient in ("STO/001", "GRO/001", "GRO/002") for column in columns}
    masks = {f"STO/001/{column}.nii.gz": only(1) for column in ("residual", "pre_tumor", "brain_mask")}
    return write_tree(root, {**files, **masks, "GRO/002/notes.txt": "a note", "GRO/002/post_dwi.nii.gz": None})


def by_session(root: Path) -> Path:
    """One hospital whose sessions are folders and whose sequences are ends of names with underscores."""
    names = [f"pat_{k}/ses-{s}/pat_{k}_{q}.nii" for k in (1, 2) for s in ("pre", "post") for q in ("T1_GD", "T1", "FL")]
    segmentations = {f"pat_1/ses-{session}/pat_1_seg.nii": SEGMENTATION for session in ("pre", "post")}
    return write_tree(root, {**dict.fromkeys(names), **segmentations})


SESSIONS = "{patient}/ses-{session}/{patient}_{sequence}.nii"


def test_files_named_as_columns_are_imported(tmp_path: Path) -> None:
    root = by_column(tmp_path / "source")
    before = snapshot(root)
    out = tmp_path / "my out"
    ran = imported("folders", root, "--out", out, "--pattern", "{hospital}/{patient}/{column}.nii.gz", "--assume-early")
    assert (ran.exit_code, ran.stderr) == (0, "")
    rows = rows_of(out)
    assert {patient: row["hospital"] for patient, row in rows.items()} == {
        "GRO001": "GRO",
        "GRO002": "GRO",
        "STO001": "STO",
    }
    assert rows["STO001"] == {
        "patient": "STO001",
        "hospital": "STO",
        "role": "auto",
        "source_id": "STO/001",
        **{
            column: f"../source/STO/001/{column}.nii.gz"
            for column in ("post_t1ce", "post_t1", "post_flair", "pre_t1ce", "residual", "pre_tumor", "brain_mask")
        },
    }
    record = record_of(out)
    assert record["left"] == {
        "GRO/002/notes.txt": "not a NIfTI file",
        "GRO/002/post_dwi.nii.gz": "post_dwi is not a column of the cohort table; see --column",
    }
    assert snapshot(root) == before
    assert ran.stdout.splitlines() == [
        "3 patients of 2 hospital(s): GRO 2, STO 1",
        "brain_mask: 1 of 3 annotated",
        "pre_tumor: 1 of 3 annotated (used as it is)",
        "residual: 1 of 3 annotated (used as it is)",
        "hospitals share patient names, so every source_id begins with the hospital",
        "import.json lists remarks on 0 patient(s) and 2 unused file(s) with the reason",
        f"{out}/cohort.tsv: inspect the table, then run residua init '{out}/cohort.tsv' --out my.yaml",
    ]


def test_column_option_adds_a_column(tmp_path: Path) -> None:
    pattern = ("--pattern", "{hospital}/{patient}/{column}.nii.gz", "--column", "post_dwi")
    assert imported("folders", by_column(tmp_path / "s"), "--out", tmp_path / "out", *pattern).exit_code == 0
    assert rows_of(tmp_path / "out")["GRO002"]["post_dwi"] == "../s/GRO/002/post_dwi.nii.gz"


def test_map_assigns_sequences_and_label_rules_derive_labels(tmp_path: Path) -> None:
    root = by_session(tmp_path / "source")
    before = snapshot(root)
    names = ("post_t1ce=post/T1_GD", "post_t1=post/T1", "pre_t1ce=pre/T1_GD", "residual=post/seg", "pre_tumor=pre/seg")
    ran = imported(
        *("folders", root, "--out", tmp_path / "out", "--pattern", SESSIONS, "--hospital", "STO"),
        *(option for name in names for option in ("--name", name)),
        *("--label", "residual=4", "--label", "pre_tumor=1,4"),
    )
    assert ran.exit_code == 0, ran.stderr
    rows = rows_of(tmp_path / "out")
    assert list(rows) == ["pat1", "pat2"]
    assert rows["pat1"]["post_t1ce"] == "../source/pat_1/ses-post/pat_1_T1_GD.nii"
    assert rows["pat1"]["post_t1"] == "../source/pat_1/ses-post/pat_1_T1.nii"
    assert "residual" not in rows["pat2"]
    assert int(voxels(tmp_path / "out/labels/pat1_residual.nii.gz").sum()) == 4
    assert int(voxels(tmp_path / "out/labels/pat1_pre_tumor.nii.gz").sum()) == 1 + 4
    record = record_of(tmp_path / "out")
    also = "pat_1_seg.nii also contains {}, not defined by the rule or the documentation"
    assert record["patients"]["pat1"]["remarks"] == [also.format("1, 2, 3"), also.format("2, 3")]
    assert record["counts"]["not_early"] == 2
    assert record["left"]["pat_1/ses-post/pat_1_FL.nii"] == "no --map assigns post/FL to a column"
    assert {row["role"] for row in rows.values()} == {"exclude"}
    assert snapshot(root) == before


def test_message_for_no_match_lists_files_and_the_reason(tmp_path: Path) -> None:
    root = by_column(tmp_path / "source")
    pattern = "{hospital}/ses-{session}/{column}.nii.gz"
    ran = imported(
        "folders", root, "--out", tmp_path / "out", "--pattern", pattern.replace("ses-{session}", "p{patient}")
    )
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert ran.stderr == (
        f"{root}: no file matches {{hospital}}/p{{patient}}/{{column}}.nii.gz. It contains GRO/001/post_flair.nii.gz, "
        "GRO/001/post_t1.nii.gz, GRO/001/post_t1ce.nii.gz. The first does not match: 001 does not match p{patient}\n"
    )
    assert not (tmp_path / "out").exists()


def test_unmapped_sequences_are_listed(tmp_path: Path) -> None:
    root = by_session(tmp_path / "source")
    ran = imported("folders", root, "--out", tmp_path / "out", "--pattern", SESSIONS, "--hospital", "STO")
    assert ran.stderr.startswith(f"{root}: no file is assigned to a column of the cohort table; use --map for post/")


def test_two_files_for_one_column_exclude_the_patient(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "source", dict.fromkeys(("a/t1c_1.nii.gz", "a/t1c_2.nii.gz", "b/t1c_1.nii.gz")))
    options = ("--pattern", "{patient}/{sequence}_*.nii.gz", "--map", "post_t1ce=t1c", "--hospital", "STO")
    imported("folders", root, "--out", tmp_path / "out", *options, "--assume-early")
    rows = rows_of(tmp_path / "out")
    assert (rows["a"]["exclusion_reason"], rows["b"]["role"]) == ("several files could be post_t1ce", "auto")
    assert "post_t1ce" not in rows["a"]
    said = ["post_t1ce: could be t1c_1.nii.gz, t1c_2.nii.gz"]
    assert record_of(tmp_path / "out")["patients"]["a"]["remarks"] == said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--pattern", "{hospital}/{column}.nii.gz"), "has no {patient}; add it where the patient's name stands"),
        (("--pattern", "{patient}/{column}.nii.gz"), "has no {hospital}; give --hospital"),
        (("--pattern", "{hospital}/{patient}.nii.gz"), "needs {column}, or {sequence} with --map"),
        (("--pattern", "{person}/{column}.nii.gz"), "has an unknown field {person}; use hospital, patient"),
        (("--pattern", "{patient/{column}.nii.gz"), "has an unmatched brace"),
        (("--pattern", "{patient}/{sequence}.nii", "--map", "T1=t1"), "--map T1=t1: write COLUMN=SEQUENCE"),
        (
            ("--pattern", "{patient}/{sequence}.nii", "--map", "post_t1=a", "--map", "pre_t1ce=a"),
            "a is already mapped to post_t1",
        ),
    ],
)
def test_invalid_pattern_or_map_is_rejected(tmp_path: Path, options: tuple[str, ...], message: str) -> None:
    ran = imported("folders", by_column(tmp_path / "source"), "--out", tmp_path / "out", *options)
    assert ran.exit_code == 1
    assert message in ran.stderr


def test_output_inside_the_source_is_reported(tmp_path: Path) -> None:
    root = by_column(tmp_path / "source")
    before = snapshot(root)
    pattern = ("--pattern", "{hospital}/{patient}/{column}.nii.gz")
    ran = imported("folders", root, "--out", root / "residua", *pattern)
    assert ran.exit_code == 0
    assert ran.stderr == f"{root}/residua: lies inside the imported data; existing files are not changed\n"
    assert rows_of(root / "residua")["STO001"]["post_t1"] == "../STO/001/post_t1.nii.gz"
    assert before.items() <= snapshot(root).items()
    assert imported("folders", root, "--out", root, *pattern).exit_code == 1


def test_pattern_matches_paths_and_explains_mismatches() -> None:
    pattern = Pattern("{hospital}/{patient}/{patient}_{sequence}.nii*")
    assert pattern.fields == ("hospital", "patient", "sequence")
    assert pattern.match("A/b_1/b_1_T1_GD.nii.gz", {}) == {"hospital": "A", "patient": "b_1", "sequence": "T1_GD"}
    assert pattern.match("A/b/c_T1.nii", {}) is None
    assert pattern.why_not("A/b/c_T1.nii") == "a repeated field has different values"
    assert pattern.why_not("b_T1.nii") == "it lies 0 folder(s) deep; the pattern has 2"
    loose = Pattern("{patient}_{sequence}.nii")
    known = {"sequence": ["T1_GD"]}
    assert loose.match("b_1_T1_GD.nii", known) == {"patient": "b_1", "sequence": "T1_GD"}
    assert loose.match("b_FL.nii", known) == {"patient": "b", "sequence": "FL"}
    with pytest.raises(ResiduaError, match="unmatched brace"):
        Pattern("")


@pytest.mark.parametrize(("values", "shown"), [((1, 2, 3, 4), "1, 2, 3, 4"), ((2,), "2"), ((1, 4), "1, 4")])
def test_label_of_several_values_is_remarked_with_the_option(
    tmp_path: Path, values: tuple[int, ...], shown: str
) -> None:
    root = by_column(tmp_path / "source")
    write_tree(root, {"STO/001/residual.nii.gz": only(*values)})
    ran = imported(
        "folders",
        root,
        "--out",
        tmp_path / "out",
        "--pattern",
        "{hospital}/{patient}/{column}.nii.gz",
        "--assume-early",
    )
    remark = f"residual: residual.nii.gz contains {shown}, so it is no binary label; "
    remark += "give the values of the label with --label residual=VALUES"
    assert record_of(tmp_path / "out")["patients"]["STO001"]["remarks"] == [remark]
    line = "residual: 1 file(s) are not binary; give the label's values with --label residual=VALUES"
    assert line in ran.stdout.splitlines()


def test_patient_without_an_assigned_file_is_excluded_by_name(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "source", dict.fromkeys(("a/t1c.nii.gz", "b/dwi.nii.gz", "b/adc.nii.gz")))
    options = ("--pattern", "{patient}/{sequence}.nii.gz", "--map", "post_t1ce=t1c", "--hospital", "STO")
    ran = imported("folders", root, "--out", tmp_path / "out", *options, "--assume-early")
    row = rows_of(tmp_path / "out")["b"]
    why = "no --map assigns adc to a column; no --map assigns dwi to a column"
    assert (row["role"], row["exclusion_reason"]) == ("exclude", f"none of the patient's files is used: {why}")
    assert f"excluded 1: none of the patient's files is used: {why} (b)" in ran.stdout.splitlines()


def test_option_of_one_value_given_twice_is_refused(tmp_path: Path) -> None:
    options = ("--pattern", "{patient}/{column}.nii.gz", "--hospital", "STO", "--hospital", "GRO")
    ran = imported("folders", by_column(tmp_path / "s"), "--out", tmp_path / "out", *options)
    assert ran.exit_code == 2
    assert "--hospital is given 2 times; give it once" in ran.stderr
