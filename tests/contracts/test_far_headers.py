"""Scans whose headers place them far apart are registered, and a right transform is not called a failure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from environments import python_in
from residua.images import volumes
from residua.images.volumes import Grid, Image

REGISTER = """
import json, sys
from pathlib import Path
from residua.registration.register import register
from residua.registration.transforms import TransformFiles
from residua.settings.registration import SequenceRegistration
reference, moving, out, settings = sys.argv[1:]
out = Path(out)
transform = TransformFiles(out / "affine.mat", out / "warp.nii.gz")
settings = SequenceRegistration.model_validate_json(settings)
files = (out / "out.nii.gz", transform, out / "quality.json")
register(Path(reference), Path(moving), settings, 1, *files, "P1", "post_t1")
print((out / "quality.json").read_text().replace(chr(10), " "))
"""
SETTINGS = {
    "engine": "ants", "transform": "rigid", "metric_bins": 32, "linear_spacing_mm": 4.0, "linear_sampling": 0.5,
    "scale_tolerance": 0.06, "interpolation": "linear", "reproducible": True, "seed": 1,
    "deformation": {
        "metric": "mattes", "working_spacing_mm": 4.0, "iterations": [1], "update_field_variance": 3.0,
        "total_field_variance": 12.0,
    },
}  # fmt: skip


def registered(reference: Path, moving: Path, out: Path) -> dict[str, Any]:
    out.mkdir()
    done = python_in("core", "-c", REGISTER, str(reference), str(moving), str(out), json.dumps(SETTINGS))
    assert done.returncode == 0, done.stdout + done.stderr
    record: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return record


@pytest.mark.parametrize("away_mm", [(150.0, 0.0, 0.0), (0.0, -60.0, 200.0), (900.0, 900.0, 0.0)])
def test_headers_far_apart_are_no_failure(
    micro_cohort: Path, tmp_path: Path, away_mm: tuple[float, float, float]
) -> None:
    images = next(path for path in sorted((micro_cohort / "images").iterdir()) if (path / "post_t1.nii.gz").is_file())
    reference, near, far = images / "post_t1ce.nii.gz", images / "post_t1.nii.gz", tmp_path / "far.nii.gz"
    image = volumes.load(near)
    affine = image.grid.affine.copy()
    affine[:3, 3] += away_mm
    volumes.save(Image(image.data, Grid(image.grid.shape, affine)), far)
    right, found = registered(reference, near, tmp_path / "near"), registered(reference, far, tmp_path / "away")
    assert found["problem"] is None
    assert found["affine"]["translation_mm"] == pytest.approx(float(np.linalg.norm(away_mm)), abs=15.0)
    assert found["mutual_information"]["after"] == pytest.approx(right["mutual_information"]["after"], abs=0.05)
    assert found["mutual_information"]["before"] < found["mutual_information"]["after"]


def test_another_object_far_away_is_still_a_failure(micro_cohort: Path, tmp_path: Path) -> None:
    images = next(path for path in sorted((micro_cohort / "images").iterdir()) if (path / "post_t1.nii.gz").is_file())
    image = volumes.load(images / "post_t1.nii.gz")
    affine = image.grid.affine.copy()
    affine[0, 3] += 150.0
    noise = np.random.default_rng(1).normal(size=image.grid.shape).astype(np.float32)
    volumes.save(Image(noise, Grid(image.grid.shape, affine)), tmp_path / "noise.nii.gz")
    found = registered(images / "post_t1ce.nii.gz", tmp_path / "noise.nii.gz", tmp_path / "away")
    assert found["problem"]["check"] in ("registration-dissimilar", "registration-impossible")
