from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
import pytest

from dicom_commands import Rows, confirm, convert, propose, residua
from dicom_trees import (
    DOWN,
    FLAIR,
    IDENTITY,
    NORMAL,
    ORIGIN,
    ROW,
    SHAPE,
    T1,
    T1CE,
    THICK_MM,
    drop_preamble,
    edit,
    world_mm,
    write_enhanced,
    write_series,
)  # fmt: skip

GD, STUDY, SURGERY = "T1 MPRAGE +GD", "1.2.3", f"{IDENTITY},2020-01-02 13:00"


def by_description(rows: Rows, word: str) -> dict[str, str]:
    """The row of the series whose description has ``word``."""
    (row,) = [row for row in rows if word in row["description"]]
    return row


@pytest.fixture
def pacs(tmp_path: Path) -> Path:
    """An export with a sound FLAIR."""
    write_series(tmp_path / "pacs" / "flair", "FLAIR tra", "20200103 0945", STUDY, 6, **FLAIR)
    return tmp_path / "pacs"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"2.0\\1.5 ", b"2,0\\1,5 ", "PixelSpacing '2,0' is not a number"),
        (b"2.0\\1.5 ", b"2.0     ", "PixelSpacing has 1 value instead of 2"),
        (b"2.0\\1.5 ", b"2.0\\-1.5", "PixelSpacing -1.5 is not above zero"),
        (b"2.0\\1.5 ", b"2.0\\wide", "PixelSpacing is not a number"),
        (b"2.0\\1.5 ", b"2.0\\0.0 ", "PixelSpacing 0 is not above zero"),
        (b"2.0\\1.5 ", b"        ", "slices without PixelSpacing"),
        (b"2017.0", b"20,7  ", "RepetitionTime '20,7' is not a number"),
        (b"2017.0", b"-217.0", "RepetitionTime -217 is below 0"),
        (b"3.25", b"3,25", "EchoTime '3,25' is not a number"),
        (b"1.0\\0.0\\0.0\\", b"1.0\\0,0\\0.0\\", "ImageOrientationPatient '0,0' is not a number"),
        (b"1.0\\0.0\\0.0\\", b"1.0\\0.9\\0.0\\", "ImageOrientationPatient is not two directions at a right angle"),
        (b"-18.0\\", b"-18,0\\", "ImagePositionPatient '-18,0' is not a number"),
        (b"1.75", b"1,75", "MagneticFieldStrength '1,75' is not a number"),
    ],
)  # fmt: skip
def test_series_with_a_number_that_is_none_is_left_by_name_and_others_come_in(
    pacs: Path, old: bytes, new: bytes, said: str
) -> None:
    timing = {"RepetitionTime": 2017, "EchoTime": 3.25, "MagneticFieldStrength": 1.75}
    write_series(pacs / "bad", GD, "20200103 0930", STUDY, 5, **T1CE | timing)
    edit(pacs / "bad", old, new)
    out, rows, printed = propose(pacs, SURGERY)
    bad = by_description(rows, "MPRAGE")
    assert bad["column"] == ""
    assert said in bad["reasons"]
    assert f"patient STO001, study 1, series {bad['series']}: not proposed: " in printed
    assert said in printed
    assert by_description(rows, "FLAIR")["column"] == "post_flair"
    confirm(out, [{**row, "column": row["column"] or "post_t1ce"} for row in rows])
    refused = convert(out)
    assert refused.exit_code == 1
    assert said in refused.stderr


