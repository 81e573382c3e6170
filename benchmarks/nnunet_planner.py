"""Ask nnU-Net's own planner which patch it takes for stripped brains at the article's spacing.

The article gives the patch as three numbers without axes. Run it with the Python of the environment of nnU-Net:

.snakemake/conda/{the environment of envs/torch.yaml}/bin/python benchmarks/nnunet_planner.py --others
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

SPACING_MM = (1.0, 0.5, 0.5)
"""Along z, y, x like everything here, which is nnU-Net's order."""
BRAIN_MM = (145.0, 175.0, 140.0)
"""A stripped brain: foot to head, back to front, left to right."""
OTHER_BRAINS_MM = ((135.0, 145.0, 155.0), (165.0, 175.0, 185.0), (130.0, 140.0, 150.0))
PATIENTS, CHANNELS = 956, 5
DATASET = "Dataset001_Residua"


def planner(folder: str) -> Any:
    """Return nnU-Net's planner for a data set of which ``folder`` holds nothing but the description."""
    # nnU-Net reads the places of its folders from the environment.
    os.environ["nnUNet_raw"] = os.environ["nnUNet_preprocessed"] = folder  # noqa: SIM112 - nnU-Net's names
    channels = {str(index): f"sequence {index}" for index in range(CHANNELS)}
    described = {"channel_names": channels, "labels": {"background": 0, "residual": 1}, "dataset": {}}
    place = Path(folder) / DATASET
    place.mkdir()
    (place / "dataset.json").write_text(json.dumps(described), encoding="utf-8")
    (place / "dataset_fingerprint.json").write_text('{"median_relative_size_after_cropping": 1.0}', encoding="utf-8")
    from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import ExperimentPlanner

    return ExperimentPlanner(DATASET)


def planned(planner: Any, brain_mm: tuple[float, ...]) -> dict[str, Any]:
    """Return the patch, the batch and the levels that nnU-Net plans for a brain of this size."""
    shape = np.round(np.array(brain_mm) / SPACING_MM).astype(int)
    voxels = float(np.prod(shape)) * PATIENTS
    plan = planner.get_plans_for_configuration(np.array(SPACING_MM), shape, "residua", voxels, {})
    network = plan["architecture"]["arch_kwargs"]
    return {
        "patch_size": [int(n) for n in plan["patch_size"]],
        "batch_size": int(plan["batch_size"]),
        "features_per_stage": [int(n) for n in network["features_per_stage"]],
        "kernel_sizes": [[int(n) for n in kernel] for kernel in network["kernel_sizes"]],
        "strides": [[int(n) for n in stride] for stride in network["strides"]],
    }


def main() -> None:
    """Print the plan of one brain and, if asked, how many of the others get which patch."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--others", action="store_true", help="plan for brains of other sizes, too")
    others = list(itertools.product(*OTHER_BRAINS_MM)) if parser.parse_args().others else []
    with tempfile.TemporaryDirectory() as folder:
        asked = planner(folder)
        for name, value in planned(asked, BRAIN_MM).items():
            print(f"{name}: {json.dumps(value)}")
        patches = Counter(str(planned(asked, brain)["patch_size"]) for brain in others)
    for patch, count in patches.most_common():
        print(f"{count} of {len(others)} brains: {patch}")


if __name__ == "__main__":
    main()
