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
from residua.simulate.truth import true_places
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


def error_mm(brain: Path, truth: Path, sequence: str, transforms: list[str]) -> float:
    """Mean distance (mm) in the brain between where transforms find a point in the moving scan and where it is."""
    mask = images.load_mask(brain)
    voxels = np.argwhere(mask.data)[::97]
    points = nib.affines.apply_affine(mask.grid.affine, voxels)
    expected = true_places(truth, sequence, points)
    frame = pd.DataFrame(points * _LPS, columns=["x", "y", "z"])
    found = ants.apply_transforms_to_points(3, frame, transforms)[["x", "y", "z"]].to_numpy() * _LPS
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
    brain, rigid, shift = (
        truth / name for name in ("brain_mask.nii.gz", f"{sequence}.tfm", f"{sequence}_shift.nii.gz")
    )
    return {
        "error_before_mm": error_mm(brain, truth, sequence, []),
        "error_mm": error_mm(brain, truth, sequence, transform.in_order),
        "error_of_the_rigid_truth_mm": error_mm(brain, truth, sequence, [str(rigid)]),
        "error_of_the_truth_mm": error_mm(brain, truth, sequence, [str(shift), str(rigid)]),
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
