"""The slab-wise AGU-Net with random weights, in its own environment: python agunet_slabs_check.py FOLDER.

Prints one JSON record.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from residua.brain.agunet import SLAB, SlabExtractor, load
from residua.brain.slabs import Volume
from residua.errors import ResiduaError
from residua.images.components import solid
from residua.images.volumes import Grid, Image
from residua.networks.agunet.architecture import build_network
from residua.networks.agunet.framework import keras, set_up
from residua.networks.agunet.prepared import resized
from residua.networks.agunet.weights import arrays_of
from residua.publishing.publish import digest
from residua.settings.brain_mask import BrainMask

FEATURES = [2, 2, 2, 2, 2]
"""As many levels as the article's network has, so that slabs are halved as often."""
STEP = SLAB[2] // 2
DEPTH = 2 * STEP + 9
"""Two slabs, of which the second reaches over the top."""


def settings(file: Path, **changed: Any) -> BrainMask:
    """The settings that a study would hand over."""
    given = {"method": "agunet", "weights": str(file), "weights_sha256": digest(file), "features": FEATURES}
    return BrainMask.model_validate({**given, **changed})


def refusal(found: BrainMask) -> str:
    """Why ``load`` refuses these settings, with the file's name only."""
    try:
        load(found)
    except ResiduaError as error:
        return str(error).replace(str(Path(found.weights or "").parent) + "/", "")
    return "accepted"


def by_hand(extractor: SlabExtractor, head: Volume) -> Volume:
    """The probability as the article describes it, slab after slab."""
    normalised = (head - head.mean()) / head.std()
    flat = resized(normalised, (*SLAB[:2], head.shape[2]), is_label=False)
    answers = []
    for start in range(0, DEPTH - STEP, STEP):
        slices = np.minimum(np.arange(start, start + SLAB[2]), DEPTH - 1)
        answers.append((slices, extractor.foreground([flat[:, :, slices]])[0]))
    (_, low), (_, high) = answers
    # The upper slab begins at half of the lower one, and its own middle half at three quarters of that.
    whole = np.concatenate([low[:, :, : STEP * 3 // 2], high[:, :, STEP // 2 : DEPTH - STEP]], axis=2)
    return resized(whole, head.shape, is_label=False)


def main(folder: Path) -> dict[str, object]:
    """What the extractor does with weights that were drawn at random."""
    set_up()
    keras.utils.set_random_seed(1)
    network = build_network(SLAB, 1, FEATURES, 0.99)
    file, other, broken = (folder / f"{name}.safetensors" for name in ("weights", "other", "broken"))
    # Larger than they are drawn, so that neighbouring voxels get different answers.
    save_file({name: 2 * array for name, array in arrays_of(network).items()}, file)
    save_file(arrays_of(build_network(SLAB, 1, [2, 2, 4, 4, 4], 0.99)), other)
    broken.write_bytes(b"no weights")
    extractor = load(settings(file))
    head = np.random.default_rng(1).gamma(2.0, 100.0, (60, 50, DEPTH)).astype(np.float32)
    probability = extractor.probability(head)
    mask = extractor(Image(head, Grid(head.shape, np.diag([3.0, 3.0, 3.0, 1.0]))))
    drawn = SlabExtractor(network).probability(head)
    cuts = [float(np.quantile(drawn, share)) for share in (0.5, 0.9)]
    cut_masks = [SlabExtractor(network, cut)(Image(head, Grid(head.shape, np.eye(4)))).data for cut in cuts]
    return {
        "cut": [bool(np.array_equal(found, solid(drawn > cut))) for found, cut in zip(cut_masks, cuts, strict=True)],
        "cut_voxels": [int(found.sum()) for found in cut_masks],
        "levels": [list(layer.shape[1:4]) for layer in network.outputs],
        "shape": list(probability.shape),
        "range": [float(probability.min()), float(probability.max())],
        "largest_difference": float(np.abs(probability - by_hand(extractor, head)).max()),
        "brightness": float(np.abs(extractor.probability(7 * head + 300) - probability).max()),
        "mask_shape": list(mask.data.shape),
        "mask_type": str(mask.data.dtype),
        "of_another_digest": refusal(settings(file, weights_sha256="0" * 64)),
        "missing": refusal(settings(file, weights=str(folder / "nowhere.safetensors"))),
        "of_another_network": refusal(settings(other)),
        "broken": refusal(settings(broken)),
    }


if __name__ == "__main__":
    print("\n" + json.dumps(main(Path(sys.argv[1]))))
