"""A patient is looked at in a viewer, and a corrected reference comes back into the cohort table."""

from __future__ import annotations

import csv
import gzip
import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import SimpleITK
from typer.testing import CliRunner

import test_report
from bundles import write_micro_bundle
from cohort_tables import FILES, config, row, rows, snapshot, write_images, write_table
from residua.cli import app
from residua.cohort.cohort import load_cohort
from residua.cohort.places import STUDY
from residua.cohort.table.corrections import read_corrections
from residua.errors import ResiduaError
from residua.figures import style
from residua.images import volumes
from residua.images.volumes import Image, load_grid, load_mask
from residua.networks.prediction import save_probability
from residua.publishing.publish import digest, stage, write_json
from residua.report.build import write_report
from residua.report.corrections import corrections
from residua.review.nrrd import read_segmentation, write_segmentation
from residua.review.scene import PREDICTION, REFERENCE
from residua.settings.study import load_study
from residua.wiring.corrections import corrected
from residua.wiring.loaded import LoadedStudy
from workbooks import write_xlsx

SIGNED = ("--by", "A. Reader", "--reason", "a rim was missed")
CHOICE = {"segmentation": "B", "classification": "B", "raters": "B"}
MOVING = ("post_t1", "post_flair", "pre_t1ce")


def settings() -> dict[str, Any]:
    inputs = {"A": ["post_t1ce"], "B": ["post_t1ce", "post_t1"]}
    return {**config("B", inputs=inputs), "cohort": "data/cohort.tsv"}


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study that has started: one patient of each hospital, AMS1 in the hold-out, nothing registered."""
    folder = tmp_path / "my study é"
    (folder / "data").mkdir(parents=True)
    records = rows()
    write_images(folder / "data", records, enlarged=True)
    write_table(folder / "data", records)
    (folder / STUDY).parent.mkdir(parents=True)
    write_json(folder / STUDY, load_study(settings()).model_dump(mode="json"))
    return folder


def image_of(study: Path, patient: str, column: str = "post_t1ce") -> Path:
    return study / f"data/images/{patient}_{column}.nii.gz"


def register(study: Path, patient: str) -> None:
    for column in MOVING:
        place = study / f"results/registered/{patient}/{column}.nii.gz"
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(image_of(study, patient, column), place)


def predict(study: Path, patient: str, arch: str, inputs: str, fold: int | None) -> None:
    """A mask that is the reference, one voxel along, and its map of probabilities."""
    mask = load_mask(image_of(study, patient, "residual"))
    moved = Image(np.roll(mask.data, 1, axis=0), mask.grid)
    split, maps = ("validation", f"predictions/{arch}/{inputs}/fold{fold}")
    if fold is None:
        split, maps = "test", f"ensemble/{arch}/{inputs}"
    with stage(study / f"results/segmentations/{arch}/{inputs}/{split}/manifest.json") as part:
        volumes.save(moved, part / f"{patient}.nii.gz")
    with stage(study / f"results/{maps}/manifest.json") as part:
        save_probability(Image(moved.data * np.float32(0.75), mask.grid), part / f"{patient}.nii.gz")


def review(study: Path, patient: str, *more: object) -> Any:
    return CliRunner().invoke(app, ["review", patient, "--study", str(study), *map(str, more)])


def edit(study: Path, patient: str, path: Path, voxels: int = 5) -> Path:
    """The reference with ``voxels`` more of them, saved as a viewer does."""
    image = nib.load(image_of(study, patient, "residual"))
    data = np.asanyarray(image.dataobj).copy()
    free = np.argwhere(data == 0)
    near = free[np.argsort(np.abs(free - np.argwhere(data)[0]).sum(axis=1), kind="stable")[:voxels]]
    data[tuple(near.T)] = 1
    nib.save(nib.Nifti1Image(data, image.affine), path)
    return path


# The masks of 3D Slicer.

EVERY_GRID = pytest.mark.parametrize(
    ("axes", "turned"), [("RAS", 0.0), ("LPS", 0.02), ("LAS", -0.3), ("PSR", 0.3), ("SLA", 0.0), ("IRP", -0.05)]
)


def image_on(axes: str, turned: float) -> Image:
    """A mask of one corner that no symmetry maps to itself, on an oblique grid that is stored in the order of axes."""
    turn = np.array([[np.cos(turned), -np.sin(turned), 0], [np.sin(turned), np.cos(turned), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = turn * np.array([0.7, 1.1, 3.0])
    affine[:3, 3] = (-11.5, 7.25, 40)
    data = np.zeros((4, 5, 6), bool)
    data[0, 1, 2] = data[3, 4, 5] = data[1, 1, 2] = True
    return Image(data, volumes.Grid(data.shape, affine, stored_as=axes))


def marked_mm(file: Path) -> np.ndarray[Any, Any]:
    """The places of the marked voxels as ITK has them, sorted."""
    image = SimpleITK.ReadImage(str(file))
    found = np.argwhere(SimpleITK.GetArrayFromImage(image))[:, ::-1]
    places = np.array([image.TransformIndexToPhysicalPoint([int(i) for i in at]) for at in found])
    return places[np.lexsort((places[:, 0], places[:, 2].round()))]


@EVERY_GRID
def test_a_segmentation_for_slicer_lies_where_the_nifti_lies(tmp_path: Path, axes: str, turned: float) -> None:
    folder, mask = tmp_path, image_on(axes, turned)
    volumes.save(mask, folder / "mask.nii.gz")
    write_segmentation(mask, "reference", (0.25, 0.5, 1.0), folder / "mask.seg.nrrd")
    read = SimpleITK.ReadImage(str(folder / "mask.seg.nrrd"))
    assert len(marked_mm(folder / "mask.seg.nrrd")) == 3
    assert np.allclose(marked_mm(folder / "mask.seg.nrrd"), marked_mm(folder / "mask.nii.gz"), atol=2e-3)
    assert read.GetMetaData("Segment0_Name") == "reference"
    assert read.GetMetaData("Segment0_Color") == "0.25 0.5 1"
    assert read.GetMetaData("Segment0_Extent") == "0 3 0 4 0 5"


@EVERY_GRID
@pytest.mark.parametrize("compressed", [True, False])
def test_what_itk_writes_as_nrrd_is_read_as_its_nifti(
    tmp_path: Path, axes: str, turned: float, compressed: bool
) -> None:
    folder = tmp_path
    volumes.save(image_on(axes, turned), folder / "mask.nii.gz")
    image = SimpleITK.ReadImage(str(folder / "mask.nii.gz"))
    SimpleITK.WriteImage(image, str(folder / "mask.nrrd"), useCompression=compressed)
    read, expected = read_segmentation(folder / "mask.nrrd"), volumes.load(folder / "mask.nii.gz")
    assert np.array_equal(read.data, expected.data)
    assert np.allclose(read.grid.affine, expected.grid.affine, atol=1e-4)


HEAD = "NRRD0004\ntype: uchar\ndimension: 3\nspace: left-posterior-superior\nsizes: 2 2 2\n"
HEAD += "space directions: (1,0,0) (0,1,0) (0,0,1)\nencoding: gzip\nspace origin: (0,0,0)\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"NIFTI", "not a NRRD file"),
        (HEAD.encode(), "not a NRRD file"),
        (HEAD.replace("dimension: 3", "dimension: 4").encode() + b"\n", "segments that overlap"),
        (HEAD.encode() + b"\n" + gzip.compress(bytes(8), mtime=0)[:-9], "cannot be read as a segmentation"),
        (HEAD.encode() + b"\n" + gzip.compress(bytes(7), mtime=0), "cannot be read as a segmentation"),
        (HEAD.replace("gzip", "bzip2").encode() + b"\n", "encoding bzip2"),
        (HEAD.replace("uchar", "block").encode() + b"\n", "cannot be read as a segmentation"),
        ((HEAD + "data file: mask.raw\n").encode() + b"\n", "its voxels lie in another file"),
        (
            HEAD.replace("left-posterior", "scanner").encode() + b"\n" + gzip.compress(bytes(8), mtime=0),
            "cannot be read",
        ),
    ],
)
def test_a_damaged_segmentation_is_refused_in_words(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "mask.seg.nrrd").write_bytes(content)
    with pytest.raises(ResiduaError, match=message):
        read_segmentation(tmp_path / "mask.seg.nrrd")


# The scenes.


@pytest.fixture
def finished(study: Path) -> Path:
    for patient in ("STO1", "AMS1"):
        register(study, patient)
    for arch in ("nnunet", "agunet"):
        for inputs in ("A", "B"):
            predict(study, "STO1", arch, inputs, fold=0)
            predict(study, "AMS1", arch, inputs, fold=None)
    return study


def nodes(folder: Path) -> list[ElementTree.Element]:
    return list(ElementTree.parse(folder / "scene.mrml").getroot())


def files_of_slicer(folder: Path) -> dict[str, Path]:
    """The file of each volume and segmentation by name, found as 3D Slicer does: from the folder of the scene."""
    by_id = {node.get("id", ""): node for node in nodes(folder)}
    shown = [node for node in nodes(folder) if node.tag in ("Volume", "Segmentation")]
    stored = {node.get("name", ""): by_id[node.get("storageNodeRef", "")].get("fileName", "") for node in shown}
    return {name: folder / unquote(file) for name, file in stored.items()}


def layers(folder: Path) -> list[dict[str, Any]]:
    return list(as_registry(ElementTree.parse(folder / "scene.itksnap").getroot())["Layers"].values())


def as_registry(element: ElementTree.Element) -> dict[str, Any]:
    """Folders and entries, the entries first as the document type of ITK-SNAP demands."""
    tags = [child.tag for child in element]
    assert tags == sorted(tags)
    assert set(tags) <= {"entry", "folder"}
    return {
        child.attrib["key"]: child.attrib["value"] if child.tag == "entry" else as_registry(child) for child in element
    }


@pytest.mark.parametrize("patient", ["STO1", "AMS1"])
def test_both_scenes_hold_all_images_on_one_grid(finished: Path, patient: str) -> None:
    assert review(finished, patient).exit_code == 0
    folder = finished / "review" / patient
    grid = load_grid(image_of(finished, patient))
    slicer = files_of_slicer(folder)
    assert list(slicer) == ["post_t1ce", *MOVING, "probability", "reference", "prediction"]
    itksnap = {layer["LayerMetaData"]["CustomNickName"]: Path(layer["AbsolutePath"]) for layer in layers(folder)}
    assert list(itksnap) == list(slicer)
    for file in (*slicer.values(), *itksnap.values()):
        read = read_segmentation(file).grid if file.suffix == ".nrrd" else load_grid(file)
        assert read.same_as(grid), file
    assert [slicer[name].resolve() for name in MOVING] == [itksnap[name].resolve() for name in MOVING]
    assert "results/registered" in str(itksnap["post_t1"])


def test_the_nodes_of_slicer_refer_to_nodes_that_there_are(finished: Path) -> None:
    review(finished, "STO1")
    found = nodes(finished / "review/STO1")
    ids = [node.get("id") for node in found]
    assert len(ids) == len(set(ids))
    for node in found:
        references = [part.split(":")[1] for part in node.get("references", "").split(";") if part]
        references += [node.get(name, "") for name in ("displayNodeRef", "storageNodeRef", "backgroundVolumeID")]
        assert {reference for reference in references if reference} <= set(ids)
    geometry = {node.get("references", "").split("referenceImageGeometryRef:")[-1].split(";")[0] for node in found
                if node.tag == "Segmentation"}  # fmt: skip
    assert geometry == {"vtkMRMLScalarVolumeNode1"}
    assert next(node.get("name") for node in found if node.tag == "Volume") == "post_t1ce"


def test_the_scene_of_slicer_moves_with_the_study(finished: Path, tmp_path: Path) -> None:
    review(finished, "STO1")
    moved = tmp_path / "elsewhere"
    finished.rename(moved)
    assert all(file.is_file() for file in files_of_slicer(moved / "review/STO1").values())


def test_the_workspace_of_itksnap_moves_with_the_study_as_itksnap_looks_for_files(
    finished: Path, tmp_path: Path
) -> None:
    review(finished, "STO1")
    moved = tmp_path / "elsewhere"
    finished.rename(moved)
    folder = moved / "review/STO1"
    saved = as_registry(ElementTree.parse(folder / "scene.itksnap").getroot())["SaveLocation"]
    assert saved == str(finished / "review/STO1")
    for layer in layers(folder):
        assert (folder / os.path.relpath(layer["AbsolutePath"], saved)).is_file()


def test_the_workspace_of_itksnap_edits_the_reference_and_names_the_labels(finished: Path) -> None:
    review(finished, "STO1")
    shown = layers(finished / "review/STO1")
    roles = [layer["Role"] for layer in shown]
    assert roles == ["MainRole", *["OverlayRole"] * 4, *["SegmentationRole"] * 2]
    first, second = (nib.load(layer["AbsolutePath"]) for layer in shown[-2:])
    assert np.unique(first.dataobj).tolist() == [0, 1]
    assert np.unique(second.dataobj).tolist() == [0, 2]
    table = shown[0]["ProjectMetaData"]["IRIS"]["LabelTable"]
    named = [(table[f"Element[{n}]"]["Index"], table[f"Element[{n}]"]["Label"]) for n in (0, 1)]
    assert named == [("1", "reference"), ("2", "prediction")]
    lines = (finished / "review/STO1/labels.txt").read_text().splitlines()
    assert lines[2].split("\t") == ["1", "61", "155", "255", "1", "1", "1", '"reference"']


def test_the_colours_are_those_of_the_figures() -> None:
    for label, color in ((REFERENCE, style.REFERENCE), (PREDICTION, style.PREDICTION)):
        assert "#{:02x}{:02x}{:02x}".format(*label.color) == color


@pytest.mark.parametrize(
    ("patient", "flags", "told"),
    [
        ("STO1", (), "nnunet on inputs B, out of fold, by the model that did not see fold 0"),
        ("AMS1", (), "nnunet on inputs B, the models of all folds together, none of which saw the patient"),
        ("STO1", ("--inputs", "A"), "nnunet on inputs A, out of fold"),
        ("STO1", ("--arch", "agunet"), "agunet on inputs B, out of fold"),
        ("AMS1", ("--arch", "agunet", "--inputs", "A"), "agunet on inputs A, the models of all folds"),
    ],
)
def test_it_says_whose_prediction_is_shown(finished: Path, patient: str, flags: tuple[str, ...], told: str) -> None:
    done = review(finished, patient, *flags)
    assert f"prediction: {told}" in done.stdout
    arch, inputs = told.split()[0], told.split()[3].rstrip(",")
    probability = files_of_slicer(finished / f"review/{patient}")["probability"].resolve()
    assert f"/{arch}/{inputs}" in str(probability)


@pytest.fixture
def combined(study: Path) -> Path:
    """A study whose networks also judge together, by a mean and by a gate; the networks alone predict nothing else."""
    both = {"mean": {"mean": ["nnunet", "agunet"]}, "gated": {"gate": "agunet", "draw": "nnunet"}}
    write_json(study / STUDY, load_study({**settings(), "combinations": both}).model_dump(mode="json"))
    for patient, split in (("STO1", "validation"), ("AMS1", "test")):
        register(study, patient)
        for name in both:
            predict(study, patient, name, "B", fold=None if split == "test" else 0)
            made = f"predictions/{name}/B/fold0" if split == "validation" else f"ensemble/{name}/B"
            (study / f"results/combined/{name}/B").mkdir(parents=True, exist_ok=True)
            shutil.move(study / "results" / made, study / f"results/combined/{name}/B/{split}")
    return study


@pytest.mark.parametrize(("patient", "split"), [("STO1", "validation"), ("AMS1", "test")])
@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("mean", "the mean of the probability maps of nnU-Net and AGU-Net, at a threshold chosen out of fold; "),
        ("gated", "the mask of nnU-Net where that of AGU-Net has residual tumour, else an empty one; "),
    ],
)
@pytest.mark.parametrize("inputs", [("--inputs", "B"), ()])
def test_a_combination_is_shown_with_its_own_map_and_told_as_one(
    combined: Path, patient: str, split: str, name: str, how: str, inputs: tuple[str, ...]
) -> None:
    done = review(combined, patient, "--arch", name, *inputs)
    assert done.exit_code == 0, done.stderr
    who = {
        "validation": "out of fold, by the models that did not see fold 0\n",
        "test": "the models of all folds together, none of which saw the patient\n",
    }[split]
    assert f"prediction: {name} on inputs B, {how}" in done.stdout
    assert who in done.stdout
    shown = files_of_slicer(combined / f"review/{patient}")["probability"].resolve()
    assert shown == (combined / f"results/combined/{name}/B/{split}/{patient}.nii.gz").resolve()


def test_every_row_of_the_study_can_be_asked_for(combined: Path) -> None:
    done = review(combined, "STO1", "--arch", "unet")
    for name in ("nnunet", "agunet", "mean", "gated"):
        for inputs in ("A", "B"):
            assert f"--arch {name} --inputs {inputs}" in done.stderr
    assert "prediction: none yet of mean on A" in review(combined, "STO1", "--arch", "mean", "--inputs", "A").stderr


def test_the_commands_name_the_scenes(finished: Path) -> None:
    said = review(finished, "STO1").stdout
    folder = finished / "review/STO1"
    assert f"3D Slicer: Slicer '{folder}/scene.mrml'" in said
    assert f"ITK-SNAP: itksnap -w '{folder}/scene.itksnap'" in said


def test_a_study_without_results_shows_what_there_is(study: Path) -> None:
    done = review(study, "GOT1")
    assert done.exit_code == 0
    assert list(files_of_slicer(study / "review/GOT1")) == ["post_t1ce", "reference"]
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == [*MOVING, "prediction"]
    assert "post_t1: not registered yet" in done.stderr
    assert "prediction: none yet of nnunet on B, agunet on B, nnunet on A, agunet on A" in done.stderr


def test_an_excluded_patient_has_no_prediction(finished: Path) -> None:
    table = finished / "data/cohort.tsv"
    records = rows()
    records.append({**row("STO2", "STO"), "role": "exclude", "exclusion_reason": "moved"})
    write_images(finished / "data", records, enlarged=True)
    write_table(table.parent, records)
    done = review(finished, "STO2")
    assert done.exit_code == 0
    assert "prediction: none, because the patient is excluded: moved" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("STO9",), "data/cohort.tsv: no patient STO9"),
        (("../STO1",), r"no patient ../STO1"),
        (("STO1", "--arch", "unet"), "--arch unet: the study has no such models; it has --arch nnunet --inputs A"),
        (("STO1", "--inputs", "Z"), "--inputs Z: the study has no such models"),
        (("STO1", "--accept", "a.nii.gz", "--undo"), "give either --accept or --undo"),
    ],
)
def test_what_there_is_not_is_named(finished: Path, arguments: tuple[str, ...], message: str) -> None:
    patient, *more = arguments
    done = review(finished, patient, *more)
    assert done.exit_code == 1
    assert message in done.stderr
    assert not (finished / "review").exists()


def test_a_folder_without_a_study_is_named(tmp_path: Path) -> None:
    assert "no such folder" in review(tmp_path / "nowhere", "STO1").stderr
    assert "name the folder in which a study ran" in review(tmp_path, "STO1").stderr


def test_a_changed_prediction_is_refused(finished: Path) -> None:
    mask = finished / "results/segmentations/nnunet/B/validation/STO1.nii.gz"
    mask.write_bytes(mask.read_bytes()[:-4])
    done = review(finished, "STO1")
    assert done.exit_code == 1
    assert "missing or changed since they were made: STO1.nii.gz" in done.stderr


# Corrections.


def loaded(study: Path, monkeypatch: pytest.MonkeyPatch) -> LoadedStudy:
    monkeypatch.chdir(study)
    known = load_study(settings())
    return LoadedStudy(known, load_cohort(known, known.cohort))


def test_a_correction_changes_one_cell_and_keeps_the_original(study: Path, tmp_path: Path) -> None:
    table, old = study / "data/cohort.tsv", image_of(study, "STO1", "residual")
    before, content = table.read_bytes(), old.read_bytes()
    edited = edit(study, "STO1", tmp_path / "edited.nii.gz")
    done = review(study, "STO1", "--accept", edited, *SIGNED)
    assert done.exit_code == 0, done.stderr
    assert old.read_bytes() == content
    new = "corrections/STO1_residual_1.nii.gz"
    assert table.read_bytes() == before.replace(b"images/STO1_residual.nii.gz", new.encode())
    assert f"images/STO1_residual.nii.gz -> {new}" in done.stdout
    stored = study / "data" / new
    assert np.array_equal(np.asarray(nib.load(stored).dataobj), np.asarray(nib.load(edited).dataobj))
    (line,) = read_corrections(str(table))
    assert (line.patient, line.label, line.action, line.by, line.reason) == (
        *("STO1", "residual", "accept"),
        *("A. Reader", "a rim was missed"),
    )
    assert (line.file, line.previous) == (new, "images/STO1_residual.nii.gz")
    assert (line.sha256, line.previous_sha256) == (digest(stored), digest(old))
    assert pd.Timestamp(line.when).utcoffset() == pd.Timedelta(0)


def test_corrections_of_one_patient_are_numbered_and_undone_one_by_one(study: Path, tmp_path: Path) -> None:
    table = study / "data/cohort.tsv"
    states = [table.read_bytes()]
    for number in (1, 2):
        edited = edit(study, "STO1", tmp_path / f"{number}.nii.gz", voxels=4 + number)
        assert review(study, "STO1", "--accept", edited, *SIGNED).exit_code == 0
        states.append(table.read_bytes())
    assert b"corrections/STO1_residual_2.nii.gz" in states[-1]
    for state in states[-2::-1]:
        assert review(study, "STO1", "--undo", *SIGNED).exit_code == 0
        assert table.read_bytes() == state
    done = review(study, "STO1", "--undo", *SIGNED)
    assert done.exit_code == 1
    assert "the table names no corrected mask (images/STO1_residual.nii.gz); nothing to undo" in done.stderr
    assert [line.action for line in read_corrections(str(table))] == ["accept", "accept", "undo", "undo"]
    assert sorted(file.name for file in (study / "data/corrections").glob("*.nii.gz")) == [
        "STO1_residual_1.nii.gz",
        "STO1_residual_2.nii.gz",
    ]


def broken(study: Path, path: Path, kind: str) -> Path:
    """An edited mask of STO1 that is wrong in one way."""
    old = nib.load(image_of(study, "STO1", "residual"))
    data, affine = np.asanyarray(old.dataobj).copy(), old.affine.copy()
    if kind == "unreadable":
        path.write_bytes(b"not an image")
        return path
    if kind == "shifted":
        affine[:3, 3] += 4
    if kind == "cropped":
        data = data[1:]
    if kind == "empty":
        data[:] = 0
    if kind == "two labels":
        data[0, 0, :3] = 2
    if kind == "inverted":
        data = 1 - data
    if kind == "probabilities":
        data = data.astype(np.float32) * 0.6
    nib.save(nib.Nifti1Image(data, affine), path)
    return path


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("unreadable", "does not begin with the header of such a file"),
        ("shifted", "does not lie on the grid of post_t1ce"),
        ("cropped", "does not lie on the grid of post_t1ce"),
        ("empty", "the mask is empty; add --empty if there is no residual tumour"),
        ("two labels", "a mask holds only 0 and 1, but this one also 2"),
        ("inverted", "of the image is marked, up to its rim"),
        ("probabilities", "a mask holds only 0 and 1"),
        ("same", "is the mask that the table names already"),
    ],
)
def test_a_mask_that_the_study_could_not_use_changes_nothing(
    study: Path, tmp_path: Path, kind: str, message: str
) -> None:
    edited = broken(study, tmp_path / "edited.nii.gz", kind)
    before = snapshot(study)
    done = review(study, "STO1", "--accept", edited, *SIGNED)
    assert done.exit_code == 1
    assert message in done.stderr
    assert str(edited) in done.stderr
    assert snapshot(study) == before


@pytest.mark.parametrize(
    ("patient", "flags", "message"),
    [
        ("STO9", SIGNED, "no patient STO9"),
        ("STO1", ("--reason", "a rim"), "give --by"),
        ("STO1", ("--by", "me"), "give --reason"),
        ("STO1", ("--by", " \t", "--reason", "x"), "give --by"),
        ("STO1", ("--by", "a\x1bb", "--reason", "x"), "--by: holds characters that cannot be printed"),
    ],
)
def test_a_correction_without_its_facts_changes_nothing(
    study: Path, tmp_path: Path, patient: str, flags: tuple[str, ...], message: str
) -> None:
    edited, before = edit(study, "STO1", tmp_path / "edited.nii.gz"), snapshot(study)
    done = review(study, patient, "--accept", edited, *flags)
    assert done.exit_code == 1
    assert message in done.stderr
    assert snapshot(study) == before


def test_an_edited_file_that_is_missing_is_named(study: Path) -> None:
    assert "the file does not exist" in review(study, "STO1", "--accept", study / "none.nii.gz", *SIGNED).stderr


def test_an_empty_mask_is_taken_where_it_is_said(study: Path, tmp_path: Path) -> None:
    edited = broken(study, tmp_path / "edited.nii.gz", "empty")
    assert review(study, "STO1", "--accept", edited, *SIGNED, "--empty").exit_code == 0
    assert not load_mask(study / "data/corrections/STO1_residual_1.nii.gz").data.any()


def test_texts_of_the_log_stay_on_one_line(study: Path, tmp_path: Path) -> None:
    edited = edit(study, "STO1", tmp_path / "edited.nii.gz")
    review(study, "STO1", "--accept", edited, "--by", 'É. "Q"\tX', "--reason", "two\nlines")
    (line,) = read_corrections(str(study / "data/cohort.tsv"))
    assert (line.by, line.reason) == ('É. "Q" X', "two lines")


def test_a_log_that_is_another_table_is_refused(study: Path, tmp_path: Path) -> None:
    (study / "data/corrections").mkdir()
    (study / "data/corrections/corrections.tsv").write_text("patient\twho\nSTO1\tme\n")
    before = snapshot(study / "data")
    done = review(study, "STO1", "--accept", edit(study, "STO1", tmp_path / "edited.nii.gz"), *SIGNED)
    assert done.exit_code == 1
    assert "corrections.tsv: not the log that residua review wrote" in done.stderr
    assert without_lock(study / "data") == before


def without_lock(folder: Path) -> dict[str, bytes]:
    return {name: content for name, content in snapshot(folder).items() if not name.endswith("/corrections/.lock")}


def renamed(study: Path, name: str) -> Path:
    """The same cohort table under another name."""
    table = (study / "data/cohort.tsv").rename(study / "data" / name)
    write_json(study / STUDY, load_study({**settings(), "cohort": f"data/{name}"}).model_dump(mode="json"))
    return table


@pytest.mark.parametrize("earlier", [0, 1])
@pytest.mark.parametrize("step", ["accept", "undo"])
def test_a_table_that_cannot_be_written_keeps_its_log_and_masks(
    study: Path, tmp_path: Path, step: str, earlier: int
) -> None:
    for number in range(max(earlier, step == "undo")):
        edited = edit(study, "STO1", tmp_path / f"{number}.nii.gz", voxels=3 + number)
        assert review(study, "STO1", "--accept", edited, *SIGNED).exit_code == 0
    # What is written beside it needs a longer name, which no file system takes.
    renamed(study, f"{'c' * 246}.tsv")
    before = without_lock(study / "data")
    edited = edit(study, "STO1", tmp_path / "last.nii.gz", voxels=9)
    done = review(study, "STO1", *(("--accept", edited) if step == "accept" else ("--undo",)), *SIGNED)
    assert done.exit_code == 1
    assert "cannot be written or read" in done.stderr
    assert without_lock(study / "data") == before


def other_table(study: Path, name: str) -> Path:
    """The cohort as another kind of file, which the study names."""
    text = study / "data/cohort.tsv"
    table = pd.read_csv(text, sep="\t", dtype=str, keep_default_na=False)
    text.unlink()
    path = study / "data" / name
    writers: Mapping[str, Any] = {
        ".csv": lambda: table.to_csv(path, index=False, sep=";", encoding="utf-8-sig"),
        ".parquet": lambda: table.to_parquet(path),
        ".xlsx": lambda: write_xlsx(path, {"Patients": [list(table.columns), *table.to_numpy().tolist()]}),
    }
    writers[path.suffix]()
    write_json(study / STUDY, load_study({**settings(), "cohort": f"data/{name}"}).model_dump(mode="json"))
    return path


@pytest.mark.parametrize("name", ["cohort.csv", "cohort.parquet"])
def test_tables_of_other_kinds_are_corrected_and_undone(study: Path, tmp_path: Path, name: str) -> None:
    table = other_table(study, name)
    edited = edit(study, "STO1", tmp_path / "edited.nii.gz")

    def cells() -> list[list[str]]:
        if table.suffix == ".parquet":
            frame = pd.read_parquet(table)
            return [list(frame.columns), *frame.fillna("").to_numpy().tolist()]
        return list(csv.reader(table.read_text("utf-8-sig").splitlines(), delimiter=";"))

    before = cells()
    assert review(study, "STO1", "--accept", edited, *SIGNED).exit_code == 0
    after = cells()
    changed = [(r, c) for r, line in enumerate(after) for c, cell in enumerate(line) if cell != before[r][c]]
    assert changed == [(1, before[0].index("residual"))]
    assert after[1][before[0].index("residual")] == "corrections/STO1_residual_1.nii.gz"
    assert review(study, "STO1", "--undo", *SIGNED).exit_code == 0
    assert cells() == before


def test_a_workbook_is_not_changed_and_the_command_says_what_to_write(study: Path, tmp_path: Path) -> None:
    table = other_table(study, "cohort.xlsx")
    before = snapshot(study)
    done = review(study, "STO1", "--accept", edit(study, "STO1", tmp_path / "edited.nii.gz"), *SIGNED)
    assert done.exit_code == 1
    assert f"{table.relative_to(study)}: a workbook is never changed by Residua" in done.stderr
    assert "write the path of the corrected mask into its column residual" in done.stderr
    assert snapshot(study) == before


def test_the_segmentation_that_slicer_saves_is_taken(study: Path, tmp_path: Path) -> None:
    review(study, "STO1")
    file = study / "review/STO1/reference.seg.nrrd"
    expected = load_mask(edit(study, "STO1", tmp_path / "edited.nii.gz"))
    write_segmentation(expected, "reference", (0, 0, 1), file)
    assert review(study, "STO1", "--accept", file, *SIGNED).exit_code == 0
    stored = load_mask(study / "data/corrections/STO1_residual_1.nii.gz")
    assert np.array_equal(stored.data, expected.data)
    assert stored.grid.same_as(load_grid(image_of(study, "STO1")))


@pytest.mark.parametrize("margin", [0, -2])
def test_the_part_of_the_image_that_slicer_saves_is_put_in_its_place(study: Path, tmp_path: Path, margin: int) -> None:
    expected = load_mask(edit(study, "STO1", tmp_path / "edited.nii.gz"))
    start = [int(axis.min()) + margin for axis in np.nonzero(expected.data)]
    stop = [int(axis.max()) + 1 for axis in np.nonzero(expected.data)]
    padded = np.pad(expected.data, 3)
    part = padded[tuple(slice(a + 3, b + 3) for a, b in zip(start, stop, strict=True))]
    affine = expected.grid.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ np.array(start)
    write_segmentation(Image(part, volumes.Grid(part.shape, affine)), "x", (0, 0, 1), tmp_path / "part.seg.nrrd")
    assert review(study, "STO1", "--accept", tmp_path / "part.seg.nrrd", *SIGNED).exit_code == 0
    assert np.array_equal(load_mask(study / "data/corrections/STO1_residual_1.nii.gz").data, expected.data)


def test_a_segmentation_beyond_the_image_is_refused(study: Path, tmp_path: Path) -> None:
    grid = load_grid(image_of(study, "STO1"))
    affine = grid.affine.copy()
    affine[:3, 3] -= affine[:3, 0]
    beyond = Image(np.ones((2, 2, 2), bool), volumes.Grid((2, 2, 2), affine))
    write_segmentation(beyond, "x", (0, 0, 1), tmp_path / "beyond.seg.nrrd")
    done = review(study, "STO1", "--accept", tmp_path / "beyond.seg.nrrd", *SIGNED)
    assert done.exit_code == 1
    assert "a part of the mask lies outside of the image" in done.stderr


def test_an_edit_that_nobody_has_taken_is_not_written_over(study: Path) -> None:
    review(study, "STO1")
    file = edit(study, "STO1", study / "review/STO1/reference.nii.gz")
    content = file.read_bytes()
    done = review(study, "STO1")
    assert done.exit_code == 1
    assert f"{file}: was edited and not accepted; accept it (residua review STO1 --accept '{file}' …)" in done.stderr
    assert file.read_bytes() == content
    assert review(study, "STO1", "--accept", file, *SIGNED).exit_code == 0
    assert review(study, "STO1").exit_code == 0
    assert np.array_equal(load_mask(file).data, load_mask(study / "data/corrections/STO1_residual_1.nii.gz").data)


def test_the_study_counts_the_corrections_that_the_table_names(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert corrected(loaded(study, monkeypatch)) == {"all": 0, "holdout": 0}
    for patient in ("STO1", "AMS1", "GOT1"):
        edited = edit(study, patient, tmp_path / f"{patient}.nii.gz")
        assert review(study, patient, "--accept", edited, *SIGNED).exit_code == 0
    assert corrected(loaded(study, monkeypatch)) == {"all": 3, "holdout": 1}
    review(study, "GOT1", "--undo", *SIGNED)
    assert corrected(loaded(study, monkeypatch)) == {"all": 2, "holdout": 1}


def test_corrections_count_in_a_table_that_was_merged_from_others(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    review(study, "STO1", "--accept", edit(study, "STO1", tmp_path / "edited.nii.gz"), *SIGNED)
    (study / "data").rename(study / "source")
    (study / "data").mkdir()
    text = (study / "source/cohort.tsv").read_text()
    moved = text.replace("corrections/", "../source/corrections/").replace("images/", "../source/images/")
    (study / "data/cohort.tsv").write_text(moved)
    assert corrected(loaded(study, monkeypatch)) == {"all": 1, "holdout": 0}


def test_a_folder_of_somebody_elses_corrections_counts_none(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = study / "data/corrections"
    other.mkdir()
    (other / "corrections.tsv").write_text("who\twhat\nme\tcorrections/x.nii.gz\n")
    shutil.copyfile(image_of(study, "STO1", "residual"), other / "x.nii.gz")
    table = study / "data/cohort.tsv"
    table.write_text(table.read_text().replace("images/STO1_residual.nii.gz", "corrections/x.nii.gz"))
    assert corrected(loaded(study, monkeypatch)) == {"all": 0, "holdout": 0}


def test_another_patients_missing_file_stops_no_review(study: Path, tmp_path: Path) -> None:
    image_of(study, "GOT1").unlink()
    assert review(study, "STO1").exit_code == 0
    edited = edit(study, "STO1", tmp_path / "edited.nii.gz")
    assert review(study, "STO1", "--accept", edited, *SIGNED).exit_code == 0
    done = review(study, "GOT1")
    assert done.exit_code == 1
    assert "GOT1_post_t1ce.nii.gz: the file does not exist" in done.stderr
    assert "Traceback" not in done.output


def test_a_reference_that_is_missing_or_damaged_can_be_replaced(study: Path, tmp_path: Path) -> None:
    edited = edit(study, "STO1", tmp_path / "edited.nii.gz")
    old = image_of(study, "STO1", "residual")
    old.write_bytes(old.read_bytes()[:40])
    done = review(study, "STO1")
    assert done.exit_code == 0
    assert "residual: data/images/STO1_residual.nii.gz: cannot be read" in done.stderr
    assert not load_mask(study / "review/STO1/reference.nii.gz").data.any()
    old.unlink()
    assert review(study, "STO1", "--accept", edited, *SIGNED).exit_code == 0
    (line,) = read_corrections(str(study / "data/cohort.tsv"))
    assert line.previous_sha256 == ""


def test_a_place_that_cannot_be_written_is_named(study: Path, tmp_path: Path) -> None:
    (study / "review").write_text("a file in the way")
    assert "review" in review(study, "STO1").stderr
    (study / "data/corrections").write_text("a file in the way")
    edited = edit(study, "STO1", tmp_path / "edited.nii.gz")
    before = (study / "data/cohort.tsv").read_bytes()
    done = review(study, "STO1", "--accept", edited, *SIGNED)
    assert done.exit_code == 1
    assert "corrections: cannot be written or read" in done.stderr
    assert (study / "data/cohort.tsv").read_bytes() == before


@pytest.fixture
def application(study: Path) -> Path:
    """A bundle applied to STO1, who has a prediction."""
    write_micro_bundle(study / "bundle.zip", "nnunet")
    head, *lines = (study / "data/cohort.tsv").read_text().replace("images/", "data/images/").splitlines()
    # Whatever stands there: a review opens no brain mask.
    text = [f"{head}\tbrain_mask", *(f"{line}\tbundle.zip" for line in lines)]
    (study / "cohort.tsv").write_text("\n".join(text) + "\n")
    (study / "config.yaml").write_text("bundles: [bundle.zip]\ncohort: cohort.tsv\n")
    register(study, "STO1")
    predict(study, "STO1", "nnunet", "B", fold=None)
    return study


def test_a_patient_of_an_application_is_looked_at(application: Path) -> None:
    done = review(application, "STO1")
    assert done.exit_code == 0, done.output
    assert "prediction: nnunet on inputs B, the models of the bundle together" in done.stdout
    assert "--accept" not in done.stdout
    assert {"post_t1ce", "probability", "prediction"} <= set(files_of_slicer(application / "review/STO1"))


def test_an_application_has_no_reference_to_correct(application: Path, tmp_path: Path) -> None:
    edited = edit(application, "STO1", tmp_path / "edited.nii.gz")
    before = snapshot(application)
    for flags in (("--accept", edited), ("--undo",)):
        done = review(application, "STO1", *flags, *SIGNED)
        assert done.exit_code == 1
        assert "an application of bundles, which has no reference of its own" in done.stderr
    assert snapshot(application) == before


def test_the_page_of_the_report_tells_it_with_the_cohort_and_with_the_provenance(tmp_path: Path) -> None:
    sources, making = test_report.make_run(tmp_path, test_report.study_of())
    sentence = "3 reference masks were corrected after review, 1 of them in the hold-out."
    for numbers, told in (({}, 0), ({"all": 3, "holdout": 1}, 2)):
        write_report(sources, replace(making, corrected=numbers), tmp_path / "index.html")
        assert test_report.Reader((tmp_path / "index.html").read_text("utf-8")).text.count(sentence) == told


@pytest.mark.parametrize(
    ("every", "held_out", "sentence"),
    [
        (3, 1, "3 reference masks were corrected after review, 1 of them in the hold-out."),
        (2, 0, "2 reference masks were corrected after review, none of them in the hold-out."),
        (1, 0, "1 reference mask was corrected after review, in a fold."),
        (1, 1, "1 reference mask was corrected after review, in the hold-out."),
    ],
)
def test_the_report_says_how_many(every: int, held_out: int, sentence: str) -> None:
    assert corrections({"all": every, "holdout": held_out})[0] == sentence


def test_the_report_of_a_study_without_corrections_says_nothing() -> None:
    assert corrections({"all": 0, "holdout": 0}) == corrections({}) == ()


@pytest.mark.parametrize(
    ("patient", "words"),
    [
        ("STO1", ("of fold 0", "trains the 8 networks again", "Nothing is registered again")),
        ("AMS1", ("of the hold-out", "No network is trained again", "no threshold is chosen again")),
    ],
)
def test_it_says_what_reruns(study: Path, tmp_path: Path, patient: str, words: tuple[str, ...]) -> None:
    done = review(study, patient, "--accept", edit(study, patient, tmp_path / "edited.nii.gz"), *SIGNED)
    said = " ".join(done.stdout.split())
    assert all(word in said for word in words), said
    assert set(FILES) <= set((study / "data/cohort.tsv").read_text().splitlines()[0].split("\t"))
