"""The article's brain mask: AGU-Net on slabs of 256x192x32 voxels along the axial axis (Bouget et al. 2021).

The article's weights are public (as ONNX, Raidionics-models 1.2.0), but neither shipped nor fetched here: the
configuration names a file of weights and its digest.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from residua.brain.slabs import Volume, fused, normalised, slabs
from residua.images.components import solid
from residua.images.volumes import Image
from residua.networks.agunet.architecture import build_network
from residua.networks.agunet.framework import keras, set_up
from residua.networks.agunet.prepared import resized
from residua.networks.agunet.weights import assign, read_checked
from residua.settings.brain_mask import BrainMask

SLAB = (256, 192, 32)
"""Voxels of a slab along x, y, z."""
STEP = 16
"""Slices from slab to slab: all but the outermost lie in two slabs. The article names the overlap, not its size."""
_MOMENTUM = 0.99
"""Of the batch normalisation; matters in training only."""


def load(settings: BrainMask) -> SlabExtractor:
    """Return the extractor with the weights of the configuration.

    Raises ``ResiduaError`` when the file is missing, has another digest, or holds a network with other ``features``.
    """
    set_up()
    file, sha256 = settings.weights, settings.weights_sha256
    assert file is not None and sha256 is not None, "the settings require both for this method"
    arrays = read_checked(file, sha256, "weights of the brain mask")
    network = build_network(SLAB, 1, settings.features, _MOMENTUM)
    assign(network, arrays, Path(file), "brain_mask.features")
    return SlabExtractor(network)


class SlabExtractor:
    """The network, built once for many volumes."""

    def __init__(self, network: keras.Model) -> None:
        """Keep the finest of the network's outputs."""
        self._finest = keras.Model(network.inputs, network.outputs[0])

    def probability(self, head: Volume) -> Volume:
        """Return the probability of every voxel (x, y, z) of a whole head to lie in the brain."""
        flat = resized(normalised(head), (*SLAB[:2], head.shape[2]), is_label=False)
        x, y, z = flat.shape
        answers = ((start, self.foreground(slab)) for start, slab in slabs(flat, SLAB[2], STEP))
        return resized(fused(answers, (x, y, z)), head.shape, is_label=False)

    def __call__(self, head: Image) -> Image:
        """Extract the brain of a whole head (x, y, z) as booleans on its grid: above 0.5, one piece without holes."""
        return Image(solid(self.probability(np.asarray(head.data, np.float32))), head.grid)

    def foreground(self, slab: Volume) -> Volume:
        """Return the network's probability of the brain in one normalised and resized slab (``SLAB``)."""
        return np.asarray(self._finest.predict_on_batch(slab[None, ..., None]))[0, ..., 1]
