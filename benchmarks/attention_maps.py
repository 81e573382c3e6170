"""Write what the attention gates of a trained AGU-Net let through, as a picture of one patient.

    PYTHONPATH=src PYTHON benchmarks/attention_maps.py STUDY --inputs B --fold 0 --patient GOT001 --out a.png

PYTHON is that of the environment tensorflow. One row for each patient: the first channel with the reference standard
outlined, the attention of each gate from the finest on (black 0, white 1) with its mean inside and outside of the
tumour, and the network's probability. The slice is the axial one with most tumour. A patient of the fold's validation
shows what the network makes of a patient whom it never saw.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from safetensors.numpy import load_file

from residua.networks.agunet.framework import keras, set_up
from residua.networks.agunet.model import built_from, network_of, without_xla
from residua.networks.agunet.names import WEIGHTS_FILE
from residua.networks.agunet.prepared import read_cube, read_stacked
from residua.networks.agunet.weights import assign
from residua.networks.selected import read_training_set

TILE, TEXT = 240, 34
Map = NDArray[np.float32]


def gates(folder: Path, volume: Map) -> tuple[list[Map], Map]:
    """Return the attention map of each gate (x, y, z), the finest first, and the probability of tumour."""
    built = built_from(folder)
    network = network_of(built)
    assign(network, load_file(folder / WEIGHTS_FILE), folder / WEIGHTS_FILE)
    levels = range(len(built["features"]) - 1)
    seen = [network.get_layer(f"decoder{level}_attention").output for level in levels]
    seeing = without_xla(keras.Model(network.inputs, [*seen, network.outputs[0]]))
    *maps, probability = seeing.predict_on_batch(volume[None])
    return [np.asarray(each)[0, ..., 0] for each in maps], np.asarray(probability)[0, ..., 1]


def enlarged(coarse: Map, shape: Sequence[int]) -> Map:
    """Return a map on the grid of ``shape`` by repeating its voxels."""
    for axis, size in enumerate(shape):
        coarse = np.repeat(coarse, size // coarse.shape[axis], axis)
    return coarse


def tile(values: Map, low: float, high: float, outline: NDArray[Any], words: Sequence[str]) -> Image.Image:
    """Return one slice (x, y) as a picture, front up, with the outline of the reference standard and words below."""
    grey = np.clip((values - low) / max(high - low, 1e-6), 0, 1) * 255
    rgb = np.repeat(grey[..., None], 3, -1).astype(np.uint8)
    picture = Image.fromarray(np.flip(rgb.transpose(1, 0, 2), 0)).resize((TILE, TILE), Image.Resampling.NEAREST)
    edge = Image.fromarray(np.flip(outline.T, 0).astype(np.uint8) * 255).resize((TILE, TILE), Image.Resampling.NEAREST)
    inside = np.asarray(edge) > 0
    core = inside[1:-1, 1:-1] & inside[2:, 1:-1] & inside[:-2, 1:-1] & inside[1:-1, 2:] & inside[1:-1, :-2]
    border = inside.copy()
    border[1:-1, 1:-1] &= ~core
    drawn = np.array(picture)
    drawn[border] = (255, 190, 0)
    whole = Image.new("RGB", (TILE, TILE + TEXT), "white")
    whole.paste(Image.fromarray(drawn), (0, 0))
    for number, line in enumerate(words):
        ImageDraw.Draw(whole).text((4, TILE + 3 + 14 * number), line, fill="black")
    return whole


def row(folder: Path, volume: Map, tumour: NDArray[Any], patient: str) -> list[Image.Image]:
    """Return the pictures of one patient."""
    maps, probability = gates(folder, volume)
    z = int(tumour.sum(axis=(0, 1)).argmax())
    outline = tumour[..., z] > 0
    first = volume[..., z, 0]
    tiles = [tile(first, float(first.min()), float(first.max()), outline, (patient, f"slice {z}"))]
    for level, coarse in enumerate(maps):
        fine = enlarged(coarse, tumour.shape)
        means = f"tumour {fine[tumour > 0].mean():.2f}, elsewhere {fine[tumour == 0].mean():.2f}"
        size = " x ".join(map(str, coarse.shape))
        tiles.append(tile(fine[..., z], 0, 1, outline, (f"gate {level + 1}: {size}", means)))
    return [*tiles, tile(probability[..., z], 0, 1, outline, ("probability of tumour", ""))]


def main() -> None:
    """Write the picture."""
    asked = argparse.ArgumentParser()
    asked.add_argument("study", type=Path)
    asked.add_argument("--inputs", default="B")
    asked.add_argument("--fold", type=int, default=0)
    asked.add_argument("--patient", action="append", required=True)
    asked.add_argument("--model", type=Path, help="a trained model in place of the study's")
    asked.add_argument("--out", type=Path, required=True)
    given = asked.parse_args()
    set_up()
    out, model = given.out.resolve(), given.model and given.model.resolve()
    # The selection names its files by paths from the study's folder.
    os.chdir(given.study)
    results = Path("results")
    data, _ = read_training_set(str(results / f"prepared/agunet/{given.inputs}/fold{given.fold}.json"))
    folder = model or results / f"models/agunet/{given.inputs}/fold{given.fold}"
    rows = [
        row(folder, read_stacked(data.cases[patient].channels), read_cube(data.references[patient]), patient)
        for patient in given.patient
    ]
    whole = Image.new("RGB", (len(rows[0]) * (TILE + 4), len(rows) * (TILE + TEXT)), "white")
    for down, tiles in enumerate(rows):
        for across, each in enumerate(tiles):
            whole.paste(each, (across * (TILE + 4), down * (TILE + TEXT)))
    whole.save(out, optimize=True)


if __name__ == "__main__":
    main()
