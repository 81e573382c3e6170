"""Register scans whose header or field of view is unusual: far_headers_check.py PATIENT OUT ENGINE.

It runs in the core environment. ``PATIENT`` is a folder with ``post_t1ce.nii.gz`` and ``post_t1.nii.gz``. Prints the
records of the registrations as JSON, by engine and case.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import lean_ants  # noqa: F401
import numpy as np

from residua.images import volumes
from residua.images.volumes import Grid, Image
from residua.publishing.publish import read_json
from residua.registration.register import register
from residua.registration.transforms import TransformFiles
from residua.settings.registration import SequenceRegistration

SETTINGS: dict[str, Any] = {
    "engine": "ants", "transform": "rigid", "metric_bins": 32, "linear_spacing_mm": 4.0, "linear_sampling": 0.2,
    "scale_tolerance": 0.06, "interpolation": "linear", "reproducible": True, "seed": 1,
    "deformation": {
        "metric": "mattes", "working_spacing_mm": 4.0, "iterations": [1], "update_field_variance": 3.0,
        "total_field_variance": 12.0,
    },
}  # fmt: skip
ENGINES = {"ants": SETTINGS, "greedy": SETTINGS | {"engine": "greedy", "transform": "diffeomorphic"}}
FAR_MM = {"right": (150, 0, 0), "above": (0, -60, 200), "near a metre": (900, 900, 0), "metres": (-5000, 0, 3000)}
WIDER_MM = {"neck": (0, 0, 100), "beside": (60, 60, 0)}


def moved(image: Image, away_mm: tuple[float, ...], wider_mm: tuple[float, ...] = (0, 0, 0)) -> Image:
    """The same head by a header that lies elsewhere, in a scan that reaches further left, back or down."""
    more = [round(mm / size) for mm, size in zip(wider_mm, image.grid.spacing_mm, strict=True)]
    wide = np.pad(image.data, [(number, 0) for number in more])
    affine = image.grid.affine.copy()
    affine[:3, 3] += away_mm - affine[:3, :3] @ more
    x, y, z = wide.shape
    return Image(wide, Grid((x, y, z), affine))


def cases(image: Image) -> dict[str, Image]:
    """The scan as it is, and in every unusual place."""
    noise = np.random.default_rng(1).normal(size=image.grid.shape).astype(np.float32)
    return {
        "near": image,
        **{name: moved(image, away) for name, away in FAR_MM.items()},
        **{name: moved(image, (0, 0, 0), wider) for name, wider in WIDER_MM.items()},
        **{f"{name}, far": moved(image, FAR_MM["right"], wider) for name, wider in WIDER_MM.items()},
        "noise, far": moved(Image(noise, image.grid), FAR_MM["right"]),
    }


def main() -> None:
    """Register every case with an engine."""
    patient, out, engine = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    transform, quality = TransformFiles(out / "affine.mat", out / "warp.nii.gz"), out / "quality.json"
    found: dict[str, dict[str, Any]] = {engine: {}}
    for name, image in cases(volumes.load(patient / "post_t1.nii.gz")).items():
        volumes.save(image, out / "moving.nii.gz")
        scans = patient / "post_t1ce.nii.gz", out / "moving.nii.gz"
        how = SequenceRegistration(**ENGINES[engine])
        register(*scans, how, 1, out / "image.nii.gz", transform, quality, "P1", "post_t1")
        found[engine][name] = read_json(quality)
    print("\n" + json.dumps(found))


if __name__ == "__main__":
    main()
