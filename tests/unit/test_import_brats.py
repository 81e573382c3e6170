from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cohort_tables import snapshot
from importer_trees import SEGMENTATION, imported, only, record_of, rows_of, voxels, write_tree
from residua.importers.brats import BEFORE_SURGERY, HOSPITAL
from residua.importers.window import UNKNOWN

KINDS = ("t1c", "t1n", "t2f", "t2w")


def after_treatment(root: Path) -> Path:
    """00001 at 100 and 101, before surgery at 000; 00002 at 101 without a segmentation; 00003 before surgery only."""
    files: dict[str, object] = {}
    for case, points in (("00001", ("000", "100", "101")), ("00002", ("101",)), ("00003", ("000",))):
        for point in points:
            stem = f"training/BraTS-GLI-{case}-{point}/BraTS-GLI-{case}-{point}"
            files |= dict.fromkeys(f"{stem}-{kind}.nii.gz" for kind in KINDS)
            if case != "00002":
                files[f"{stem}-seg.nii.gz"] = SEGMENTATION if point != "000" else only(1, 2, 3)
    return write_tree(root, {**files, "training/mapping.csv": "a,b"})


def before_surgery(root: Path) -> Path:
    """Two cases with the names and values of 2021; the second also has a value that is none."""
    files: dict[str, object] = {}
    for case, values in (("BraTS2021_00001", (1, 2, 4)), ("BraTS2021_00002", (1, 2, 3, 4))):
        files |= dict.fromkeys(f"{case}/{case}_{kind}.nii.gz" for kind in ("t1ce", "t1", "flair", "t2"))
        files[f"{case}/{case}_seg.nii.gz"] = only(*values)
    return write_tree(root, files)


def test_first_scan_after_treatment_is_imported_with_the_values_of_2024(tmp_path: Path) -> None:
    root = after_treatment(tmp_path / "source")
    before = snapshot(root)
    ran = imported("brats", root, "--out", tmp_path / "out", "--pre-timepoint", 0, "--column", "post_t2")
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert (
        "images are brain extracted: set brain_mask.method to stripped in the configuration" in ran.stdout.splitlines()
    )
    rows = rows_of(tmp_path / "out")
    stem = "../source/training/BraTS-GLI-00001-{0}/BraTS-GLI-00001-{0}-"
    assert rows["BraTSGLI00001"] == {
        "patient": "BraTSGLI00001",
        "hospital": HOSPITAL,
        "role": "exclude",
        "exclusion_reason": UNKNOWN,
        "source_id": "BraTS-GLI-00001",
        "post_t1ce": stem.format(100) + "t1c.nii.gz",
        "post_t1": stem.format(100) + "t1n.nii.gz",
        "post_flair": stem.format(100) + "t2f.nii.gz",
        "post_t2": stem.format(100) + "t2w.nii.gz",
        "pre_t1ce": stem.format("000") + "t1c.nii.gz",
        "residual": "labels/BraTSGLI00001_residual.nii.gz",
        "pre_tumor": "labels/BraTSGLI00001_pre_tumor.nii.gz",
    }
    assert int(voxels(tmp_path / "out" / rows["BraTSGLI00001"]["residual"]).sum()) == 3
    assert int(voxels(tmp_path / "out" / rows["BraTSGLI00001"]["pre_tumor"]).sum()) == 1 + 3
    assert "residual" not in rows["BraTSGLI00002"]
    assert set(rows["BraTSGLI00003"]) == {"patient", "hospital", "role", "source_id", "pre_t1ce", "pre_tumor"}
    assert snapshot(root) == before


def test_record_lists_time_points_and_unused_files(tmp_path: Path) -> None:
    imported("brats", after_treatment(tmp_path / "source"), "--out", tmp_path / "out")
    record = record_of(tmp_path / "out")
    assert record["patients"]["BraTSGLI00001"]["remarks"] == ["time point 100 is the post-operative scan"]
    assert record["patients"]["BraTSGLI00002"]["remarks"] == ["time point 101 is the post-operative scan"]
    assert record["left"]["training/BraTS-GLI-00001-101/BraTS-GLI-00001-101-seg.nii.gz"] == "time point 101 is not used"
    assert record["left"]["training/BraTS-GLI-00001-100/BraTS-GLI-00001-100-t2w.nii.gz"] == "not needed"
    assert record["left"]["training/mapping.csv"] == "not a BraTS file name"
    assert record["label_rules"] == {"residual": ["values 3"]}


