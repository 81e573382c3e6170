"""How far registration is off on real scans, against published transforms: one patient of the open longitudinal set.

    .venv/bin/python benchmarks/registration_real.py --case patient12 --out build/registration_real

The set of Lesjak et al. (2016, CC BY) has two sessions a patient, whole heads with slices of about 3 mm, and affine
transforms between sequences and sessions. ``--case`` is a folder with its files: ``study1_flair.nii.gz``, …,
``study1_T1W_intrastudy_to_FLAIR.tfm``, …, ``study1_FLAIR_to_common_space.tfm``, … and
``brainmask_commonspace.nii.gz``. The error is over the brain: how far from the published place a point is found.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
import yaml

from _common import HOUSE, steps_of
from residua.images import volumes

POINTS = 3000
LPS = np.array([-1.0, -1.0, 1.0])
ACROSS = "SyN as across surgery"
ENGINES: dict[str, dict[str, Any]] = {
    "rigid": {"transform": "rigid"},
    "affine": {"transform": "affine"},
    "SyN": {},
    ACROSS: {},
    "greedy": {"engine": "greedy", "transform": "diffeomorphic"},
}


def points_of(case: Path) -> dict[str, Any]:
    """Points of the brain (n, 3; LPS mm) by scan: the same tissue in each, by the published transforms."""
    import SimpleITK

    mask = volumes.load_mask(case / "brainmask_commonspace.nii.gz")
    voxels = np.argwhere(mask.data)
    voxels = voxels[np.random.default_rng(0).permutation(len(voxels))[:POINTS]]
    common = nib.affines.apply_affine(mask.grid.affine, voxels) * LPS

    def through(name: str, points: Any) -> Any:
        transform = SimpleITK.ReadTransform(str(case / f"{name}.tfm"))
        return np.array([transform.TransformPoint(point.tolist()) for point in points])

    places = {}
    for study in ("study1", "study2"):
        flair = places[f"{study}_flair"] = through(f"{study}_FLAIR_to_common_space", common)
        for kind in ("T1W", "T2W"):
            places[f"{study}_{kind[:2].lower()}"] = through(f"{study}_{kind}_intrastudy_to_FLAIR", flair)
    return places


def error_mm(found: Any, true: Any) -> str:
    """Mean and 95th percentile of the distances."""
    distances = np.linalg.norm(found - true, axis=1)
    return f"{distances.mean():.2f} ({np.percentile(distances, 95):.2f})"


def measured(case: Path, settings: dict[str, Any]) -> list[dict[str, str]]:
    """One row per pair of scans, in the core environment."""
    import ants

    from residua.registration.register import register
    from residua.registration.transforms import TransformFiles
    from residua.settings.registration import Registration

    places = points_of(case)
    pairs = [("study1_flair", "study1_t1"), ("study2_flair", "study2_t1"), ("study1_flair", "study1_t2")]
    pairs += [("study2_flair", "study2_t2"), ("study1_flair", "study2_flair"), ("study1_t1", "study2_t1")]
    rows = []
    for fixed, moving in pairs:
        row = {"scan": moving, "to": fixed, "before": error_mm(places[fixed], places[moving])}
        frame = pd.DataFrame(places[fixed], columns=["x", "y", "z"])
        for name, engine in ENGINES.items():
            with tempfile.TemporaryDirectory() as scratch:
                found = TransformFiles(Path(scratch, "affine.mat"), Path(scratch, "warp.nii.gz"))
                reference, image = (case / f"{scan}.nii.gz" for scan in (fixed, moving))
                how = Registration(**settings | engine).of(before_surgery=name == ACROSS)
                out = Path(scratch, "image.nii.gz")
                register(reference, image, how, 1, out, found, Path(scratch, "quality.json"), case.name, moving)
                moved = ants.apply_transforms_to_points(3, frame, found.in_order)[["x", "y", "z"]].to_numpy()
            row[name] = error_mm(moved, places[moving])
        rows.append(row)
    return rows


def main() -> None:
    """Measure in the core environment, and write the table."""
    from residua.publishing.publish import write_text
    from residua.tables.render import Table, to_markdown

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=HOUSE / "build" / "registration_real")
    wanted = parser.parse_args()
    settings = yaml.safe_load((HOUSE / "config.yaml").read_text())["registration"]
    rows = steps_of(Path(__file__), "core", "measure", str(wanted.case), json.dumps(settings))
    note = "Mean error over the brain in mm (95th percentile) against the published transforms."
    text = to_markdown(Table(pd.DataFrame(rows, dtype=object), note))
    write_text(wanted.out / "registration_real.md", text)
    print(text)


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        print("\n" + json.dumps(measured(Path(sys.argv[2]), json.loads(sys.argv[3]))))
    else:
        main()
