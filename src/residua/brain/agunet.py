"""The article's brain mask: AGU-Net on slabs of 256x192x32 voxels along the axial axis (Bouget et al. 2021).

The article's weights are public (as ONNX, Raidionics-models 1.2.0), but neither shipped nor fetched here. The package
has weights of its own, which were trained on simulated heads; the configuration may name others and their digest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from residua.brain.shipped_model import shipped_model
from residua.brain.slabs import Volume, flat_levels, fused, normalised, slabs
from residua.images.components import solid
from residua.images.volumes import Image
from residua.networks.agunet.architecture import build_network
from residua.networks.agunet.framework import keras, set_up
from residua.networks.agunet.model import finest_of
from residua.networks.agunet.prepared import resized
from residua.networks.agunet.weights import assign, read_checked
from residua.settings.brain_mask import BrainMask

SLAB = (256, 192, 32)
"""Voxels of a slab along x, y, z."""
BATCH = 4
"""Slabs that go through the network together."""
_MOMENTUM = 0.99
"""Of the batch normalisation; matters in training only."""


def load(settings: BrainMask) -> SlabExtractor:
    """Return the extractor with the weights of the configuration, or without any with those of the package.

    Raises ``ResiduaError`` when the file is missing, has another digest, or holds a network with other ``features``.
    """
    set_up()
    file, sha256 = settings.weights, settings.weights_sha256
    if file is None or sha256 is None:
        model = shipped_model()
        network = build_network(model.slab, 1, model.features, _MOMENTUM, flat_levels(model.features))
        assign(network, model.arrays, model.file, "its description")
        return SlabExtractor(network, model.cut)
    arrays = read_checked(file, sha256, "weights of the brain mask")
    network = build_network(SLAB, 1, settings.features, _MOMENTUM, flat_levels(settings.features))
    assign(network, arrays, Path(file), "brain_mask.features")
    return SlabExtractor(network)


class SlabExtractor:
    """The network, built once for many volumes."""

    def __init__(self, network: keras.Model, cut: float = 0.5) -> None:
        """Keep the finest of the network's outputs, and the probability above which a voxel is brain."""
        self._cut = cut
        self._finest = finest_of(network)
        self._slab = tuple(network.inputs[0].shape[1:4])

    def probability(self, head: Volume) -> Volume:
        """Return the probability of every voxel (x, y, z) of a whole head to lie in the brain."""
        width, height, thickness = self._slab
        flat = resized(normalised(head), (width, height, head.shape[2]), is_label=False)
        x, y, z = flat.shape
        # All slices but the outermost lie in two slabs, and come from the one that sees more around them. The article
        # does not say how slabs overlap; the highest of both answers would make brains too large.
        answers = self._answers(slabs(flat, thickness, thickness // 2))
        return resized(fused(answers, (x, y, z)), head.shape, is_label=False)

    def __call__(self, head: Image) -> Image:
        """Extract the brain of a whole head (x, y, z) as booleans on its grid: one piece above the cut, no holes."""
        return Image(solid(self.probability(np.asarray(head.data, np.float32)) > self._cut), head.grid)

    def _answers(self, given: Iterator[tuple[int, Volume]]) -> Iterator[tuple[int, Volume]]:
        while together := list(islice(given, BATCH)):
            starts, volumes = zip(*together, strict=True)
            yield from zip(starts, self.foreground(volumes), strict=True)

    def foreground(self, volumes: Sequence[Volume]) -> Volume:
        """Return the network's probability of the brain (slab, x, y, z) in normalised and resized slabs."""
        return np.asarray(self._finest.predict_on_batch(np.stack(volumes)[..., None]))[..., 1]
