"""``--deface``: which voxels are face, what a copy keeps, and what an import says of patients."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from nibabel import orientations

from dicom_commands import residua
from residua.brain.face_region import in_front, without_margin
from residua.errors import ResiduaError
from residua.images.volumes import Grid, load
from residua.importers import deface as defacing
from residua.importers.found import Found, FoundPatient, Label
from residua.importers.scan_copies import ends_at_the_edge, require_kept, write_copy
from residua.publishing.publish import read_json, stage, write_json

MNI = Grid((90, 120, 110), np.array([[2.0, 0, 0, -90], [0, 2.0, 0, -120], [0, 0, 2.0, -120], [0, 0, 0, 1]]))
"""A grid of 2 mm in the template's space."""


@pytest.mark.parametrize(
    ("place", "is_face"),
    [
        ((0, 100, -40), True),
        ((32, 68, -34), True),
        ((-32, 68, -34), True),
        ((0, 75, -100), True),
        ((40, 20, -80), True),
        ((0, 72, 20), False),
        ((0, 88, 30), False),
        ((78, -20, -40), False),
        ((0, -60, -50), False),
        ((0, -30, -110), False),
        ((0, -110, 0), False),
    ],
    ids=[
        *("nose", "left eye", "right eye", "chin", "jaw"),
        *("frontal pole", "forehead", "ear", "cerebellum", "spine", "back of the head"),
    ],
)
@pytest.mark.parametrize("moved", [False, True])
def test_the_face_is_in_front_of_the_brow_wherever_the_head_lies(
    place: tuple[int, int, int], is_face: bool, moved: bool
) -> None:
    to_template = np.eye(4)
    if moved:
        # The head lies elsewhere, turned by 25 degrees and a tenth larger than the template's.
        turn = np.deg2rad(25)
        to_template[:3, :3] = (
            np.array([[1, 0, 0], [0, np.cos(turn), -np.sin(turn)], [0, np.sin(turn), np.cos(turn)]]) / 1.1
        )
        to_template[:3, 3] = 12, -7, 20
    grid = Grid(MNI.shape, np.linalg.inv(to_template) @ MNI.affine)
    index = np.rint(nib.affines.apply_affine(np.linalg.inv(MNI.affine), place)).astype(int)
    assert in_front(grid, to_template)[tuple(index)] == is_face


def test_the_margin_is_in_millimetres_on_any_grid() -> None:
    grid = Grid((20, 20, 20), np.diag([1.0, 2.0, 5.0, 1.0]))
    kept = np.zeros(grid.shape, dtype=bool)
    kept[4, 4, 4] = True
    cut = without_margin(np.ones(grid.shape, dtype=bool), kept, grid, 10.0)
    away = np.linalg.norm((np.argwhere(~cut) - 4) * [1, 2, 5], axis=1)
    assert away.max() == 10.0
    assert (~cut).sum() == (np.linalg.norm((np.argwhere(kept | True) - 4) * [1, 2, 5], axis=1) <= 10.0).sum()
    assert without_margin(np.ones(grid.shape, dtype=bool), np.zeros_like(kept), grid, 10.0).all()


def scan(file: Path, codes: str, dtype: Any, slope: float | None = None, low: float = 0.0) -> Any:
    """Write a scan whose values tell where they lie, stored in this order of axes; return its file's content."""
    rng = np.random.default_rng(3)
    values = rng.integers(5, 100, (9, 11, 13)).astype(np.float64) + low
    values[0], values[-1] = low, low
    order = orientations.ornt_transform(orientations.axcodes2ornt("RAS"), orientations.axcodes2ornt(tuple(codes)))
    affine = np.diag([1.5, 2.0, 3.0, 1.0]) @ orientations.inv_ornt_aff(order, values.shape)
    image = nib.Nifti1Image(orientations.apply_orientation(values, order).astype(dtype), affine)
    image.header["descrip"] = b"a scan"
    image.set_sform(affine, 1)
    image.set_qform(affine, 1)
    if slope is not None:
        image.header.set_slope_inter(slope, -4.0)
    nib.save(image, file)
    return nib.load(file)


@pytest.mark.parametrize("codes", ["RAS", "LPS", "PIR", "SLA"])
@pytest.mark.parametrize(
    ("dtype", "slope", "low"), [(np.int16, None, 0.0), (np.uint8, 0.5, 8.0), (np.float32, None, -7.0)]
)
@pytest.mark.parametrize("suffix", [".nii.gz", ".nii"])
def test_a_copy_differs_in_the_region_alone(
    tmp_path: Path, codes: str, dtype: Any, slope: float | None, low: float, suffix: str
) -> None:
    before = scan(tmp_path / f"scan{suffix}", codes, dtype, slope, low)
    shown = load(tmp_path / f"scan{suffix}")
    region = np.zeros(shown.grid.shape, dtype=bool)
    region[2:5, 6:, :4] = True
    write_copy(tmp_path / f"scan{suffix}", shown, region, tmp_path / "copy.nii.gz")
    after, copy = nib.load(tmp_path / "copy.nii.gz"), load(tmp_path / "copy.nii.gz")
    assert np.array_equal(copy.data[~region], shown.data[~region])
    # The constant on the faces of the scan is its background.
    assert set(np.unique(copy.data[region])) == {shown.data[0, 0, 0]}
    assert after.header == before.header
    assert np.array_equal(after.affine, before.affine)
    require_kept(shown, copy, region, ~region)


