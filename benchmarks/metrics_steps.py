"""Measure pairs of masks with raidionicsval, in an environment that has it; called by metrics.py."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

# The package takes a pool of processes as given.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from raidionicsval.Computation.standalone_computation import StandaloneComputation
from raidionicsval.Utils.resources import SharedResources

SETTINGS = """[Default]
task=standalone
objective=segmentation
data_root={folder}
number_processes=1
[Standalone]
groundtruth_filename={reference}
prediction_filename={prediction}
metrics_space={spaces}
extra_metrics=Jaccard,HD95,ASSD,RAVD
class_names=tumor
detection_overlap_thresholds=0.0
tiny_objects_removal_threshold=20
true_positive_volume_thresholds=0.175
"""
"""The metrics that ours have, too: overlap, distances and volume of whole masks and of lesions."""


def seconds(reference: Path, prediction: Path, spaces: str = "pixelwise,objectwise") -> float:
    """Return the processor seconds that one pair takes, reading included."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.ini"
        files = {"reference": reference, "prediction": prediction}
        config.write_text(SETTINGS.format(folder=folder, spaces=spaces, **files), encoding="utf-8")
        SharedResources.getInstance().set_environment(config_filename=str(config))
    start = time.process_time()
    StandaloneComputation().run()
    return time.process_time() - start


def record(reference: Path, prediction: Path) -> dict[str, Any]:
    """Time one pair; where no lesion matches, version 1.1 fails, and the whole masks alone are measured."""
    case = reference.name.removesuffix(".nii.gz")
    try:
        return {"case": case, "seconds": seconds(reference, prediction), "whole": False}
    except IndexError:
        return {"case": case, "seconds": seconds(reference, prediction, "pixelwise"), "whole": True}


if __name__ == "__main__":
    references, predictions = map(Path, sys.argv[1:])
    print(json.dumps([record(file, predictions / file.name) for file in sorted(references.iterdir())]))
