"""Scans of another patient, in the core environment: swap_check.py COHORT OUT PATIENT OTHER.

Registers a patient's scans and another patient's to the reference. Prints one JSON record of similarities in the brain.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from mirroring_check import SEQUENCES, brought

from residua.images import volumes
from residua.images.volumes import Image
from residua.quality.brain_likeness import BrainLikeness


def main(cohort: str, out: str, patient: str, other: str) -> None:
    scans = {name: Path(cohort, "images", name) for name in (patient, other)}
    reference = scans[patient] / "post_t1ce.nii.gz"
    brain = volumes.load_mask(Path(cohort, "truth", patient, "brain_mask.nii.gz"))
    image = volumes.load(reference)
    likeness = BrainLikeness(image, brain)
    found = {
        name: {
            of: likeness.similarity(
                brought(reference, volumes.load(scans[of] / f"{name}.nii.gz"), Path(out, f"{name}_{of}"))
            )
            for of in scans
        }
        for name in SEQUENCES
    }
    # The lower two thirds of the scan alone, and next to nothing of it.
    level = np.arange(image.grid.shape[2])
    half, little = (
        Image(np.where(level < share * len(level), image.data, np.float32(0)), image.grid) for share in (2 / 3, 0.1)
    )
    whole = {"whole": likeness.similarity(image), "part": likeness.similarity(half)}
    print(json.dumps({"scans": found, "reach": {**whole, "little": likeness.similarity(little)}}))


if __name__ == "__main__":
    main(*sys.argv[1:])
