"""One registration, timed, in the core environment: registration_steps.py COHORT PATIENT SEQUENCE METHOD SETTINGS."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = "1"

import ants
import nibabel as nib
import numpy as np
import pandas as pd
from scipy import ndimage

from residua.images import volumes
from residua.images.volumes import Image
from residua.registration.register import register
from residua.registration.transforms import TransformFiles, to_ants
from residua.settings.registration import Registration
from residua.simulate.truth import true_places

POINTS, NEAR_MM = 5000, 10.0
BEFORE_SURGERY = "pre_t1ce"
LPS = np.array([-1.0, -1.0, 1.0])


def ours(reference: Path, moving: Path, settings: dict[str, Any], scratch: Path) -> list[str]:
    """All that the rule does: reading, estimating, judging, resampling, writing."""
    how = Registration(**settings).of(BEFORE_SURGERY in moving.name)
    found = TransformFiles(scratch / "affine.mat", scratch / "warp.nii.gz")
    out, quality = scratch / "image.nii.gz", scratch / "quality.json"
    patient, sequence = moving.parent.name, moving.name.partition(".")[0]
    resected = moving.with_name("pre_tumor.nii.gz") if BEFORE_SURGERY in moving.name else None
    register(reference, moving, how, 1, out, found, quality, patient, sequence, resected)
    return found.in_order


def plain(reference: Path, moving: Path, spacing_mm: float | None, scratch: Path) -> list[str]:
    """``ants.registration`` as it comes, on the images or on coarser ones."""
    ants.config.set_ants_deterministic(on=True, seed_value=1)
    pair = [to_ants(volumes.load(path)) for path in (reference, moving)]
    if spacing_mm:
        pair = [ants.resample_image(x, [max(spacing_mm, mm) for mm in x.spacing], False, 0) for x in pair]
    return list(ants.registration(*pair, type_of_transform="SyN", outprefix=f"{scratch}/t")["fwdtransforms"])


def peak_gb() -> float:
    """Return this process's largest memory; ``getrusage`` would begin with that of the process it was forked from."""
    (line,) = [x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmHWM")]
    return int(line.split()[1]) / 1e6


def points_of(truth: Path) -> dict[str, Any]:
    """Points (n, 3; RAS+ mm) of the brain, and of the brain near the cavity."""
    brain, cavity = (volumes.load_mask(truth / f"{name}.nii.gz") for name in ("brain_mask", "cavity"))
    tissue = brain.data & ~cavity.data
    away_mm = ndimage.distance_transform_edt(~cavity.data, sampling=brain.grid.spacing_mm)
    return {"brain": _drawn(tissue, brain), "cavity": _drawn(tissue & (away_mm <= NEAR_MM), brain)}


def label_percent(folder: Path, truth: Path, sequence: str, found: list[str]) -> float | None:
    """By how much the tumour's volume, brought through the found transform, differs from that through the true one."""
    if sequence != BEFORE_SURGERY:
        return None
    reference, label = volumes.load(folder / "post_t1ce.nii.gz"), volumes.load_mask(folder / "pre_tumor.nii.gz")
    true = [str(truth / f"{sequence}_shift.nii.gz"), str(truth / f"{sequence}.tfm")]
    voxels = [
        float(ants.apply_transforms(to_ants(reference), to_ants(label), way, interpolator="genericLabel").sum())
        for way in (found, true)
    ]
    return 100.0 * (voxels[0] / voxels[1] - 1.0)


def _drawn(mask: Any, image: Image) -> Any:
    voxels = np.argwhere(mask)
    chosen = np.random.default_rng(0).permutation(len(voxels))[:POINTS]
    return nib.affines.apply_affine(image.grid.affine, voxels[chosen])


def errors_mm(points: Any, truth: Path, sequence: str, transforms: list[str]) -> Any:
    """How far each point's found place is from its true one."""
    frame = pd.DataFrame(points * LPS, columns=["x", "y", "z"])
    found = ants.apply_transforms_to_points(3, frame, transforms)[["x", "y", "z"]].to_numpy() * LPS
    return np.linalg.norm(found - true_places(truth, sequence, points), axis=1)


def main(cohort: Path, patient: str, sequence: str, method: str, settings: dict[str, Any]) -> dict[str, float | None]:
    """Cost and errors of one method on one scan."""
    folder, truth = cohort / "images" / patient, cohort / "truth" / patient
    pair = folder / "post_t1ce.nii.gz", folder / f"{sequence}.nii.gz"
    start = time.process_time()
    with tempfile.TemporaryDirectory() as scratch:
        if method == "before":
            found: list[str] = []
        elif method == "ours":
            found = ours(*pair, settings, Path(scratch))
        elif method == "ours_greedy":
            found = ours(*pair, settings | {"engine": "greedy", "transform": "diffeomorphic"}, Path(scratch))
        else:
            own = settings["across_surgery" if sequence == BEFORE_SURGERY else "within_session"]
            found = plain(*pair, own["working_spacing_mm"] if method == "coarse" else None, Path(scratch))
        cost = {
            "cpu_s": time.process_time() - start,
            "peak_gb": peak_gb(),
        }
        label = label_percent(folder, truth, sequence, found)
        everywhere, near = (errors_mm(points, truth, sequence, found) for points in points_of(truth).values())
    return {
        **cost,
        "mean_mm": float(everywhere.mean()),
        "p95_mm": float(np.percentile(everywhere, 95)),
        "cavity_mm": float(near.mean()),
        "label_percent": label,
    }


if __name__ == "__main__":
    cohort, patient, sequence, method, settings = sys.argv[1:]
    record = main(Path(cohort), patient, sequence, method, json.loads(settings))
    print("\n" + json.dumps([record]))
