"""Say of an exported AGU-Net what its user must know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from residua.networks.agunet.model import built_from
from residua.networks.exporting import Ensemble
from residua.settings.channels import told_all

INPUT, OUTPUT = "volume", "probabilities"


def facts_of(ensemble: Ensemble, folder: Path) -> dict[str, Any]:
    """Return the facts of one exported model, those of every export among them."""
    built = built_from(folder)
    return {
        **ensemble.facts(),
        "axes": "batch, x, y, z, channel (RAS+)",
        "shape": built["shape"],
        # Models that were trained before it was written down do not say.
        "spacing_mm": built.get("spacing_mm"),
        "classes": ["background", "residual"],
    }


def readme(ensemble: Ensemble, ending: str, load: str) -> str:
    """Return README.md of an export whose files end in ``ending`` and are loaded by ``load``."""
    built = built_from(next(iter(ensemble.models.values())))
    x, y, z = built["shape"]
    spacing = " x ".join(f"{size:g}" for size in built.get("spacing_mm") or ()) or "?"
    made = told_all(ensemble.definitions)
    return f"""# AGU-Net on {", ".join(channel.name for channel in ensemble.channels)}, as {ending}

Segments residual enhancing tumour on early post-operative MRI. Research only, not a medical device.

Each file is the network of one fold, loaded by `{load}`: from one volume (`{INPUT}`: batch, x, y, z,
channel; {x} x {y} x {z} voxels in RAS+ order) to the probabilities of background and residual tumour (`{OUTPUT}`,
same axes).

1. Images on the grid of post-operative T1w-CE, registered to it, and zero outside of the brain; cropped to
   {ensemble.cropped_to}.
2. {made}Resampled to {spacing} mm, then resized to the shape, each linearly over the same extent, smoothed where the
   grid becomes coarser (`skimage.transform.resize`, `anti_aliasing=True`); labels by nearest neighbour.
3. Images with mean 0 and standard deviation 1 over the whole volume; labels 0 and 1.
4. Mean of the folds' probabilities, resized back in the same two steps; a voxel is tumour from {ensemble.threshold} on.
"""