@pytest.mark.parametrize("missing", [(5,), (1,), (10,), (4, 5), (3, 8)])
@pytest.mark.parametrize("write", [write_series, write_enhanced])
def test_missing_slice_is_named_with_its_position(pacs: Path, write: Any, missing: tuple[int, ...]) -> None:
    timing = T1CE if write is write_series else {"RepetitionTime": 2000.0, "EffectiveEchoTime": 3.0}
    write(pacs / "gap", GD, "20200103 0930", STUDY, 5, missing=missing, **timing)
    out, rows, printed = propose(pacs, SURGERY)
    gap = by_description(rows, "MPRAGE")
    assert gap["column"] == ""
    for index in missing:
        x, y, z = ORIGIN + index * THICK_MM * NORMAL
        assert f"slice {index + 1} of {SHAPE[2]} at ({x:.1f}, {y:.1f}, {z:.1f}) mm" in gap["reasons"]
    assert gap["reasons"] in printed
    confirm(out, [{**row, "column": row["column"] or "post_t1ce"} for row in rows])
    assert f"slice {missing[0] + 1} of {SHAPE[2]}" in convert(out).stderr


def test_slices_at_unequal_distances_and_of_two_directions_or_spaces_are_no_volume(pacs: Path) -> None:
    for number, name in enumerate(("unequal", "turned", "spaces"), start=1):
        write_series(pacs / name, f"{GD} {name}", f"20200103 09{number}0", STUDY, number, **T1CE)
        path = sorted((pacs / name).iterdir())[6]
        image = pydicom.dcmread(path)
        if name == "unequal":
            image.ImagePositionPatient = [float(x) for x in ORIGIN + 6.4 * THICK_MM * NORMAL]
        elif name == "turned":
            image.ImageOrientationPatient = [*DOWN, *ROW]
        else:
            image.FrameOfReferenceUID = "1.2.99"
        image.save_as(path)
    _, rows, _ = propose(pacs, SURGERY)
    reasons = " | ".join(row["reasons"] for row in rows if not row["column"])
    assert "slices lie 1.8 to 4.2 mm apart: one volume has equal distances" in reasons
    assert "slices of 2 orientations in one series" in reasons
    assert "slices of 2 frames of reference in one series" in reasons
    assert sum(bool(row["column"]) for row in rows) == 1


def two_echoes(folder: Path) -> None:
    """Write a series whose slices are acquired twice, with two echo times."""
    write_series(folder, GD, "20200103 0930", STUDY, 5, SeriesInstanceUID="1.2.77", **T1CE)
    write_series(folder / "late", GD, "20200103 0930", STUDY, 5, SeriesInstanceUID="1.2.77", **T1CE | {"EchoTime": 9})


def test_several_volumes_in_one_series_are_reported(pacs: Path) -> None:
    two_echoes(pacs / "echoes")
    out, rows, printed = propose(pacs, SURGERY)
    row = by_description(rows, "MPRAGE")
    said = "24 slices at 12 positions with echo times 3, 9 ms: several volumes in one series"
    assert (row["column"], said in row["reasons"], said in printed) == ("", True, True)
    confirm(out, [{**row, "column": row["column"] or "post_t1ce"} for row in rows])
    assert said in convert(out).stderr


def test_file_of_four_dimensions_is_refused_and_the_other_series_are_kept(pacs: Path) -> None:
    write_series(pacs / "t1", GD, "20200103 0930", STUDY, 5, SeriesInstanceUID="1.2.77", **T1CE)
    out, rows, _ = propose(pacs, SURGERY)
    # The headers proposed one volume; dcm2niix makes one file of two volumes of what lies there now.
    two_echoes(pacs / "t1")
    for path in (pacs / "t1").rglob("005*"):
        image = pydicom.dcmread(path)
        image.EchoTime = 3
        image.InstanceNumber += SHAPE[2] * ("late" in path.parts)
        image.save_as(path)
    mapping = json.loads((out / "private" / "mapping.json").read_text())
    (record,) = [each for each in mapping["series"] if each["series_uid"] == "1.2.77"]
    record["files"] += [f"t1/late/005_{index:04d}" for index in range(SHAPE[2])]
    (out / "private" / "mapping.json").write_text(json.dumps(mapping))
    confirm(out, rows)
    refused = convert(out)
    assert refused.exit_code == 1
    assert "(post_t1ce): dcm2niix converted it to 2 volumes in one file" in refused.stderr
    assert "confirm another series, or convert it by hand" in refused.stderr
    assert not (out.parent / "cohort").exists()
    assert len(list((out / "private" / "converted").iterdir())) == 1


