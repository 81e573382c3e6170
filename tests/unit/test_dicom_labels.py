"""SEG and RTSTRUCT as labels: the mask that was drawn comes in, on the grid of the image on which it was drawn."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid

from cohort_tables import FILES, snapshot
from dicom_annotations import contours_of, shuffle_frames, write_rtstruct, write_seg
from dicom_commands import Rows, confirm, convert, propose
from dicom_masks import apart_mm, places, places_of_nifti
from dicom_trees import BIRTH, FLAIR, IDENTITY, OBLIQUE, ORIGIN, SHAPE, T1CE, uids, write_enhanced, write_series
from residua.importers.dicom.contours import filled
from whole_tables import read_patients

SURGERY = f"{IDENTITY},2020-01-02 13:00\nMRN4712,2020-01-02 13:00"
BEFORE, AFTER = "20200101 0900", "20200103 0930"
TURNED = np.linalg.qr(np.array([[1.0, 0.2, 0.1], [-0.1, 0.9, 0.3], [0.2, -0.3, 1.0]]))[0]
AFFINES = {
    "oblique": OBLIQUE,
    "axial from above": np.column_stack([np.diag([0.7, 1.9, -5.0]), ORIGIN]),
    "sagittal": np.column_stack([[0, 0.9, 0], [0, 0, -1.3], [-2.5, 0, 0], ORIGIN]),
    "doubly oblique": np.column_stack([TURNED * [0.9, 0.5, 4.0], ORIGIN]),
}


def ring() -> Any:
    """A thick ring with a hole, two separate parts, and slices without any."""
    mask = np.zeros(SHAPE, dtype=bool)
    mask[4:16, 3:15, 3:9] = True
    mask[8:12, 6:11, 4:7] = False
    mask[4, 3, 5] = False
    mask[19:22, 16:19, 5] = True
    return mask


def write_images(pacs: Path, affine: Any = OBLIQUE, when: str = AFTER, **tags: Any) -> list[Path]:
    """Write a T1-CE series of one study and return its files."""
    folder = pacs / when.replace(" ", "_") / tags.get("PatientID", "") / "ce"
    given = {"study": f"1.2.{when[:8]}", "affine": affine, "FrameOfReferenceUID": f"1.9.{when[:8]}", **T1CE, **tags}
    write_series(folder, "T1 MPRAGE +GD", when, number=5, **given)
    return sorted(folder.iterdir())


def labels_of(out: Path) -> tuple[dict[str, str], str]:
    """Convert; return the files of the one patient, and what is printed."""
    ran = convert(out)
    assert ran.exit_code == 0, ran.output
    (patient,) = read_patients(str(out.parent / "cohort" / "cohort.tsv"), FILES, needed=())
    return dict(patient.files), ran.output


def structures(rows: Rows) -> list[tuple[str, str]]:
    return [(row["structure"], row["column"]) for row in rows if row["structure"]]


def dice(file: str, mask: Any, affine: Any) -> float:
    """Dice of a label with the mask that was drawn; 0 where a voxel lies elsewhere."""
    found, true = places_of_nifti(Path(file)), places(mask, np.vstack([affine, [0, 0, 0, 1]]))
    keys = [{tuple(np.rint(place / 0.05).astype(int)) for place in each} for each in (found, true)]
    return 1.0 if apart_mm(found, true) < 0.01 else 2 * len(keys[0] & keys[1]) / (len(keys[0]) + len(keys[1]))


@pytest.mark.parametrize("way", list(AFFINES))
@pytest.mark.parametrize("form", ["sparse", "shuffled", "every frame", "fractional", "label map"])
def test_a_seg_comes_in_voxel_for_voxel(tmp_path: Path, way: str, form: str) -> None:
    images, file = write_images(tmp_path / "pacs", AFFINES[way]), tmp_path / "pacs" / "seg.dcm"
    kind = {"fractional": "FRACTIONAL", "label map": "LABELMAP"}.get(form, "BINARY")
    drawn = ring() * (0.7 if kind == "FRACTIONAL" else 1)
    if kind == "FRACTIONAL":
        drawn[0, 0, 0] = 0.3
    write_seg(file, images, {"Enhancing tumour": drawn}, kind=kind, keep_empty=form == "every frame")
    if form == "shuffled":
        shuffle_frames(file)
    out, rows, _ = propose(tmp_path / "pacs", SURGERY)
    assert structures(rows) == [("1", "residual")]
    confirm(out, rows)
    files, _ = labels_of(out)
    assert dice(files["residual"], ring(), AFFINES[way]) == 1.0
    label, image = nib.load(files["residual"]), nib.load(files["post_t1ce"])
    assert label.shape == image.shape
    assert np.allclose(label.affine, image.affine, atol=1e-5)


@pytest.mark.parametrize("way", list(AFFINES))
@pytest.mark.parametrize("decimals", [10, 2])
def test_contours_along_pixel_edges_come_in_voxel_for_voxel(tmp_path: Path, way: str, decimals: int) -> None:
    images = write_images(tmp_path / "pacs", AFFINES[way])
    contours = {"GTV": contours_of(ring())}
    write_rtstruct(tmp_path / "pacs" / "rt.dcm", images, contours, AFFINES[way], places=decimals)
    out, rows, _ = propose(tmp_path / "pacs", SURGERY)
    assert structures(rows) == [("1", "residual")]
    confirm(out, rows)
    assert dice(labels_of(out)[0]["residual"], ring(), AFFINES[way]) == 1.0


def test_a_smooth_contour_differs_only_within_the_sagitta_of_its_chords() -> None:
    angles = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    circle = np.column_stack([20.3 + 14.7 * np.cos(angles), 18.6 + 14.7 * np.sin(angles)])
    hole = np.column_stack([20.3 + 5.2 * np.cos(angles), 18.6 + 5.2 * np.sin(angles)])
    found = filled([circle, hole], 40, 44)
    row, column = np.indices(found.shape)
    radius = np.hypot(column - 20.3, row - 18.6)
    true = (radius < 14.7) & (radius > 5.2)
    sagitta = 14.7 * (1 - np.cos(np.pi / 90))
    assert np.minimum(np.abs(radius - 14.7), np.abs(radius - 5.2))[found != true].max(initial=0) <= sagitta + 0.02
    assert 2 * (found & true).sum() / (found.sum() + true.sum()) > 0.99


SQUARE = np.array([[2.0, 1.0], [6.0, 1.0], [6.0, 5.0], [2.0, 5.0]])
INNER = np.array([[3.0, 2.0], [5.0, 2.0], [5.0, 4.0], [3.0, 4.0]])


@pytest.mark.parametrize(
    ("contours", "count"),
    [
        # Joined pixel centres: the pixels of the contour belong to the mask, also of a hole.
        ([SQUARE], 25),
        ([SQUARE, INNER], 24),
        ([SQUARE[::-1], INNER], 24),
        # Pixel edges.
        ([SQUARE + 0.5], 16),
        ([SQUARE - 0.5, INNER - 0.5], 12),
        # A hole by a channel of no width.
        ([np.vstack([SQUARE - 0.5, SQUARE[:1] - 0.5, INNER - 0.5, INNER[:1] - 0.5])], 12),
        # Rounded by the writer.
        ([SQUARE + np.array([[0.01, -0.01], [-0.01, 0.01], [0.01, 0.01], [-0.01, -0.01]])], 25),
        # Half outside of the picture.
        ([SQUARE - [4.5, 0.5]], 8),
        ([], 0),
    ],
)
def test_even_odd_rule_with_contours_on_edges_and_on_centres(contours: list[Any], count: int) -> None:
    assert filled(contours, 7, 9).sum() == count


def test_overlapping_segments_are_told_apart_and_several_may_form_the_label(tmp_path: Path) -> None:
    images, other = write_images(tmp_path / "pacs"), np.zeros(SHAPE, dtype=bool)
    other[9:20, 9:12, 4:11] = True
    segments = {"Enhancing": ring(), "Rest of it": other, "Oedema": ~ring()}
    write_seg(tmp_path / "pacs" / "seg.dcm", images, segments)
    out, rows, _ = propose(tmp_path / "pacs", SURGERY)
    assert structures(rows) == [("1", "residual"), ("2", ""), ("3", "")]
    confirm(out, rows)
    assert dice(labels_of(out)[0]["residual"], ring(), OBLIQUE) == 1.0
    for tumour, given in (("Oedema", ~ring()), ("2", other)):
        out, rows, _ = propose(tmp_path / "pacs", SURGERY, "--tumour", "ENHANCING", "--tumour", tumour, clean=True)
        assert [column for _, column in structures(rows)].count("residual") == 2
        confirm(out, rows)
        assert dice(labels_of(out)[0]["residual"], ring() | given, OBLIQUE) == 1.0


def test_a_label_goes_to_the_study_in_which_it_was_drawn_and_brings_no_identity(tmp_path: Path) -> None:
    pacs = tmp_path / "pacs"
    before, after = write_images(pacs, when=BEFORE), write_images(pacs)
    tumour = np.zeros(SHAPE, dtype=bool)
    tumour[3:12, 4:15, 2:10] = True
    write_seg(pacs / "0seg.dcm", before, {"Tumour of Jane Doe": tumour})
    write_rtstruct(pacs / "0rt.dcm", after, {"residual MRN4711": contours_of(ring()), "Skin": contours_of(tumour)})
    source = snapshot(pacs)
    out, rows, _ = propose(pacs, SURGERY)
    assert sorted(row["column"] for row in rows) == ["", "post_t1ce", "pre_t1ce", "pre_tumor", "residual"]
    confirm(out, rows)
    files, printed = labels_of(out)
    assert dice(files["pre_tumor"], tumour, OBLIQUE) == dice(files["residual"], ring(), OBLIQUE) == 1.0
    assert snapshot(pacs) == source
    traces = [t.encode() for t in ("DOE", "Doe", "Jane", IDENTITY, BIRTH, "20200103", str(pacs), *uids(pacs))]
    shown = [out / "proposal.tsv", *(path for path in (out.parent / "cohort").rglob("*") if path.is_file())]
    for path in shown:
        content = path.read_bytes()
        content += gzip.decompress(content) if path.suffix == ".gz" else b""
        assert not [trace for trace in traces if trace in content], path
    assert not [trace for trace in traces if trace.decode() in printed.replace(str(tmp_path), "")]


def test_an_annotation_of_an_enhanced_file_comes_in(tmp_path: Path) -> None:
    pacs = tmp_path / "pacs"
    timing = {"RepetitionTime": 2000, "EffectiveEchoTime": 3}
    write_enhanced(pacs / "ce", "T1 MPRAGE +GD", AFTER, "1.2.3", **timing)
    images = sorted((pacs / "ce").iterdir())
    write_rtstruct(pacs / "rt.dcm", images, {"GTV": contours_of(ring())})
    out, rows, _ = propose(pacs, SURGERY)
    assert structures(rows) == [("1", "residual")]
    confirm(out, rows)
    assert dice(labels_of(out)[0]["residual"], ring(), OBLIQUE) == 1.0


def test_without_the_name_of_a_series_its_frame_of_reference_tells_it(tmp_path: Path) -> None:
    images = write_images(tmp_path / "pacs")
    write_rtstruct(tmp_path / "pacs" / "rt.dcm", images, {"GTV": contours_of(ring())}, named=generate_uid())
    out, rows, _ = propose(tmp_path / "pacs", SURGERY)
    (row,) = [row for row in rows if row["structure"]]
    assert (row["column"], row["confidence"]) == ("residual", "0.90")
    assert "by its frame of reference alone" in row["reasons"]
    confirm(out, rows)
    assert dice(labels_of(out)[0]["residual"], ring(), OBLIQUE) == 1.0


def test_the_images_of_an_old_seg_tell_its_series(tmp_path: Path) -> None:
    images, file = write_images(tmp_path / "pacs"), tmp_path / "pacs" / "seg.dcm"
    write_seg(file, images, {"GTV": ring()})
    segmentation = pydicom.dcmread(file)
    del segmentation.ReferencedSeriesSequence
    segmentation.save_as(file)
    _, rows, _ = propose(tmp_path / "pacs", SURGERY)
    (row,) = [row for row in rows if row["structure"]]
    assert (row["column"], row["confidence"]) == ("residual", "1.00")


def empty(mask: Any) -> Any:
    return np.zeros_like(mask)


ASKED = {
    "no name": ({"Segment_1": ring()}, {}, "no structure of it is named as tumour: is this one?"),
    "two names": ({"tumour A": ring(), "tumour B": ~ring()}, {}, "2 structures of 1 annotation(s) could be residual"),
    "a program": ({"GTV": ring()}, {"automatic": True}, "is the result of a program the reference standard?"),
    "nothing drawn": ({"GTV": empty(ring()), "Brain": ring()}, {}, "it is empty: is no tumour left, or was none"),
}


@pytest.mark.parametrize("what", list(ASKED))
def test_a_question_leaves_the_label_empty_and_is_answered_by_the_column(tmp_path: Path, what: str) -> None:
    masks, options, asked = ASKED[what]
    write_seg(tmp_path / "pacs" / "seg.dcm", write_images(tmp_path / "pacs"), masks, **options)
    out, rows, printed = propose(tmp_path / "pacs", SURGERY)
    assert not any(column for _, column in structures(rows))
    assert f"question: {asked}" in rows[-len(masks)]["reasons"]
    assert "patient STO001: no label is proposed from study 1, series 2: question" in printed
    confirm(out, rows)
    assert "residual" not in labels_of(out)[0]
    answered = [{**row, "column": "residual" if row["structure"] == "1" else row["column"]} for row in rows]
    confirm(out, answered)
    (out.parent / "cohort").rename(out.parent / "first")
    files, said = labels_of(out)
    first = next(iter(masks.values()))
    assert dice(files["residual"], first, OBLIQUE) == 1.0
    assert ("patient STO001: residual has no voxel" in said) == (not first.any())


def test_two_annotations_of_one_scan_are_asked(tmp_path: Path) -> None:
    images = write_images(tmp_path / "pacs")
    write_seg(tmp_path / "pacs" / "seg.dcm", images, {"tumour": ring()})
    write_rtstruct(tmp_path / "pacs" / "rt.dcm", images, {"GTV": contours_of(ring())})
    out, rows, _ = propose(tmp_path / "pacs", SURGERY)
    assert [row["reasons"].count("could be residual: which?") for row in rows if row["structure"]] == [1, 1]
    confirm(out, [{**row, "column": "residual" if row["structure"] else row["column"]} for row in rows])
    refused = convert(out)
    assert refused.exit_code == 1
    assert "residual appears twice for this patient; confirm only one" in refused.stderr


def write_unmatched(pacs: Path, what: str) -> str:
    """Write an annotation that belongs to no image of the patient; return what is said of it."""
    images, regions = write_images(pacs), {"GTV": contours_of(ring())}
    if what == "another frame of reference":
        write_rtstruct(pacs / "rt.dcm", images, regions, space=generate_uid())
        return "its frame of reference is not that of the series that it names"
    if what == "another series":
        write_rtstruct(pacs / "rt.dcm", images, regions, space=generate_uid(), named=generate_uid())
        return "neither the series on which it was drawn nor one of its frame of reference"
    if what == "another patient":
        other = write_images(pacs, when="20200104 0930", PatientID="MRN4712")
        write_rtstruct(pacs / "rt.dcm", images, regions, named=pydicom.dcmread(other[0]).SeriesInstanceUID)
        return "it was drawn on a series of another patient (patient STO002, study 1, series 1)"
    file = pacs / "annotation.dcm"
    if what == "cut off SEG":
        write_seg(file, images, {"GTV": ring()}, keep_empty=True)
    else:
        write_rtstruct(file, images, regions)
    file.write_bytes(file.read_bytes()[:-200])
    return "cannot be used: the file is cut off before the end of its voxels"


@pytest.mark.parametrize(
    "what", ["another frame of reference", "another series", "another patient", "cut off SEG", "cut off RTSTRUCT"]
)
def test_what_cannot_be_matched_is_said_and_the_patient_comes_in_without(tmp_path: Path, what: str) -> None:
    said = write_unmatched(tmp_path / "pacs", what)
    out, rows, printed = propose(tmp_path / "pacs", SURGERY)
    assert "residual" not in [row["column"] for row in rows]
    assert said in printed
    first = [row for row in rows if row["patient"] == "STO001"]
    confirm(out, first)
    files, _ = labels_of(out) if what != "another patient" else ({"post_t1ce": ""}, "")
    assert set(files) == {"post_t1ce"}
    confirm(out, [{**row, "column": row["column"] or "residual"} for row in first])
    refused = convert(out)
    assert refused.exit_code == 1
    assert said in refused.stderr


def test_a_label_drawn_on_another_sequence_is_asked_and_not_put_elsewhere(tmp_path: Path) -> None:
    pacs = tmp_path / "pacs"
    write_images(pacs, study="1.2.3")
    write_series(pacs / "flair", "FLAIR tra", "20200103 0945", "1.2.3", 6, **FLAIR)
    write_seg(pacs / "seg.dcm", sorted((pacs / "flair").iterdir()), {"GTV": ring()})
    out, rows, _ = propose(pacs, SURGERY)
    (row,) = [row for row in rows if row["structure"]]
    assert "drawn on study 1, series 2 (post_flair), which is not proposed as post_t1ce or pre_t1ce" in row["reasons"]
    confirm(out, [{**row, "column": "residual" if row["structure"] else row["column"]} for row in rows])
    files, said = labels_of(out)
    assert "residual" not in files
    assert "patient STO001: residual is left empty, no label was derived: it was drawn on study 1, series 2" in said


UNDRAWN = {
    "between slices": ([[[3, 3, 4.5], [9, 3, 4.5], [9, 9, 4.5]]], {}, "a contour lies 1.5 mm off the nearest slice"),
    "beyond the slices": ([[[3, 3, 30], [9, 3, 30], [9, 9, 30]]], {}, "off the nearest slice (slices are 3 mm apart)"),
    "across slices": ([[[3, 3, 2], [9, 3, 2], [9, 3, 8]]], {}, "do not lie in the planes of the slices"),
    "beside the picture": ([[[30, 3, 4], [39, 3, 4], [39, 9, 4]]], {}, "its contours reach outside the series"),
    "open": ([[[3, 3, 4], [9, 3, 4], [9, 9, 4]]], {"kind": "OPEN_PLANAR"}, "OPEN_PLANAR, which encloses nothing"),
}


@pytest.mark.parametrize("what", list(UNDRAWN))
def test_contours_that_give_no_mask_leave_the_label_empty_with_the_reason(tmp_path: Path, what: str) -> None:
    contours, changes, said = UNDRAWN[what]
    images = write_images(tmp_path / "pacs")
    regions = {"GTV": [np.array(each, float) for each in contours]}
    write_rtstruct(tmp_path / "pacs" / "rt.dcm", images, regions, **changes)
    out, rows, _ = propose(tmp_path / "pacs", SURGERY)
    confirm(out, rows)
    files, printed = labels_of(out)
    assert set(files) == {"post_t1ce"}
    assert "patient STO001: residual is left empty, no label was derived: " in printed
    assert said in printed


def test_a_seg_on_another_grid_of_the_same_frame_is_said(tmp_path: Path) -> None:
    pacs = tmp_path / "pacs"
    write_images(pacs)
    finer = OBLIQUE * [0.5, 0.5, 1, 1]
    (tmp_path / "elsewhere").mkdir()
    images = write_images(tmp_path / "elsewhere", finer)
    write_seg(pacs / "seg.dcm", images, {"GTV": ring()})
    out, rows, _ = propose(pacs, SURGERY)
    confirm(out, rows)
    files, printed = labels_of(out)
    assert "residual" not in files
    assert "its frames are not on the voxels of the series on which it was drawn" in printed


def test_a_structure_is_no_image_and_every_scan_has_its_own_label(tmp_path: Path) -> None:
    pacs = tmp_path / "pacs"
    for when, name in ((AFTER, "a"), ("20200104 0930", "b")):
        write_seg(pacs / f"{name}.dcm", write_images(pacs, when=when), {"GTV": ring() if name == "a" else ~ring()})
    out, rows, _ = propose(pacs, SURGERY, "--every-scan")
    assert [(row["session"], row["column"]) for row in rows if row["structure"]] == [
        ("post1", "residual"),
        ("post2", "residual"),
    ]
    confirm(out, rows)
    assert convert(out).exit_code == 0
    patients = read_patients(str(out.parent / "cohort" / "cohort.tsv"), FILES, needed=())
    assert [dice(each.files["residual"], mask, OBLIQUE) for each, mask in zip(patients, (ring(), ~ring()), strict=True)]
    confirm(out, [{**row, "column": "post_flair" if row["structure"] else row["column"]} for row in rows])
    refused = convert(out)
    assert "a structure of an annotation is a mask, and post_flair an image" in refused.stderr
