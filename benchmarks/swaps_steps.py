"""Register another patient's scan and measure the match, in the core environment: swaps_steps.py SWAP (JSON)."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from residua.images import volumes
from residua.images.scans import load_scan
from residua.publishing.failures import problem_in
from residua.publishing.publish import read_json
from residua.quality.brain_likeness import BrainLikeness
from residua.quality.measures import sequence_measures
from residua.quality.mirroring import Sides
from residua.registration.register import register
from residua.registration.transforms import TransformFiles
from residua.settings.registration import SequenceRegistration


def measured(swap: dict[str, Any]) -> dict[str, Any]:
    """Return the check that the registration fails (None: none) and what the quality pages would judge."""
    reference, settings = Path(swap["reference"]), SequenceRegistration.model_validate(swap["settings"])
    with tempfile.TemporaryDirectory() as folder:
        image, quality = Path(folder) / "image.nii.gz", Path(folder) / "quality.json"
        transform = TransformFiles(Path(folder) / "affine.mat", Path(folder) / "warp.nii.gz")
        register(reference, Path(swap["moving"]), settings, 1, image, transform, quality, "swap", swap["sequence"])
        problem, measures = problem_in(quality), sequence_measures(read_json(quality))
        fixed, after, mask = load_scan(reference), volumes.load(image), volumes.load_mask(swap["brain"])
    measures["brain_similarity"] = BrainLikeness(fixed, mask).similarity(after)
    measures["mirrored_gain"] = Sides(fixed, mask).mirrored_gain(after)
    return {"fails": problem.check if problem else None, "measures": measures}


if __name__ == "__main__":
    print(json.dumps([measured(json.loads(sys.argv[1]))]))
