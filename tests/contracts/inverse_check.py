"""Inverse transforms of one simulated patient, in the core environment: inverse_check.py COHORT PATIENT OUT.

Prints one JSON record: for the true transform, one that was found and one without a deformation, how far going there
and back leads astray, and what becomes of a structure of the moving scan whose place on the reference is known.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
from lean_ants import ants
from numpy.typing import NDArray
from registration_check import SEQUENCE, SETTINGS, error_mm, registered

from residua.images import volumes
from residua.images.volumes import Image
from residua.problems.problem import PROBLEM, failed
from residua.publishing.failures import sound_files
from residua.publishing.images import by_patient
from residua.publishing.publish import manifest_of, stage, write_json
from residua.registration.back import WayBack, bring_all_back
from residua.registration.inverse import bring_back
from residua.registration.transforms import TransformFiles, resample
from residua.simulate.truth import true_places

BRIEF = {"deformation": SETTINGS["deformation"] | {"iterations": (20, 10, 3)}}
"""A deformation that bends; how near it comes to the true one matters to ``registration_check`` alone."""
_LPS = np.array([-1.0, -1.0, 1.0])


def moved(points: NDArray[np.float64], transforms: list[str]) -> NDArray[np.float64]:
    """Points (RAS+ mm) through transforms, in ANTs' order."""
    frame = pd.DataFrame(points * _LPS, columns=["x", "y", "z"])
    return np.asarray(ants.apply_transforms_to_points(3, frame, transforms)[["x", "y", "z"]].to_numpy() * _LPS)


def inside(points: NDArray[np.float64], centre: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether points (…, 3) lie in an ellipsoid with semi-axes of 20, 24 and 18 mm."""
    return np.asarray((((points - centre) / (20.0, 24.0, 18.0)) ** 2).sum(axis=-1) <= 1)


def places_of(image: Image) -> NDArray[np.float64]:
    """The world coordinates (x, y, z, 3) of all voxels."""
    voxels = np.moveaxis(np.indices(image.grid.shape), 0, -1)
    return np.asarray(nib.affines.apply_affine(image.grid.affine, voxels))


def of_transform(folder: Path, truth: Path, transform: TransformFiles, out: Path) -> dict[str, Any]:
    """What the inverse of a transform does to points of the brain, and to a structure deep in the moving brain."""
    reference, moving = (volumes.load(folder / f"{name}.nii.gz") for name in ("post_t1ce", SEQUENCE))
    brain = volumes.load_mask(truth / "brain_mask.nii.gz")
    points = nib.affines.apply_affine(brain.grid.affine, np.argwhere(brain.data)[::53])
    centre = true_places(truth, SEQUENCE, points.mean(axis=0)[None])[0]
    on_reference = inside(true_places(truth, SEQUENCE, places_of(reference).reshape(-1, 3)), centre)
    known = Image(inside(places_of(moving), centre), moving.grid)
    out.mkdir()
    volumes.save(Image(on_reference.reshape(reference.grid.shape), reference.grid), out / "mask.nii.gz")
    inverse = TransformFiles(out / "inverse_affine.mat", out / "inverse_warp.nii.gz")
    bring_back(out / "mask.nii.gz", folder / f"{SEQUENCE}.nii.gz", transform, inverse, out / "back.nii.gz")
    back = volumes.load(out / "back.nii.gz")
    mask = back.data > 0.5
    astray = np.linalg.norm(moved(moved(points, transform.in_order), inverse.in_order) - points, axis=1)
    whole = resample(moving.grid, resample(reference.grid, moving, transform, "linear"), inverse, "linear")
    return {
        "error_mm": error_mm(truth / "brain_mask.nii.gz", truth, transform.in_order),
        "mean_astray_mm": float(astray.mean()),
        "worst_astray_mm": float(astray.max()),
        "values": sorted(float(value) for value in np.unique(back.data)),
        "same_grid": back.grid.same_as(moving.grid),
        "dice": float(2 * (mask & known.data).sum() / (mask.sum() + known.data.sum())),
        "volume_ratio": float(mask.sum() / known.data.sum()),
        "correlation_there_and_back": float(np.corrcoef(whole.data[known.data], moving.data[known.data])[0, 1]),
        "intent": int(nib.load(inverse.warp).header["intent_code"]),
        "files": sorted(path.name for path in out.iterdir()),
    }


def of_stage(folder: Path, found: TransformFiles, out: Path) -> dict[str, Any]:
    """What the stage writes: all is well, a failed registration, no scan before surgery, a failed mask."""
    mask = volumes.load_mask(folder / "residual.nii.gz")
    with stage(out / "masks" / "manifest.json") as part:
        for patient in ("P1", "P2", "P3", "P4"):
            volumes.save(mask, part / f"{patient}.nii.gz")
        write_json(part / "P1.json", {PROBLEM: None})
        unsound = failed("extraction-volume", "too small", "look", "P4", "brain mask")
        write_json(part / "P4.json", {PROBLEM: unsound.to_json()})
    problem = failed("registration-impossible", "noise", "look", "P2", SEQUENCE)
    for patient in ("P1", "P4"):
        write_json(out / f"{patient}_quality.json", {PROBLEM: None})
    write_json(out / "P2_quality.json", {PROBLEM: problem.to_json()})
    ways = {p: WayBack(folder / f"{SEQUENCE}.nii.gz", found, out / f"{p}_quality.json") for p in ("P1", "P2", "P4")}
    with stage(out / "back" / "manifest.json") as part:
        bring_all_back(str(out / "masks" / "manifest.json"), ways, part)
    manifest = str(out / "back" / "manifest.json")
    files = sorted(manifest_of(manifest)["files"])
    return {"files": files, "patients": list(by_patient([manifest])), "sound": list(sound_files(manifest))}


def main(cohort: Path, patient: str, out: Path) -> dict[str, object]:
    """The record of the truth, of a registration, and of a rigid one."""
    folder, truth = cohort / "images" / patient, cohort / "truth" / patient
    transforms = {"truth": TransformFiles(truth / f"{SEQUENCE}.tfm", truth / f"{SEQUENCE}_shift.nii.gz")}
    for name in ("SyN", "rigid"):
        transforms[name] = registered(folder, out / name, BRIEF | {"transform": name})[1]
    record: dict[str, object] = {
        name: of_transform(folder, truth, found, out / f"{name}_back") for name, found in transforms.items()
    }
    return {**record, "stage": of_stage(folder, transforms["SyN"], out / "stage")}


if __name__ == "__main__":
    print("\n" + json.dumps(main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))))
