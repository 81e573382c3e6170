"""Predict with nnU-Net on a processor: what nnU-Net computes, in about two thirds of its time.

Passes of a network run side by side, one on each thread, which wait for each other less than threads that share every
layer; and a network keeps the channels of a voxel next to each other, between which PyTorch otherwise orders all
voxels anew before and after each convolution.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from itertools import chain, combinations, product
from threading import Event

import torch
from acvl_utils.cropping_and_padding.padding import pad_nd_image
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from nnunetv2.inference.sliding_window_prediction import compute_gaussian

from residua.networks.nnunet.channels_last import CHANNELS_LAST

Tile = tuple[slice, ...]
Axes = tuple[int, ...]


def predicted_logits(predictor: nnUNetPredictor, data: torch.Tensor) -> torch.Tensor:
    """Return the logits (classes, z, y, x) of channels (channels, z, y, x) by nnU-Net's sliding window.

    As many passes run side by side as PyTorch has threads; the result does not depend on their number.
    """
    patch = predictor.configuration_manager.patch_size
    padded, inside = pad_nd_image(data, patch, "constant", {"value": 0}, True, None)
    tiles = predictor._internal_get_sliding_window_slicers(padded.shape[1:])
    weight = compute_gaussian(tuple(patch), sigma_scale=1.0 / 8, value_scaling_factor=10, device=predictor.device)
    # nnU-Net's own sums, which have 16 bits: with others every voxel would differ from what it predicts.
    weights = torch.zeros(padded.shape[1:], dtype=torch.half)
    total = torch.zeros((predictor.label_manager.num_segmentation_heads, *weights.shape), dtype=torch.half)
    for tile, logits in zip(tiles, _of_tiles(predictor, padded, tiles), strict=True):
        total[tile] += logits * weight
        weights[tile[1:]] += weight
    return total.div_(weights)[(slice(None), *inside[1:])]


def _of_tiles(predictor: nnUNetPredictor, data: torch.Tensor, tiles: list[Tile]) -> Iterator[torch.Tensor]:
    """Yield the mean logits over all mirrorings of each tile."""
    over, errors = Event(), list[BaseException]()

    def one(tile: Tile, axes: Axes) -> torch.Tensor:
        if over.is_set():
            raise errors[0] if errors else CancelledError
        try:
            with torch.no_grad():
                given = data[tile][None].flip(axes).contiguous(memory_format=CHANNELS_LAST)
                return predictor.network(given).flip(axes).contiguous()[0]
        except BaseException as error:
            # At once: the other threads would begin many passes before this error is read in its turn.
            errors.append(error)
            over.set()
            raise

    mirrorings = _mirrorings(predictor)
    threads = ThreadPoolExecutor(torch.get_num_threads(), initializer=torch.set_num_threads, initargs=(1,))
    try:
        passes = threads.map(one, *zip(*product(tiles, mirrorings), strict=True))
        for _ in tiles:
            logits = next(passes)
            for _ in mirrorings[1:]:
                logits += next(passes)
            yield logits.div_(len(mirrorings))
    finally:
        # An interrupt waits for the passes that run, not for those that have not begun.
        over.set()
        threads.shutdown(cancel_futures=True)


def _mirrorings(predictor: nnUNetPredictor) -> list[Axes]:
    axes = [2 + axis for axis in (predictor.allowed_mirroring_axes or ()) if predictor.use_mirroring]
    return list(chain.from_iterable(combinations(axes, count) for count in range(len(axes) + 1)))
