"""Scans flipped left to right, in the core environment: mirroring_check.py COHORT OUT PATIENT...

Registers scans as they are and flipped with their header kept. Prints one JSON record of mirrored gains.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from registration_check import SETTINGS
from scipy.spatial.transform import Rotation

from residua.images import volumes
from residua.images.volumes import Image
from residua.quality.mirroring import Sides
from residua.registration.register import register
from residua.registration.transforms import TransformFiles
from residua.settings.registration import SequenceRegistration

HOW = SequenceRegistration(**SETTINGS | {"transform": "affine", "resected_margin_mm": None})
SEQUENCES = ("post_t1", "post_flair")


def flipped(image: Image) -> Image:
    return Image(np.ascontiguousarray(image.data[::-1]), image.grid)


def turned(image: Image) -> Image:
    """The same image of a head that lay askew."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", (10, -15, 25), degrees=True).as_matrix()
    matrix[:3, 3] = (40, -60, 80)
    return Image(image.data, replace(image.grid, affine=matrix @ image.grid.affine))


def brought(reference: Path, scan: Image, out: Path) -> Image:
    """The scan as the registration brings it to the reference."""
    out.mkdir(parents=True)
    volumes.save(scan, out / "moving.nii.gz")
    files = TransformFiles(out / "affine.mat", out / "warp.nii.gz")
    register(reference, out / "moving.nii.gz", HOW, 1, out / "image.nii.gz", files, out / "quality.json", "P1", "scan")
    return volumes.load(out / "image.nii.gz")


def of_patient(cohort: Path, patient: str, out: Path) -> dict[str, Any]:
    scans, mask = cohort / "images" / patient, cohort / "truth" / patient / "brain_mask.nii.gz"
    reference, brain = volumes.load(scans / "post_t1ce.nii.gz"), volumes.load_mask(mask)
    sides, askew = Sides(reference, brain), Sides(turned(reference), turned(brain))
    found: dict[str, Any] = {"given": [], "flipped": [], "askew": []}
    for name in SEQUENCES:
        scan = volumes.load(scans / f"{name}.nii.gz")
        given = brought(scans / "post_t1ce.nii.gz", scan, out / f"{name}_given")
        wrong = brought(scans / "post_t1ce.nii.gz", flipped(scan), out / f"{name}_flipped")
        found["given"].append(sides.mirrored_gain(given))
        found["flipped"].append(sides.mirrored_gain(wrong))
        found["askew"].append([askew.mirrored_gain(turned(given)), askew.mirrored_gain(turned(wrong))])
    volumes.save(flipped(reference), out / "reference.nii.gz")
    scan = volumes.load(scans / "post_t1.nii.gz")
    other = Sides(flipped(reference), flipped(brain))
    found["reference"] = other.mirrored_gain(brought(out / "reference.nii.gz", scan, out / "on_flipped"))
    return found | of_no_side(reference, brain, given)


def of_no_side(reference: Image, brain: Image, scan: Image) -> dict[str, Any]:
    """Gains where images cannot tell: equal sides, a piece of the brain or nothing, an empty image, no numbers."""
    nothing = Image(np.zeros_like(reference.data), reference.grid)
    lost = Image(np.full_like(reference.data, np.nan), reference.grid)
    sides, piece = Sides(reference, brain), np.zeros_like(brain.data)
    piece[tuple(slice(n // 2, n // 2 + 10) for n in piece.shape)] = True
    rng = np.random.default_rng(1)
    equal = []
    for noise in (0.0, 0.3, 3.0):
        one, other = (
            Image(np.float32(i.data + i.data[::-1] + rng.normal(0, noise * i.data.std(), i.data.shape)), i.grid)
            for i in (reference, scan)
        )
        equal.append(Sides(one, Image(brain.data & brain.data[::-1], brain.grid)).mirrored_gain(flipped(other)))
    return {
        "equal": equal,
        "undefined": [Sides(reference, Image(mask, brain.grid)).mirrored_gain(scan) for mask in (piece, piece & False)],
        "empty": [sides.mirrored_gain(bad) for bad in (nothing, lost)]
        + [Sides(bad, brain).mirrored_gain(scan) for bad in (nothing, lost)],
    }


def main(cohort: str, folder: str, *patients: str) -> None:
    found = {patient: of_patient(Path(cohort), patient, Path(folder) / patient) for patient in patients}
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
