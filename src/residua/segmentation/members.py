"""Compare the models of an ensemble: the volume that each finds alone, and how far they disagree."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from residua.images import volumes
from residua.images.volumes import Image
from residua.metrics.overlap import dice_of
from residua.publishing.images import SUFFIX, members_by_patient
from residua.publishing.publish import write_json
from residua.segmentation.masks import segment
from residua.settings.postprocessing import Postprocessing

SPREAD_LEVELS = 400
"""The standard deviation of numbers from 0 to 1 is at most 0.5; it is stored as whole 1/400."""


def mean_pairwise_dice(masks: Sequence[NDArray[np.bool_]]) -> float | None:
    """Return the mean Dice of all pairs of masks (x, y, z); None for a single mask.

    Two empty masks agree: their Dice is 1. One empty mask of two: 0.

    >>> one, other, none = np.array([True, True]), np.array([True, False]), np.array([False, False])
    >>> round(mean_pairwise_dice([one, one, other]), 3), mean_pairwise_dice([one, none])
    (0.778, 0.0)
    >>> mean_pairwise_dice([none, none]), mean_pairwise_dice([one])
    (1.0, None)
    """
    sizes = [int(np.count_nonzero(mask)) for mask in masks]
    pairs = combinations(range(len(masks)), 2)
    dice = [dice_of(int(np.count_nonzero(masks[i] & masks[j])), sizes[i], sizes[j]) for i, j in pairs]
    return float(np.mean([1.0 if math.isnan(each) else each for each in dice])) if dice else None


def spread(maps: Iterable[NDArray[np.floating[Any]]]) -> NDArray[np.float32]:
    """Return the standard deviation of probability maps (x, y, z), voxel by voxel and over n; reads one at a time.

    >>> spread([np.array([0.0, 0.5], np.float32), np.array([1.0, 0.5], np.float32)]).tolist()
    [0.5, 0.0]
    """
    # Welford's sums: those of squares would lose small differences in float32.
    mean: NDArray[np.float32] = np.zeros((), np.float32)
    squares = mean
    count = 0
    for probability in maps:
        count += 1
        before = probability.astype(np.float32) - mean
        mean = np.asarray(mean + before / np.float32(count))
        squares = np.asarray(squares + before * (probability - mean), dtype=np.float32)
    return np.asarray(np.sqrt(np.maximum(squares, 0) / np.float32(count)))


def compare_members(ensemble: str, threshold: float, settings: Postprocessing, out: Path) -> None:
    """Write ``{patient}.json`` and ``{patient}.nii.gz`` for every patient of the manifest ``ensemble`` into ``out``.

    The record holds ``members_ml``, the volume of each model's own mask at the threshold of the ensemble and after its
    post-processing, and ``mean_pairwise_dice`` of these masks (null for one model). The image is the standard deviation
    of the models' probabilities.

    >>> from residua.images.volumes import Grid
    >>> from residua.publishing.publish import read_json, stage
    >>> grid = Grid((2, 1, 1), np.diag([10.0, 10.0, 10.0, 1.0]))
    >>> with stage("maps/manifest.json") as part:
    ...     for fold, far in enumerate((0.9, 0.1)):
    ...         values = np.array([0.9, far], np.float32).reshape(2, 1, 1)
    ...         volumes.save(Image(values, grid), part / f"members/fold{fold}/AMS1.nii.gz")
    >>> settings = Postprocessing(thresholds=(0.5,), min_component_voxels=0, connectivity=26)
    >>> compare_members("maps/manifest.json", 0.5, settings, Path())
    >>> found = read_json("AMS1.json")
    >>> {name: round(ml, 3) for name, ml in found["members_ml"].items()}, round(found["mean_pairwise_dice"], 3)
    ({'fold0': 2.0, 'fold1': 1.0}, 0.667)
    >>> [round(value, 3) for value in volumes.load("AMS1.nii.gz").data.ravel().tolist()]
    [0.0, 0.4]
    """
    for patient, files in members_by_patient(ensemble).items():
        grid = volumes.load_grid(next(iter(files.values())))
        masks: dict[str, NDArray[np.bool_]] = {}
        levels = np.rint(spread(_segmented(files, masks, threshold, settings)) * SPREAD_LEVELS)
        record = {
            "members_ml": {name: int(np.count_nonzero(mask)) * grid.voxel_ml for name, mask in masks.items()},
            "mean_pairwise_dice": mean_pairwise_dice(list(masks.values())),
        }
        write_json(out / f"{patient}.json", record)
        volumes.save(Image(levels.astype(np.uint8), grid), out / f"{patient}{SUFFIX}", slope=1 / SPREAD_LEVELS)


def _segmented(
    files: Mapping[str, Path], masks: dict[str, NDArray[np.bool_]], threshold: float, settings: Postprocessing
) -> Iterator[NDArray[np.float32]]:
    """Yield the map of each member, one at a time, and leave its mask in ``masks``."""
    for name, file in files.items():
        probability = volumes.load(file).data
        masks[name] = segment(probability, threshold, settings)
        yield probability