def test_volume_that_lacks_a_slice_of_its_series_is_refused(pacs: Path) -> None:
    out, rows, _ = propose(pacs, SURGERY)
    mapping = json.loads((out / "private" / "mapping.json").read_text())
    del mapping["series"][0]["files"][0]
    (out / "private" / "mapping.json").write_text(json.dumps(mapping))
    confirm(out, rows)
    refused = convert(out)
    assert refused.exit_code == 1
    assert "(post_flair): dcm2niix converted 5280 of its 5760 voxels" in refused.stderr


@pytest.mark.parametrize("per_frame", [False, True])
@pytest.mark.parametrize(
    ("description", "timing", "column"),
    [
        (GD, {"RepetitionTime": 2000.0, "EffectiveEchoTime": 3.0}, "post_t1ce"),
        ("FLAIR", {"RepetitionTime": 9000.0, "EffectiveEchoTime": 120.0, "InversionTimes": [2500.0]}, "post_flair"),
        ("series", {"RepetitionTime": 9000.0, "EffectiveEchoTime": 120.0, "InversionTimes": [2500.0]}, "post_flair"),
    ],
)
def test_enhanced_multi_frame_is_proposed_and_converted_like_others(
    tmp_path: Path, description: str, timing: dict[str, Any], column: str, per_frame: bool
) -> None:
    voxels = write_enhanced(tmp_path / "pacs", description, "20200103 0930", STUDY, per_frame=per_frame, **timing)
    out, (row,), _ = propose(tmp_path / "pacs", SURGERY)
    assert (row["column"], row["slices"], row["spacing_mm"]) == (column, "12", "2x1.5x3")
    assert (float(row["tr_ms"]), float(row["te_ms"])) == (timing["RepetitionTime"], timing["EffectiveEchoTime"])
    assert row["ti_ms"] == ("2500" if "InversionTimes" in timing else "")
    assert float(row["hours_since_surgery"]) == pytest.approx(20.5, abs=0.5)
    confirm(out, [row])
    ran = convert(out)
    assert ran.exit_code == 0, ran.output
    assert_placed(out.parent / "cohort" / "images" / "STO001" / f"{column}.nii.gz", voxels)


def assert_placed(path: Path, voxels: Any) -> None:
    """Check that the volume has the voxels of the series at their places."""
    image: Any = nib.load(path)
    for index in ((0, 0, 0), (SHAPE[0] - 1, 3, 5), (7, SHAPE[1] - 1, SHAPE[2] - 1)):
        i, j, k = np.rint(nib.affines.apply_affine(np.linalg.inv(image.affine), world_mm(*index))).astype(int)
        assert np.asarray(image.dataobj)[i, j, k] == voxels[index]


def test_files_without_preamble_behind_links_and_beside_noise_are_read(tmp_path: Path) -> None:
    pacs, store = tmp_path / "pacs", tmp_path / "store" / "Mu\u0308ller"
    voxels = write_series(store, GD, "20200103 0930", STUDY, **T1CE)
    drop_preamble(store)
    for path in sorted(store.iterdir()):
        (store / f"._{path.name}").write_bytes(b"\x00\x05\x16\x07" + bytes(300))
    pacs.mkdir()
    (pacs / "patient").symlink_to(store, target_is_directory=True)
    (pacs / "letter.txt").write_text("To whom it may concern: " * 40)
    out, (row,), printed = propose(pacs, SURGERY)
    assert (row["column"], row["slices"]) == ("post_t1ce", "12")
    assert "1 file(s) not used: not DICOM: letter.txt" in printed
    confirm(out, [row])
    ran = convert(out)
    assert ran.exit_code == 0, ran.output
    assert_placed(out.parent / "cohort" / "images" / "STO001" / "post_t1ce.nii.gz", voxels)