def test_a_copy_that_changed_what_must_stay_is_refused(tmp_path: Path) -> None:
    scan(tmp_path / "scan.nii.gz", "LPS", np.int16)
    shown = load(tmp_path / "scan.nii.gz")
    region = np.zeros(shown.grid.shape, dtype=bool)
    region[3:6, 5:, :5] = True
    write_copy(tmp_path / "scan.nii.gz", shown, region, tmp_path / "copy.nii.gz")
    copy, brain, smaller = load(tmp_path / "copy.nii.gz"), np.zeros_like(region), region.copy()
    brain[5, 5, 4], smaller[3, 6, 2] = True, False
    for cut, kept in ((region, brain), (smaller, ~region)):
        with pytest.raises(ResiduaError, match="differs from the scan beyond the face"):
            require_kept(shown, copy, cut, kept)


def test_a_head_that_the_scan_cuts_is_no_brain() -> None:
    x, y, z = np.indices((40, 40, 40))
    ball = (x - 20) ** 2 + (y - 20) ** 2 + (z - 20) ** 2 < 18**2
    assert not ends_at_the_edge(ball)
    assert not ends_at_the_edge(ball[3:])
    assert ends_at_the_edge(ball[:, :, 12:])
    assert ends_at_the_edge(ball[:, :, :25])


RESULTS = {
    "A": [{"column": "post_t1ce", "state": "cut", "cut_ml": 412.4, "why": ""}],
    "B": [
        {"column": "post_t1ce", "state": "stripped", "cut_ml": 0.0, "why": ""},
        {"column": "brain_mask", "state": "mask", "cut_ml": 0.0, "why": ""},
    ],
    "C": [
        {"column": "post_t1ce", "state": "cut", "cut_ml": 300.0, "why": ""},
        {"column": "post_flair", "state": "failed", "cut_ml": 0.0, "why": "it does not resemble a head"},
    ],
}


def finished(work: Path, names: list[str], watch: Any) -> None:
    """What the workflow leaves of patients A, B and C."""
    for name in names:
        with stage(work / "copies" / name / "manifest.json") as part:
            write_json(part / "result.json", RESULTS[name])
            if all(each["state"] != "failed" for each in RESULTS[name]):
                (part / "picture.png").write_text("picture")
                for each in RESULTS[name]:
                    if each["state"] != "mask":
                        (part / f"{each['column']}.nii.gz").write_text(f"copy of {each['column']}")


@pytest.fixture
def imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Any]:
    """Three patients after the workflow, and a fourth without images; the scans of C were written by the importer."""
    monkeypatch.setattr(defacing, "_run", finished)
    source, part = tmp_path / "source", tmp_path / "out.part"
    for folder, names in ((source / "A", ["post_t1ce"]), (source / "B", ["post_t1ce", "brain_mask"]),
                          (part / "images" / "C", ["post_t1ce", "post_flair"])):  # fmt: skip
        folder.mkdir(parents=True)
        for name in names:
            (folder / f"{name}.nii.gz").write_text("a face")
    label = source / "A" / "residual.nii.gz"
    label.write_text("a label")
    patients = [
        FoundPatient(name, "H", {path.name.partition(".")[0]: path for path in sorted(folder.iterdir())})
        for name, folder in (("B", source / "B"), ("C", part / "images" / "C"))
    ]
    first = FoundPatient("A", "H", {"post_t1ce": source / "A" / "post_t1ce.nii.gz"}, {"residual": Label(label, (1, 4))})
    none = FoundPatient("D", "H", exclusion_reason="none")
    found = defacing.deface(Found("test", (first, *patients, none)), part, tmp_path / "work")
    return {"found": {each.source_id: each for each in found.patients}, "said": found.remarks, "part": part}


def test_copies_take_the_place_of_the_images_and_masks_stay(imported: Mapping[str, Any], tmp_path: Path) -> None:
    found, part = imported["found"], imported["part"]
    assert found["A"].images == {"post_t1ce": part / "images/A/post_t1ce.nii.gz"}
    assert found["A"].images["post_t1ce"].read_text() == "copy of post_t1ce"
    assert found["A"].remarks == ("post_t1ce: the face was cut (412 ml of tissue)",)
    assert found["B"].images["brain_mask"] == tmp_path / "source/B/brain_mask.nii.gz"
    assert found["B"].remarks == ("post_t1ce: nothing to cut: it is brain extracted",)
    assert sorted(path.name for path in (part / "deface").iterdir()) == ["A.png", "B.png"]
    order = read_json(tmp_path / "work/patients/A.json")
    assert order["labels"] == [{"file": str(tmp_path / "source/A/residual.nii.gz"), "values": [1, 4]}]
    assert (tmp_path / "source/A/post_t1ce.nii.gz").read_text() == "a face"


def test_a_patient_whose_face_is_not_found_has_no_image_and_is_said(imported: Mapping[str, Any]) -> None:
    found, part = imported["found"], imported["part"]
    assert found["C"].images == {}
    assert found["C"].exclusion_reason == "not defaced: post_flair: it does not resemble a head"
    assert [path for path in part.rglob("*") if path.is_file() and "a face" in path.read_text()] == []
    assert found["D"].exclusion_reason == "none"
    assert imported["said"] == (
        "faces were cut from 1 of 2 scans: look at each picture in deface/",
        "nothing to cut: it is brain extracted: 1 scan(s)",
        "patient C is not defaced: post_flair: it does not resemble a head",
    )


def test_the_proposal_of_dicom_writes_no_images(tmp_path: Path) -> None:
    refused = residua("import", "dicom", tmp_path, "--out", tmp_path / "out", "--hospital", "STO", "--deface")
    assert refused.exit_code == 2
    assert "--deface: dicom writes no images; give it to dicom-convert" in refused.stderr
