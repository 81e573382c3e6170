from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cohort_tables import snapshot
from importer_trees import SEGMENTATION, imported, only, record_of, rows_of, voxels, write_tree

CHANNELS = {"0": "T1Gd", "1": "T1", "2": "FLAIR", "3": "T2"}
REGIONS = {"background": 0, "whole": [1, 3], "enhancing": 3, "ignore": 4}


def dataset(root: Path, record: dict[str, Any]) -> Path:
    """STO_1 and GRO_1 to train with, GRO_2 to test without a label; images of every channel."""
    files: dict[str, Any] = {"dataset.json": {"numTraining": 2, "file_ending": ".nii.gz", **record}}
    for folder, case in (("imagesTr", "STO_1"), ("imagesTr", "GRO_1"), ("imagesTs", "GRO_2")):
        files |= dict.fromkeys(f"{folder}/{case}_000{channel}.nii.gz" for channel in range(4))
    labels = {"labelsTr/STO_1.nii.gz": only(1, 2, 3), "labelsTr/GRO_1.nii.gz": only(1)}
    return write_tree(root, {**files, **labels, "splits_final.json": "[]"})


def test_usual_channel_names_and_a_label_rule_make_the_table(tmp_path: Path) -> None:
    root = dataset(tmp_path / "Dataset001_X", {"channel_names": CHANNELS, "labels": REGIONS})
    before = snapshot(root)
    options = ("--label", "residual=3", "--case", "{hospital}_{patient}", "--assume-early")
    ran = imported("nnunet", root, "--out", tmp_path / "out", *options)
    assert (ran.exit_code, ran.stderr) == (0, "")
    rows = rows_of(tmp_path / "out")
    assert rows["STO1"] == {
        "patient": "STO1",
        "hospital": "STO",
        "role": "auto",
        "source_id": "STO_1",
        "post_t1ce": "../Dataset001_X/imagesTr/STO_1_0000.nii.gz",
        "post_t1": "../Dataset001_X/imagesTr/STO_1_0001.nii.gz",
        "post_flair": "../Dataset001_X/imagesTr/STO_1_0002.nii.gz",
        "residual": "labels/STO1_residual.nii.gz",
    }
    assert int(voxels(tmp_path / "out/labels/STO1_residual.nii.gz").sum()) == 3
    assert not voxels(tmp_path / "out/labels/GRO1_residual.nii.gz").any()
    assert "residual" not in rows["GRO2"]
    record = record_of(tmp_path / "out")
    assert record["remarks"] == [
        "channel 0 (T1Gd) became post_t1ce",
        "channel 1 (T1) became post_t1",
        "channel 2 (FLAIR) became post_flair",
        "channel 3 (T2) is not used",
        "value 4 (ignore) marks voxels that nobody annotated: such a file is no label",
    ]
    assert set(record["remarks"]) <= set(ran.stdout.splitlines())
    unknown = "STO_1.nii.gz also contains 2, not defined by the rule or the documentation"
    assert record["patients"]["STO1"]["remarks"] == [unknown]
    assert record["left"]["splits_final.json"] == "neither an image of a used channel nor a label"
    assert record["left"]["imagesTs/GRO_2_0003.nii.gz"] == "neither an image of a used channel nor a label"
    assert snapshot(root) == before


@pytest.mark.parametrize("labels", [{"background": 0, "tumor": 1}, {"background": 0, "oedema": 2, "residual": 1}])
def test_single_label_or_label_residual_needs_no_rule(tmp_path: Path, labels: dict[str, int]) -> None:
    root = dataset(tmp_path / "Dataset001_X", {"channel_names": CHANNELS, "labels": labels})
    ran = imported("nnunet", root, "--out", tmp_path / "out", "--hospital", "STO")
    assert ran.exit_code == 0, ran.stderr
    assert int(voxels(tmp_path / "out/labels/STO1_residual.nii.gz").sum()) == 1
    rows = rows_of(tmp_path / "out")
    assert {(row["hospital"], row["role"]) for row in rows.values()} == {("STO", "exclude")}


def test_version_1_of_the_format_and_channel_option(tmp_path: Path) -> None:
    record = {"modality": {"0": "MR a", "1": "MR b"}, "labels": {"0": "background", "1": "tumor"}}
    root = dataset(tmp_path / "Task001", record)
    (root / "imagesTr/GRO_1_0000.nii.gz").rename(root / "imagesTr/GRO_1_0000.NII.GZ")
    channels = ("--channel", "1=post_t1ce", "--channel", "0=post_t2")
    ran = imported("nnunet", root, "--out", tmp_path / "out", *channels, "--hospital", "STO")
    assert ran.exit_code == 0, ran.stderr
    row = rows_of(tmp_path / "out")["GRO1"]
    assert row["post_t1ce"].endswith("GRO_1_0001.nii.gz")
    assert row["post_t2"].endswith("GRO_1_0000.NII.GZ")
    assert "post_t1" not in row


