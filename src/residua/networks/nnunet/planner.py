"""Let nnU-Net plan its network from the brains of the patients that train it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from residua.networks.cases import Channel
from residua.networks.nnunet.plans import DATASET, make_dataset
from residua.networks.nnunet.raw_names import channel_names
from residua.networks.nnunet.resampling import zyx
from residua.preparation.brain_crop import Crop
from residua.publishing.publish import write_json

_READER = "NibabelIOWithReorient"
_DIGITS = 6
"""Of a spacing in millimetres: a header in 32 bits knows no more."""


def make_plan(crops: Sequence[Crop], channels: Sequence[Channel], plan: str) -> dict[str, Any]:
    """Fulfil ``residua.networks.contract.MakePlan``: nnU-Net's own plans, to which only the data are ours."""
    with tempfile.TemporaryDirectory(prefix="nnunet-plan-") as folder:
        raw, preprocessed = Path(folder) / "raw", Path(folder) / "preprocessed"
        write_json(raw / DATASET / "dataset.json", _described(len(crops), channels))
        write_json(preprocessed / DATASET / "dataset_fingerprint.json", _fingerprint(crops, channels))
        # nnU-Net reads the places of its folders and the number of its processes from the environment.
        os.environ["nnUNet_raw"], os.environ["nnUNet_preprocessed"] = str(raw), str(preprocessed)  # noqa: SIM112
        os.environ["nnUNet_n_proc_DA"] = "1"  # noqa: SIM112
        planner = _planners()[plan](DATASET, suppress_transpose=True)
        plans: dict[str, Any] = planner.plan_experiment()
    for configuration in plans["configurations"].values():
        if "use_mask_for_norm" in configuration:
            # Where the box of the brain fills the scan, nnU-Net would normalise over the box; Residua never does.
            configuration["use_mask_for_norm"] = [not channel.is_label for channel in channels]
    return plans


def _planners() -> dict[str, Any]:
    from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import ExperimentPlanner
    from nnunetv2.experiment_planning.experiment_planners.residual_unets.residual_encoder_unet_planners import (
        nnUNetPlannerResEncL,
        nnUNetPlannerResEncM,
        nnUNetPlannerResEncXL,
    )

    return {
        "auto": ExperimentPlanner,
        "resenc-m": nnUNetPlannerResEncM,
        "resenc-l": nnUNetPlannerResEncL,
        "resenc-xl": nnUNetPlannerResEncXL,
    }


def _described(patients: int, channels: Sequence[Channel]) -> dict[str, Any]:
    """Return nnU-Net's description of the data; it opens no image, since the fingerprint is known."""
    return {
        **make_dataset(channels),
        "channel_names": channel_names(channels),
        "numTraining": patients,
        "dataset": {"first": {"images": ["first.nii.gz"], "label": "first.nii.gz"}},
        "overwrite_image_reader_writer": _READER,
    }


def _fingerprint(crops: Sequence[Crop], channels: Sequence[Channel]) -> dict[str, Any]:
    """Return what nnU-Net would extract from the stripped images, which it crops to what is not zero."""
    shares = [np.prod(crop.shape) / np.prod(crop.grid.shape) for crop in crops]
    return {
        "spacings": [zyx([round(float(size), _DIGITS) for size in crop.grid.spacing_mm]) for crop in crops],
        "shapes_after_crop": [zyx(crop.shape) for crop in crops],
        "median_relative_size_after_cropping": float(np.median(shares)),
        # Only the normalisation of CT uses intensities.
        "foreground_intensity_properties_per_channel": {str(number): {} for number in range(len(channels))},
    }
