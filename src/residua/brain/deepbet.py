"""deepbet (Fisch et al. 2023): a pre-trained network; its weights come with its package."""

from __future__ import annotations

import numpy as np
import torch
from deepbet import BrainExtraction

from residua.errors import UnusableScanError
from residua.images.volumes import Image
from residua.settings.brain_mask import BrainMask

_THRESHOLD = 0.5


def load(settings: BrainMask) -> DeepbetExtractor:
    """Return the extractor; it has no settings."""
    return DeepbetExtractor()


class DeepbetExtractor:
    """The networks, loaded once for many volumes."""

    def __init__(self) -> None:
        """Load the networks, onto a GPU where there is one."""
        self._networks = BrainExtraction(no_gpu=not torch.cuda.is_available())

    def __call__(self, head: Image) -> Image:
        """Extract the brain of a whole head (x, y, z) as booleans on the same grid.

        Raises ``UnusableScanError`` when the network finds no brain.
        """
        try:
            probability = self._networks.run_model(np.ascontiguousarray(head.data, dtype=np.float32))
            mask = self._networks.postprocess(probability > _THRESHOLD)
        except (AssertionError, ValueError) as error:
            # deepbet asserts that it found a box, and takes the largest of no components.
            raise UnusableScanError(f"deepbet finds no brain in the image ({error})") from error
        return Image(np.asarray(mask) > 0, head.grid)
