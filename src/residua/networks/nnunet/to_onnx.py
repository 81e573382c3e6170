"""Write trained models as ONNX: one window in, its logits out; the sliding window is the user's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from residua.networks.exporting import Ensemble
from residua.networks.nnunet.model import load_model
from residua.networks.nnunet.plans import INFERENCE, PLANS_FILE
from residua.networks.torch_to_onnx import LOGITS, WINDOW, write_network
from residua.publishing.publish import read_json, write_text
from residua.settings.channels import told_all


def export(ensemble: Ensemble, out: Path) -> None:
    """Fulfil ``residua.networks.exporting.Export``."""
    for fold, folder in ensemble.models.items():
        predictor = load_model(folder, torch.device("cpu"))
        configuration = predictor.configuration_manager
        shape = (1, len(ensemble.channels), *configuration.patch_size)
        given = np.random.default_rng(fold).normal(size=shape).astype(np.float32)
        facts = {**ensemble.facts(), **_facts(folder, configuration), "fold": fold}
        write_network(predictor.network.eval(), given, facts, out / f"fold{fold}.onnx")
    write_text(out / "README.md", _readme(ensemble))


def _facts(folder: Path, configuration: Any) -> dict[str, Any]:
    inference = read_json(folder / PLANS_FILE)[INFERENCE]
    return {
        "axes": "batch, channel, z, y, x (superior, anterior, right: RAS+ reversed)",
        "spacing_mm": list(configuration.spacing),
        "shape": list(configuration.patch_size),
        "normalization": configuration.normalization_schemes,
        "classes": ["background", "residual"],
        "window_step": inference["tile_step"],
        "mirrored_axes": inference["mirror_axes"],
    }


def _readme(ensemble: Ensemble) -> str:
    made = told_all(ensemble.definitions)
    return f"""# nnU-Net on {", ".join(channel.name for channel in ensemble.channels)}, as ONNX

Segments residual enhancing tumour on early post-operative MRI. Research only, not a medical device.

Each file is the network of one fold, from one window (`{WINDOW}`: batch, channel, z, y, x) to its logits (`{LOGITS}`,
before the softmax). Metadata of each file name channels, axes, spacing, shape, normalisation, step and mirrored axes.

1. Images on the grid of post-operative T1w-CE, registered to it, and zero outside of the brain; cropped to
   {ensemble.cropped_to}.
2. {made}Images z-scored within the brain, zero outside of it; labels 0 and 1. Resampled to the spacing.
3. Windows at the step, weighted by a Gaussian (sd: an eighth of the window), averaged with those of mirrored windows.
4. Resampled to the crop, softmax, mean over the folds; a voxel is tumour from {ensemble.threshold} on.

`residua export --to nnunet` gives nnU-Net's own form, in which nnU-Net does steps 2 to 4.
"""
