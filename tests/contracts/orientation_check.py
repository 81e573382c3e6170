"""Registration of scans stored in other orders of axes, in the core environment.

python orientation_check.py COHORT PATIENT SETTINGS OUT: registers a simulated T1w as it is, and again with both files
turned. Prints one JSON record of how the warped images compare.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import lean_ants  # noqa: F401
import nibabel as nib
import numpy as np
from nibabel import orientations

from residua.images import volumes
from residua.registration.register import register
from residua.registration.transforms import TransformFiles
from residua.settings.registration import Registration, SequenceRegistration


def turned(path: Path, codes: str, out: Path) -> Path:
    """The same scan, its axes stored as ``codes`` say."""
    image = nib.load(path)
    change = orientations.ornt_transform(
        orientations.io_orientation(image.affine), orientations.axcodes2ornt(tuple(codes))
    )
    nib.save(image.as_reoriented(change), out)
    return out


def main(cohort: Path, patient: str, settings: SequenceRegistration, out: Path) -> dict[str, object]:
    """The voxels of one registration against those of the other."""
    out.mkdir()
    scans = [cohort / "images" / patient / f"{name}.nii.gz" for name in ("post_t1ce", "pre_t1ce", "pre_tumor")]
    other = [turned(scan, codes, out / scan.name) for scan, codes in zip(scans, ("LPS", "SAL", "SAL"), strict=True)]
    warped = []
    for name, (reference, moving, label) in {"first": scans, "turned": other}.items():
        transform = TransformFiles(out / f"{name}.mat", out / f"{name}_warp.nii.gz")
        written = out / f"{name}.nii.gz", transform, out / f"{name}.json"
        register(reference, moving, settings, 1, *written, patient=name, sequence="post_t1", resected=label)
        warped.append(volumes.load(out / f"{name}.nii.gz"))
    first, second = warped
    return {
        "stored_as": [image.grid.stored_as for image in warped],
        "same_voxels": all(
            np.array_equal(volumes.load(a).data, volumes.load(b).data) for a, b in zip(scans, other, strict=True)
        ),
        "same_grid": bool(first.grid.same_as(second.grid)),
        "difference_of_sd": float(np.abs(first.data - second.data).mean() / first.data.std()),
        "correlation": float(np.corrcoef(first.data.ravel(), second.data.ravel())[0, 1]),
    }


if __name__ == "__main__":
    found = main(
        Path(sys.argv[1]),
        sys.argv[2],
        Registration(**json.loads(sys.argv[3])).of(before_surgery=True),
        Path(sys.argv[4]),
    )
    print("\n" + json.dumps(found))
