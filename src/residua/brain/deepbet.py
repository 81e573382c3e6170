"""deepbet (Fisch et al. 2023): a pre-trained network whose weights come with its package."""

from __future__ import annotations

import numpy as np
import torch
from deepbet import BrainExtraction

from residua.images import Image

_THRESHOLD = 0.5


class DeepbetExtractor:
    """The networks, loaded once for many volumes."""

    def __init__(self) -> None:
        self._networks = BrainExtraction(no_gpu=not torch.cuda.is_available())

    def __call__(self, head: Image) -> Image:
        """The brain of a whole head (x, y, z) as booleans on the same grid."""
        probability = self._networks.run_model(np.ascontiguousarray(head.data, dtype=np.float32))
        mask = self._networks.postprocess(probability > _THRESHOLD)
        return Image(np.asarray(mask) > 0, head.grid)
