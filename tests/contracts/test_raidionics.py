"""Models in the layout of the authors' published ones, run by the real raidionicsseg in its own environment."""

from __future__ import annotations

import json
import subprocess
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_onnx import write_model

from environments import python_in
from residua.images import volumes
from residua.images.volumes import Grid, Image
from residua.publishing.publish import digest, read_json, stage

EXTRACT = """
import json, sys
from pathlib import Path
from residua.brain.mask import mask_brains
from residua.settings.brain_mask import BrainMask
mask_brains(BrainMask.model_validate_json(sys.argv[1]), json.loads(sys.argv[2]), {}, Path(sys.argv[3]))
"""
AFFINE = np.array([[1.5, 0, 0, -40], [0, 1.5, 0, -50], [0, 0, 3.0, 12], [0, 0, 0, 1]])
SHAPE = (96, 112, 46)


def ball(radius_mm: float, centre: Sequence[float] = (72, 84, 69)) -> np.ndarray[Any, np.dtype[np.bool_]]:
    places = np.stack(np.indices(SHAPE), axis=-1) * (1.5, 1.5, 3.0)
    return np.asarray(np.linalg.norm(places - centre, axis=-1) <= radius_mm)


def save(path: Path, data: Any, stored_as: str = "RAS") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    volumes.save(Image(data, Grid(SHAPE, AFFINE, stored_as=stored_as)), path)
    return path


def dice(one: Any, other: Any) -> float:
    return float(2 * np.count_nonzero(one & other) / (one.sum() + other.sum()))


def brain_by(model: Path, head: Path, out: Path, sha256: str | None = None) -> subprocess.CompletedProcess[str]:
    settings = {"method": "raidionics", "weights": str(model), "weights_sha256": sha256 or digest(model)}
    out.mkdir(exist_ok=True)
    return python_in("raidionics", "-c", EXTRACT, json.dumps(settings), json.dumps({"P1": str(head)}), str(out))


@pytest.mark.parametrize(("shape", "slab"), [("64,80,72", ""), ("96,80", 32)], ids=["whole", "slabs"])
def test_a_model_in_the_published_layout_finds_the_brain_on_the_grid_of_the_head(
    shape: str, slab: int | str, tmp_path: Path
) -> None:
    brain = ball(60)
    noise = np.random.default_rng(0).normal(0, 2, SHAPE)
    head = save(tmp_path / "head.nii.gz", (100 * brain + noise.clip(0)).astype(np.float32), stored_as="LPS")
    # The mean of the normalised volume is 0, between background and brain; the brain lies above 1.
    model = write_model(tmp_path / "brain.zip", [20.0], -10.0, shape, slab)
    done = brain_by(model, head, tmp_path / "masks")
    assert done.returncode == 0, done.stdout + done.stderr
    assert read_json(tmp_path / "masks/P1.json")["problem"] is None
    mask = volumes.load_mask(tmp_path / "masks/P1.nii.gz")
    assert mask.grid.same_as(volumes.load_grid(head))
    assert mask.grid.stored_as == "LPS"
    assert dice(mask.data, brain) > 0.95


def damaged(model: Path, tmp_path: Path) -> dict[str, tuple[Path, str | None]]:
    empty, text = tmp_path / "empty.zip", tmp_path / "text.zip"
    with zipfile.ZipFile(empty, "w") as packed:
        packed.writestr("MRI_Tiny/pre_processing.ini", "")
    text.write_text("no archive")
    return {
        "its sha256 differs from the one that is given": (model, "0" * 64),
        "the model is missing": (tmp_path / "nowhere.zip", "0" * 64),
        "holds no folder with pre_processing.ini and an ONNX file": (empty, None),
        "not a zip archive": (text, None),
    }


def test_a_model_that_cannot_be_used_is_refused_in_words(tmp_path: Path) -> None:
    head = save(tmp_path / "head.nii.gz", ball(60).astype(np.float32))
    model = write_model(tmp_path / "brain.zip", [20.0], -10.0, "64,80,72")
    for told, (file, sha256) in damaged(model, tmp_path).items():
        done = brain_by(file, head, tmp_path / "masks", sha256)
        assert done.returncode != 0
        assert told in done.stderr


def study_with(folder: Path, images: dict[str, dict[str, Any]]) -> Path:
    """The folders of a study that the segmentation reads: stripped channels, and brain masks, by patient."""
    for channel, by_patient in images.items():
        with stage(folder / f"results/stripped/{channel}/AMS-0/manifest.json") as part:
            for patient, data in by_patient.items():
                save(part / f"{patient}.nii.gz", data)
    with stage(folder / "results/brain/AMS-0/manifest.json") as part:
        for patient in images["post_t1ce"]:
            save(part / f"{patient}.nii.gz", ball(60))
    return folder


def test_a_model_of_two_inputs_makes_predictions_that_a_study_takes(tmp_path: Path) -> None:
    brain, enhanced, blood = ball(60), ball(15), ball(8, (40, 84, 69))
    before = (50 * brain + 100 * blood).astype(np.float32)
    after = (50 * brain + 100 * (enhanced | blood)).astype(np.float32)
    study = study_with(tmp_path, {"post_t1ce": {"P1": after, "P2": after}, "post_t1": {"P1": before}})
    # Tumour is bright after contrast agent and not before; blood is bright in both.
    model = write_model(tmp_path / "gbm.zip", [8.0, -8.0], -8.0, "96,96,96", cropping="brain_clip")
    arguments = [
        "--study",
        str(study),
        "--model",
        str(model),
        "--sha256",
        digest(model),
        "--out",
        str(tmp_path / "sent"),
    ]
    done = python_in(
        "raidionics", "-m", "residua.external.raidionics", *arguments, "--channels", "post_t1ce", "post_t1"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # The second patient lacks an input of the model.
    assert [file.name for file in (tmp_path / "sent").iterdir()] == ["P1.nii.gz"]
    found = volumes.load(tmp_path / "sent/P1.nii.gz")
    assert found.grid.same_as(Grid(SHAPE, AFFINE))
    assert 0 <= found.data.min() <= found.data.max() <= 1
    assert dice(found.data >= 0.5, enhanced) > 0.85
    assert not (found.data[blood] >= 0.5).any()
