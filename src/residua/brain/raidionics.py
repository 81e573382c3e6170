"""The article's own brain mask: the network that its authors published, run by their package raidionicsseg."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from residua.brain.raidionics_model import RaidionicsModel
from residua.images.components import solid
from residua.images.volumes import Image
from residua.settings.brain_mask import BrainMask


def load(settings: BrainMask) -> Callable[[Image], Image]:
    """Return the extractor with the model of the configuration.

    Raises ``ResiduaError`` when the archive is missing, has another digest or holds no model.
    """
    file, sha256 = settings.weights, settings.weights_sha256
    assert file is not None and sha256 is not None, "the settings require both for this method"
    model = RaidionicsModel(Path(file), sha256)

    def extract(head: Image) -> Image:
        """Extract the brain of a whole head (x, y, z) as booleans on its grid: one piece without holes."""
        return Image(solid(model([head], "labels").data), head.grid)

    return extract
