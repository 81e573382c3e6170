"""Registration of one simulated patient, in the core environment: registration_check.py COHORT PATIENT OTHER OUT.

Prints one JSON record: by engine how far the found transforms are from the true ones and what was written, and what is
said of scans that cannot be registered. ``OTHER`` is another patient's name.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
from lean_ants import ants

from residua.images import volumes
from residua.images.volumes import Image
from residua.publishing.failures import problem_in
from residua.publishing.publish import digest, read_json
from residua.registration.labels import warp_label
from residua.registration.register import register
from residua.registration.transforms import TransformFiles, matrix_of, write_matrix
from residua.settings.registration import SequenceRegistration
from residua.simulate.truth import true_places

SETTINGS: dict[str, Any] = {
    "engine": "ants",
    "transform": "SyN",
    "metric_bins": 32,
    "linear_spacing_mm": 3.0,
    "linear_sampling": 0.2,
    "deformation": {
        "metric": "CC",
        "working_spacing_mm": 3.0,
        "iterations": (40, 20, 10),
        "update_field_variance": 3.0,
        "total_field_variance": 3.0,
    },
    "resected_margin_mm": 4.0,
    "scale_tolerance": 0.06,
    "interpolation": "linear",
    "reproducible": True,
    "seed": 1,
}
SHORT: dict[str, Any] = {
    "linear_spacing_mm": 5.0,
    "deformation": SETTINGS["deformation"] | {"working_spacing_mm": 6.0, "iterations": (5, 2)},
}
"""Where it does not matter what is found."""
ENGINES: dict[str, dict[str, Any]] = {
    "SyN": {},
    "rigid": {"transform": "rigid"},
    "greedy": {"engine": "greedy", "transform": "diffeomorphic"},
    "greedy_affine": {"engine": "greedy", "transform": "affine"},
    "none": {"engine": "none"},
}
SEQUENCE, LABEL = "pre_t1ce", "pre_tumor.nii.gz"
_LPS = np.array([-1.0, -1.0, 1.0])


def error_mm(brain: Path, truth: Path, transforms: list[str]) -> float:
    """Mean distance (mm) in the brain between where transforms find a point in the moving scan and where it is."""
    mask = volumes.load_mask(brain)
    voxels = np.argwhere(mask.data)[::97]
    points = nib.affines.apply_affine(mask.grid.affine, voxels)
    expected = true_places(truth, SEQUENCE, points)
    frame = pd.DataFrame(points * _LPS, columns=["x", "y", "z"])
    found = ants.apply_transforms_to_points(3, frame, transforms)[["x", "y", "z"]].to_numpy() * _LPS
    return float(np.linalg.norm(found - expected, axis=1).mean())


def registered(
    folder: Path, out: Path, settings: dict[str, Any], moving: Path | None = None, resected: Path | None = None
) -> tuple[Path, TransformFiles, Path]:
    """The image, the transform and the quality file that one registration writes."""
    transform = TransformFiles(out / "affine.mat", out / "warp.nii.gz")
    image, quality = out / "image.nii.gz", out / "quality.json"
    scans = folder / "post_t1ce.nii.gz", moving or folder / f"{SEQUENCE}.nii.gz"
    how = SequenceRegistration(**SETTINGS | settings)
    register(*scans, how, 1, image, transform, quality, "P1", "pre_t1ce", resected or folder / LABEL)
    return image, transform, quality


def of_engine(folder: Path, truth: Path, out: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """What a registration found and wrote, and whether two with the same settings wrote the same."""
    image, transform, quality = registered(folder, out / "found", settings)
    first, second = (registered(folder, out / name, SHORT | settings)[:2] for name in ("first", "second"))
    return {
        "error_mm": error_mm(truth / "brain_mask.nii.gz", truth, transform.in_order),
        "identical": [digest(file) for file in first[1].in_order] == [digest(file) for file in second[1].in_order],
        "same_voxels": bool(np.array_equal(volumes.load(first[0]).data, volumes.load(second[0]).data)),
        "same_grid": volumes.load_grid(image).same_as(volumes.load_grid(folder / "post_t1ce.nii.gz")),
        "quality": read_json(quality),
        "label": of_label(folder, truth, transform, out / "label.nii.gz"),
    }


def of_looking_everywhere(folder: Path, truth: Path, out: Path) -> dict[str, Any]:
    """What SyN makes of the label when it looks at the tumour that surgery took, too."""
    _, transform, _ = registered(folder, out, {"resected_margin_mm": None})
    return {"label": of_label(folder, truth, transform, out / "label.nii.gz")}


def of_normalised(folder: Path, truth: Path, out: Path) -> dict[str, Any]:
    """Register copies of both scans with zero mean and unit variance, whose centres of mass are undefined."""
    out.mkdir()
    for name in ("post_t1ce", SEQUENCE):
        scan = volumes.load(folder / f"{name}.nii.gz")
        volumes.save(Image((scan.data - scan.data.mean()) / scan.data.std(), scan.grid), out / f"{name}.nii.gz")
    image, transform, quality = registered(out, out / "found", {"transform": "rigid"}, resected=folder / LABEL)
    return {
        "error_mm": error_mm(truth / "brain_mask.nii.gz", truth, transform.in_order),
        "lowest": float(volumes.load(image).data.min()),
        "quality": read_json(quality),
    }


def of_label(folder: Path, truth: Path, found: TransformFiles, out: Path) -> dict[str, Any]:
    """A label through the found transform: its values, and its volume against that through the true transform."""
    volumes_ml = []
    true = TransformFiles(truth / f"{SEQUENCE}.tfm", truth / f"{SEQUENCE}_shift.nii.gz")
    for transform in (true, found):
        warp_label(folder / "post_t1ce.nii.gz", folder / LABEL, transform, out)
        warped = volumes.load(out)
        volumes_ml.append(float(warped.data.sum() * warped.grid.voxel_ml))
    return {
        "values": sorted(float(value) for value in np.unique(warped.data)),
        "volume_ratio": volumes_ml[1] / volumes_ml[0],
    }


def refusals(cohort: Path, patient: str, other: str, out: Path) -> dict[str, str]:
    """What is said of moving scans that are no second scan of this head, by what they are."""
    folder = cohort / "images" / patient
    scan = volumes.load(folder / f"{SEQUENCE}.nii.gz")
    noise = np.random.default_rng(1).normal(100.0, 20.0, scan.data.shape).astype(np.float32)
    broken = scan.data.copy()
    broken[0, 0, 0] = np.nan
    labels = {"another head": cohort / "images" / other / LABEL}
    wrong = {"noise": noise, "empty": np.zeros_like(scan.data), "not finite": broken}
    files = {"another head": cohort / "images" / other / f"{SEQUENCE}.nii.gz"}
    for name, data in wrong.items():
        files[name] = out / f"{name}.nii.gz"
        volumes.save(Image(data, scan.grid), files[name])
    said = {}
    for name, file in files.items():
        # A long deformation could only let noise resemble the reference; the others are told by other signs.
        settings = {} if name == "noise" else {"deformation": SHORT["deformation"]}
        image, _, quality = registered(folder, out / f"{name} registered", settings, file, labels.get(name))
        assert np.isfinite(volumes.load(image).data).all()
        said[name] = str(problem_in(quality))
    return said


def of_truth(folder: Path, truth: Path, out: Path) -> dict[str, Any]:
    """How the simulator's own transforms are read, and a matrix that was written."""
    brain, rigid, shift = (
        truth / name for name in ("brain_mask.nii.gz", f"{SEQUENCE}.tfm", f"{SEQUENCE}_shift.nii.gz")
    )
    matrix = np.array([[0.9, 0.1, 0, 3], [-0.1, 1.0, 0.2, 4], [0, -0.2, 1.1, -5], [0, 0, 0, 1.0]])
    write_matrix(matrix, out / "known.mat")
    return {
        "error_before_mm": error_mm(brain, truth, []),
        "error_of_the_rigid_truth_mm": error_mm(brain, truth, [str(rigid)]),
        "error_of_the_truth_mm": error_mm(brain, truth, [str(shift), str(rigid)]),
        "matrix_is_kept": bool(np.allclose(matrix_of(out / "known.mat"), matrix, atol=1e-6)),
    }


def main(cohort: Path, patient: str, other: str, out: Path) -> dict[str, object]:
    """The record of every engine, of the truth, and of what fails."""
    folder, truth = cohort / "images" / patient, cohort / "truth" / patient
    # Every registration takes one processor; the machines of the tests have two.
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        refused = pool.submit(refusals, cohort, patient, other, out)
        engines = {
            name: pool.submit(of_engine, folder, truth, out / name, settings) for name, settings in ENGINES.items()
        }
        normalised = pool.submit(of_normalised, folder, truth, out / "normalised")
        engines["SyN_everywhere"] = pool.submit(of_looking_everywhere, folder, truth, out / "SyN_everywhere")
        return of_truth(folder, truth, out) | {
            "engines": {name: record.result() for name, record in engines.items()},
            "normalised": normalised.result(),
            "refusals": refused.result(),
            "left_over": sorted(path.name for path in out.rglob(".*")),
        }


if __name__ == "__main__":
    print("\n" + json.dumps(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4]))))