def test_options_replace_time_point_and_rule(tmp_path: Path) -> None:
    options = ("--post-timepoint", 101, "--label", "residual=1,3", "--assume-early", "--hospital", "GRO")
    imported("brats", after_treatment(tmp_path / "source"), "--out", tmp_path / "out", *options)
    rows = rows_of(tmp_path / "out")
    assert {row["hospital"] for row in rows.values()} == {"GRO"}
    assert [row["role"] for row in rows.values()] == ["auto", "auto", "exclude"]
    assert rows["BraTSGLI00003"]["exclusion_reason"] == "none of the patient's files is used: time point 0 is not used"
    assert rows["BraTSGLI00001"]["post_t1"].endswith("-101-t1n.nii.gz")
    assert int(voxels(tmp_path / "out/labels/BraTSGLI00001_residual.nii.gz").sum()) == 1 + 3
    assert record_of(tmp_path / "out")["label_rules"] == {"residual": ["values 1, 3"]}


def test_scans_of_2021_need_post_timepoint_and_have_its_values(tmp_path: Path) -> None:
    root = before_surgery(tmp_path / "source")
    ran = imported("brats", root, "--out", tmp_path / "out")
    assert ran.exit_code == 1
    assert ran.stderr == (
        f"{root}: file names do not show which scans are post-operative; "
        "name their time point with --post-timepoint: 0\n"
    )
    assert imported("brats", root, "--out", tmp_path / "out", "--post-timepoint", 0).exit_code == 0
    rows = rows_of(tmp_path / "out")
    assert rows["BraTS202100001"]["post_flair"] == "../source/BraTS2021_00001/BraTS2021_00001_flair.nii.gz"
    assert int(voxels(tmp_path / "out" / rows["BraTS202100001"]["residual"]).sum()) == 4
    remarks = record_of(tmp_path / "out")["patients"]["BraTS202100002"]["remarks"]
    unknown = "BraTS2021_00002_seg.nii.gz also contains 3, not defined by the rule or the documentation"
    assert remarks == ["time point 0 is the post-operative scan", unknown]


def test_release_option_overrides_the_file_name(tmp_path: Path) -> None:
    options = ("--post-timepoint", 0, "--release", "2023")
    imported("brats", before_surgery(tmp_path / "source"), "--out", tmp_path / "out", *options)
    assert int(voxels(tmp_path / "out/labels/BraTS202100002_residual.nii.gz").sum()) == 3


def test_folder_without_a_case_is_reported(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "source", {"a.nii.gz": None})
    ran = imported("brats", root, "--out", tmp_path / "out")
    assert ran.exit_code == 1
    assert ran.stderr.startswith(f"{root}: no file such as BraTS-GLI-00001-100-t1c.nii.gz")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("release", ["2022", "x"])
def test_unknown_release_is_wrong_usage(tmp_path: Path, release: str) -> None:
    assert imported("brats", tmp_path, "--out", tmp_path / "out", "--release", release).exit_code == 2


@pytest.mark.parametrize("build", [after_treatment, before_surgery])
@pytest.mark.parametrize("release", [(), ("--release", "2024")])
def test_scan_before_surgery_is_not_assumed_to_be_early(
    tmp_path: Path, build: Callable[[Path], Path], release: tuple[str, ...]
) -> None:
    root = build(tmp_path / "source")
    options = ("--post-timepoint", 0, *release)
    ran = imported("brats", root, "--out", tmp_path / "out", *options, "--assume-early")
    assert ran.exit_code == 1
    assert "BraTS documents time points below 100 as before surgery" in ran.stderr
    assert not (tmp_path / "out").exists()
    imported("brats", root, "--out", tmp_path / "plain", *options)
    reasons = {row["exclusion_reason"] for row in rows_of(tmp_path / "plain").values() if "post_t1ce" in row}
    assert reasons == {BEFORE_SURGERY}
    said = imported("brats", root, "--out", tmp_path / "said", *options, "--assume-early", "--preoperative-as-post")
    assert said.exit_code == 0
    assert {row["role"] for row in rows_of(tmp_path / "said").values() if "post_t1ce" in row} == {"auto"}


def test_time_point_is_not_both_before_and_after_surgery(tmp_path: Path) -> None:
    options = ("--post-timepoint", 100, "--pre-timepoint", 100)
    ran = imported("brats", after_treatment(tmp_path / "source"), "--out", tmp_path / "out", *options)
    assert ran.stderr == "--post-timepoint and --pre-timepoint are both 100; give two time points\n"