@pytest.mark.parametrize(
    ("record", "options", "message"),
    [
        (
            {"channel_names": {"0": "MRI"}, "labels": {"t": 1}},
            (),
            "agent with --channel NUMBER=post_t1ce; the channels are 0 (MRI)",
        ),
        ({"channel_names": CHANNELS, "labels": REGIONS}, (), "the labels are whole (1, 3), enhancing (3)"),
        ({"channel_names": CHANNELS, "labels": {"t": 1}}, ("--channel", "9=post_t1ce"), "--channel 9: "),
        ({"channel_names": CHANNELS, "labels": {"t": 1}}, ("--channel", "post_t1ce=0"), "write NUMBER=COLUMN"),
        (
            {"channel_names": CHANNELS, "labels": {"t": 1}},
            (),
            "give --hospital, or the pattern of case names with --case",
        ),
        (
            {"channel_names": CHANNELS, "labels": {"t": 1}},
            ("--case", "{hospital}-{patient}"),
            "finds no hospital in the c",
        ),
        ({"labels": {"t": 1}}, (), "is not a dataset.json as nnU-Net defines it"),
        ({"channel_names": ["T1"], "labels": {"t": 1}}, (), "is not a dataset.json as nnU-Net defines it"),
    ],
)
def test_missing_or_wrong_assignment_is_reported(
    tmp_path: Path, record: dict[str, Any], options: tuple[str, ...], message: str
) -> None:
    root = dataset(tmp_path / "Dataset001_X", record)
    ran = imported("nnunet", root, "--out", tmp_path / "out", *options)
    assert ran.exit_code == 1
    assert message in ran.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["Dataset001_X"]


def test_parent_folder_lists_its_data_sets(tmp_path: Path) -> None:
    dataset(tmp_path / "raw" / "Dataset001_X", {"channel_names": CHANNELS, "labels": REGIONS})
    ran = imported("nnunet", tmp_path / "raw", "--out", tmp_path / "out")
    assert ran.stderr == f"{tmp_path}/raw: has no dataset.json; give one of its folders: Dataset001_X\n"


IGNORED = "STO_1.nii.gz: 4 voxels are marked as ignored (value 4): nobody annotated them"


@pytest.mark.parametrize(
    ("labels", "options"),
    [
        ({"background": 0, "tumor": 1, "ignore": 4}, ()),
        ({"background": 0, "residual": 1, "oedema": 2, "ignore": 4}, ()),
        (REGIONS, ("--label", "residual=3")),
        (REGIONS, ("--label", "residual=1,3", "--label", "pre_tumor=1")),
    ],
)
def test_ignored_voxels_never_become_background(
    tmp_path: Path, labels: dict[str, Any], options: tuple[str, ...]
) -> None:
    root = dataset(tmp_path / "Dataset001_X", {"channel_names": CHANNELS, "labels": labels})
    write_tree(root, {"labelsTr/STO_1.nii.gz": SEGMENTATION})
    ran = imported("nnunet", root, "--out", tmp_path / "out", "--hospital", "STO", *options)
    assert ran.exit_code == 0, ran.stderr
    rows = rows_of(tmp_path / "out")
    assert "residual" not in rows["STO1"]
    assert not (tmp_path / "out/labels/STO1_residual.nii.gz").exists()
    assert rows["GRO1"]["residual"] == "labels/GRO1_residual.nii.gz"
    assert any(IGNORED in remark for remark in record_of(tmp_path / "out")["patients"]["STO1"]["remarks"])
    assert "residual: no label was derived for 1 of 3" in ran.stdout
    assert "value 4 (ignore) marks voxels that nobody annotated" in ran.stdout


def test_region_is_derived_with_all_its_values(tmp_path: Path) -> None:
    labels = {"background": 0, "residual": [1, 3], "enhancing": 3}
    root = dataset(tmp_path / "Dataset001_X", {"channel_names": CHANNELS, "labels": labels})
    assert imported("nnunet", root, "--out", tmp_path / "out", "--hospital", "STO").exit_code == 0
    assert int(voxels(tmp_path / "out/labels/STO1_residual.nii.gz").sum()) == 1 + 3


@pytest.mark.parametrize(
    ("labels", "options", "told"),
    [
        (REGIONS, ("--label", "residual=3,4"), "--label residual: nobody annotated the voxels of value 4 (ignore)"),
        ({"background": 1, "residual": 2}, (), "the label background: nnU-Net's background, and nothing else, is 0"),
        ({"background": 0, "residual": [0, 1]}, (), "the label residual: nnU-Net's background, and nothing else, is 0"),
        ({"t": 1}, ("--channel", "0=post_t1ce", "--channel", "0=post_t1"), "--channel 0=post_t1: the channel or the"),
        ({"t": 1}, ("--channel", "0=post_t1ce", "--channel", "1=post_t1ce"), "--channel 1=post_t1ce: the channel or"),
    ],
)
def test_labels_and_channels_that_contradict_are_refused(
    tmp_path: Path, labels: dict[str, Any], options: tuple[str, ...], told: str
) -> None:
    root = dataset(tmp_path / "Dataset001_X", {"channel_names": CHANNELS, "labels": labels})
    ran = imported("nnunet", root, "--out", tmp_path / "out", "--hospital", "STO", *options)
    assert ran.exit_code == 1
    assert told in ran.stderr


def test_case_with_unused_channels_only_is_excluded_by_name(tmp_path: Path) -> None:
    root = dataset(tmp_path / "Dataset001_X", {"channel_names": CHANNELS, "labels": {"t": 1}})
    write_tree(root, {"imagesTs/GRO_9_0003.nii.gz": None})
    ran = imported("nnunet", root, "--out", tmp_path / "out", "--hospital", "STO", "--assume-early")
    row = rows_of(tmp_path / "out")["GRO9"]
    reason = "none of the patient's files is used: neither an image of a used channel nor a label"
    assert (row["role"], row["exclusion_reason"]) == ("exclude", reason)
    assert f"excluded 1: {reason} (GRO9)" in ran.stdout.splitlines()
