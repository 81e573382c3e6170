"""Registration of one simulated patient, in the core environment: python registration_check.py COHORT PATIENT OUT.

Prints one JSON record: how far the found transforms are from the true ones, and what was written.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import ants
import nibabel as nib
import numpy as np
import pandas as pd

from residua import images
from residua.publish import digest, read_json
from residua.registration import TransformFiles, register, warp_label
from residua.simulate.geometry import read_itk
from residua.study import Registration

SETTINGS = Registration(
    engine="ants",
    transform="SyN",
    metric="mattes",
    metric_bins=32,
    iterations=(40, 20, 0),
    working_spacing_mm=4.0,
    interpolation="linear",
    seed=1,
)
_LPS = np.array([-1.0, -1.0, 1.0])


def error_mm(reference: Path, brain: Path, truth: Path, transform: TransformFiles | None) -> float:
    """Mean distance (mm) in the brain between where a transform finds a point in the moving scan and where it is."""
    mask = images.load_mask(brain)
    voxels = np.argwhere(mask.data)[::97]
    points = nib.affines.apply_affine(mask.grid.affine, voxels)
    expected = nib.affines.apply_affine(read_itk(truth), points)
    if transform is None:
        return float(np.linalg.norm(points - expected, axis=1).mean())
    frame = pd.DataFrame(points * _LPS, columns=["x", "y", "z"])
    found = ants.apply_transforms_to_points(3, frame, transform.in_order)[["x", "y", "z"]].to_numpy() * _LPS
    return float(np.linalg.norm(found - expected, axis=1).mean())


def main(cohort: Path, patient: str, out: Path) -> dict[str, object]:
    """The record of two identical registrations and of a warped label."""
    folder, truth = cohort / "images" / patient, cohort / "truth" / patient
    reference, sequence = folder / "post_t1ce.nii.gz", "pre_t1ce"
    runs = []
    for run in ("first", "second"):
        transform = TransformFiles(out / run / "affine.mat", out / run / "warp.nii.gz")
        image, quality = out / run / "image.nii.gz", out / run / "quality.json"
        register(reference, folder / f"{sequence}.nii.gz", SETTINGS, image, transform, quality)
        runs.append((image, transform, quality))
    image, transform, quality = runs[0]
    label = out / "label.nii.gz"
    warp_label(reference, folder / "pre_tumor.nii.gz", transform, label)
    native, warped = images.load_mask(folder / "pre_tumor.nii.gz"), images.load(label)
    brain, true = truth / "brain_mask.nii.gz", truth / f"{sequence}.tfm"
    return {
        "error_before_mm": error_mm(reference, brain, true, None),
        "error_mm": error_mm(reference, brain, true, transform),
        "identical": all(
            digest(a) == digest(b)
            for a, b in ((runs[0][1].affine, runs[1][1].affine), (runs[0][1].warp, runs[1][1].warp))
        ),
        "same_voxels": bool(np.array_equal(images.load(runs[0][0]).data, images.load(runs[1][0]).data)),
        "same_grid": images.load_grid(image).same_as(images.load_grid(reference)),
        "label_values": sorted(float(value) for value in np.unique(warped.data)),
        "label_volume_ratio": float(
            warped.data.sum() * warped.grid.voxel_ml / (native.data.sum() * native.grid.voxel_ml)
        ),
        "mutual_information": read_json(quality)["mutual_information"],
        "left_over": sorted(path.name for path in out.rglob(".*")),
    }


if __name__ == "__main__":
    print("\n" + json.dumps(main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))))
