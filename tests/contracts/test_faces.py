"""``residua import --deface`` by the real workflow: on a simulated head, a mirrored one, noise, and a stripped scan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from PIL import Image as Picture

from dicom_commands import residua
from residua.images import volumes
from residua.images.volumes import Image
from residua.simulate.design import load_design
from residua.simulate.patient import simulate_patient
from residua.simulate.plan import planned
from whole_tables import read_patients


def save(data: Any, like: Image, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    volumes.save(Image(np.asarray(data, np.float32), like.grid), file)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The imported patients by name, what was written, and the truth of the head."""
    folder = tmp_path_factory.mktemp("deface")
    design = load_design("toy")
    assignment = planned(24, design)[5]
    simulate_patient(folder, 1, assignment, design)
    images, truth = folder / "images" / assignment.patient, folder / "truth" / assignment.patient
    scan = volumes.load(images / "post_t1ce.nii.gz")
    brain = volumes.load_mask(truth / "brain_mask.nii.gz").data
    source = folder / "source"
    (source / "HEAD").mkdir(parents=True)
    for name in ("post_t1ce", "post_flair", "residual"):
        (source / "HEAD" / f"{name}.nii.gz").write_bytes((images / f"{name}.nii.gz").read_bytes())
    # A label that reaches into the face stays, whatever it is.
    box = np.zeros(scan.grid.shape, dtype=bool)
    index = np.rint(nib.affines.apply_affine(np.linalg.inv(scan.grid.affine), (20, 60, -60))).astype(int)
    box[tuple(slice(max(place - 3, 0), place + 3) for place in index)] = True
    save(box, scan, source / "HEAD" / "cavity.nii.gz")
    save(scan.data[:, :, ::-1], scan, source / "MIRRORED" / "post_t1ce.nii.gz")
    noise = np.random.default_rng(1).normal(100, 20, scan.grid.shape)
    save(noise, scan, source / "NOISE" / "post_t1ce.nii.gz")
    save(np.where(brain, scan.data, 0), scan, source / "STRIPPED" / "post_t1ce.nii.gz")
    options = ("--pattern", "{patient}/{column}.nii.gz", "--column", "cavity", "--assume-early", "--deface")
    ran = residua("import", "folders", source, "--out", folder / "out", "--hospital", "STO", *options)
    assert ran.exit_code == 0, ran.output
    columns = ("post_t1ce", "post_flair", "residual", "cavity")
    patients = read_patients(str(folder / "out" / "cohort.tsv"), columns, needed=())
    return {
        "patients": {patient.patient: patient for patient in patients}, "said": ran.output, "source": source,
        "out": folder / "out", "brain": brain, "box": box,
    }  # fmt: skip


def test_no_voxel_of_brain_or_label_is_changed_and_the_face_is_gone(world: dict[str, Any]) -> None:
    files = world["patients"]["HEAD"].files
    for column in ("post_t1ce", "post_flair"):
        before, after = (volumes.load(file) for file in (world["source"] / "HEAD" / f"{column}.nii.gz", files[column]))
        assert before.grid.same_as(after.grid)
        assert nib.load(files[column]).header == nib.load(world["source"] / "HEAD" / f"{column}.nii.gz").header
        changed = before.data != after.data
        if column == "post_t1ce":
            kept = world["brain"] | volumes.load_mask(files["residual"]).data | world["box"]
            assert not (changed & kept).any()
            assert before.data[world["box"]].any()
        assert (after.data[changed] == 0).all()
        assert 60 < (changed & (before.data > 0.1 * before.data.max())).sum() * before.grid.voxel_ml < 600


def test_who_has_no_face_to_cut_and_who_cannot_be_defaced_is_said(world: dict[str, Any]) -> None:
    patients, said = world["patients"], world["said"]
    stripped = volumes.load(patients["STRIPPED"].files["post_t1ce"])
    assert np.array_equal(stripped.data, volumes.load(world["source"] / "STRIPPED" / "post_t1ce.nii.gz").data)
    assert not patients["STRIPPED"].excluded
    for name in ("MIRRORED", "NOISE"):
        assert patients[name].exclusion_reason.startswith("not defaced: post_t1ce: ")
        assert not patients[name].files
        assert f"patient {name} is not defaced" in said
        assert not list(world["out"].glob(f"images/{name}*/*"))
    assert "faces were cut from 2 of 3 scans" in said
    assert "nothing to cut: it is brain extracted: 1 scan(s)" in said
    assert not list(world["out"].parent.glob("out.*"))


def test_the_picture_shows_the_cut_and_hides_the_face(world: dict[str, Any]) -> None:
    picture = np.asarray(Picture.open(world["out"] / "deface" / "HEAD.png"))
    assert (picture == (200, 30, 30)).all(axis=2).mean() > 0.02
    remarks = json.loads((world["out"] / "import.json").read_text())["patients"]["HEAD"]["remarks"]
    assert any(remark.startswith("post_t1ce: the face was cut (") for remark in remarks)
