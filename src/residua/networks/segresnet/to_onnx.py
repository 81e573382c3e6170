"""Write trained models as ONNX: one window in, its logits out; the sliding window is the user's."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from residua.networks.exporting import Ensemble
from residua.networks.segresnet.model import trained
from residua.networks.torch_to_onnx import LOGITS, WINDOW, write_network
from residua.publishing.publish import write_text
from residua.settings.channels import told_all


def export(ensemble: Ensemble, out: Path) -> None:
    """Fulfil ``residua.networks.exporting.Export``."""
    for fold, folder in ensemble.models.items():
        network, described = trained(folder)
        shape = (1, len(ensemble.channels), *described["patch_size"])
        facts = {
            **ensemble.facts(),
            "axes": "batch, channel, x, y, z (RAS+)",
            "spacing_mm": described["spacing_mm"],
            "shape": described["patch_size"],
            "classes": ["background", "residual"],
            "window_overlap": described["window_overlap"],
            "fold": fold,
        }
        given = np.random.default_rng(fold).normal(size=shape).astype(np.float32)
        write_network(network, given, facts, out / f"fold{fold}.onnx")
    write_text(out / "README.md", _readme(ensemble))


def _readme(ensemble: Ensemble) -> str:
    made = told_all(ensemble.definitions)
    return f"""# SegResNet on {", ".join(channel.name for channel in ensemble.channels)}, as ONNX

Segments residual enhancing tumour on early post-operative MRI. Research only, not a medical device.

Each file is the network of one fold, from one window (`{WINDOW}`: batch, channel, x, y, z in RAS+ order) to its logits
(`{LOGITS}`, before the softmax). Metadata of each file name channels, axes, spacing, shape and overlap.

1. Images on the grid of post-operative T1w-CE, registered to it, and zero outside of the brain; cropped to its box.
2. {made}Images with mean 0 and standard deviation 1 in the brain, 0 outside of it; labels 0 and 1.
   Resized to the spacing over the same extent, linearly after smoothing (`monai.transforms.Resize`,
   `anti_aliasing=True`); labels by nearest neighbour.
3. Windows with the overlap, weighted by a Gaussian (`monai.inferers.sliding_window_inference`, `mode="gaussian"`).
4. Softmax, resized to the crop, mean over the folds; a voxel is tumour from {ensemble.threshold} on.
"""