def test_single_values_are_read_as_one_value(pacs: Path) -> None:
    write_series(pacs / "derived", f"{GD} one", "20200103 0930", STUDY, 4, ImageType="DERIVED", **T1CE)
    write_series(pacs / "original", f"{GD} two", "20200103 0935", STUDY, 5, ImageType="ORIGINAL", **T1CE)
    write_series(
        pacs / "empty",
        f"{GD} iso",
        "20200103 0940",
        STUDY,
        7,
        ImageType=None,
        EchoTime=None,
        **{name: value for name, value in T1.items() if name != "EchoTime"},
    )
    write_series(
        pacs / "parts", ["T1", "MPRAGE nativ"], "20200103 0945", STUDY, 8, EchoTime=[3, 3], RepetitionTime=2000
    )
    _, rows, _ = propose(pacs, SURGERY)
    derived = next(row for row in rows if "derived from other images" in row["reasons"])
    assert derived["column"] == ""
    columns = {row["column"]: row for row in rows if row["column"]}
    assert set(columns) == {"post_t1ce", "post_t1", "post_flair"}
    assert columns["post_t1"]["te_ms"] == "3"


def test_slices_that_cannot_be_read_leave_their_series_by_name(pacs: Path) -> None:
    for name in ("cut", "copied"):
        write_series(pacs / name, f"{GD} {name}", "20200103 0930", STUDY, len(name), **T1CE)
    last = sorted((pacs / "cut").iterdir())[-1]
    last.write_bytes(last.read_bytes()[:-100])
    shutil.copytree(pacs / "copied", pacs / "again")
    _, rows, printed = propose(pacs, SURGERY)
    assert "12 file(s) not used: a copy of another file" in printed
    assert sum(row["column"] == "post_t1ce" for row in rows) == 1
    (cut,) = [row for row in rows if "cannot be used" in row["reasons"]]
    assert cut["reasons"].startswith("1 of its 12 files cannot be used: the file is cut off before the end")
    assert f"cut/{last.name}" in printed


@pytest.mark.parametrize(
    ("tags", "missing", "said"),
    [
        ({}, (0,), "InstanceNumber begins at 2: is a slice missing at an end?"),
        ({"ImagesInAcquisition": 12}, (11,), "ImagesInAcquisition is 12, but 11 are there: are slices missing?"),
    ],
)
def test_sign_of_a_slice_missing_at_an_end_is_told_and_lowers_confidence(
    tmp_path: Path, tags: dict[str, Any], missing: tuple[int, ...], said: str
) -> None:
    write_series(tmp_path / "pacs", GD, "20200103 0930", STUDY, missing=missing, **T1CE | tags)
    _, (row,), _ = propose(tmp_path / "pacs", SURGERY)
    assert said in row["reasons"]
    assert (row["column"], row["confidence"]) == ("post_t1ce", "0.90")


def test_export_of_archives_or_without_identifiers_says_why_nothing_was_found(tmp_path: Path) -> None:
    write_series(tmp_path / "pacs" / "a", GD, "20200103 0930", STUDY, PatientID="", **T1CE)
    (tmp_path / "pacs" / "export.zip").write_bytes(b"PK\x03\x04" + bytes(300))
    (tmp_path / "pacs" / "lost").symlink_to(tmp_path / "nowhere")
    (tmp_path / "pacs" / "back").symlink_to(tmp_path / "pacs", target_is_directory=True)
    ran = residua("import", "dicom", tmp_path / "pacs", "--out", tmp_path / "out", "--hospital", "STO")
    assert ran.exit_code == 1
    for said in (
        "contains no DICOM series; give the folder of the export",
        "12 file(s) not used: no identifier of patient, study or series: a/001_0000, a/001_0001, a/001_0002, …",
        "1 file(s) not used: an archive: unpack it: export.zip",
        "1 file(s) not used: neither a file nor a link to one: lost",
        "1 file(s) not used: a link to a folder that is read under another name or contains the data: back",
    ):
        assert said in ran.stderr
