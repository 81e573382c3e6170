"""Gradient descent; one step is an epoch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from residua.networks.logistic.settings import LogisticSettings

from residua.networks.cases import TrainingSet
from residua.networks.contract import Progress
from residua.publishing.publish import read_json, write_json, write_text

STATE, WEIGHTS = "state.json", "weights.json"


def train(data: TrainingSet, settings: LogisticSettings, out: Path, progress: Progress) -> None:
    """Fulfil ``residua.networks.contract.Train``."""
    voxels = [_voxels(data.cases[p].channels, data.references[p]) for p in data.training]
    features, truth = (np.concatenate(parts) for parts in zip(*voxels, strict=True))
    first = np.random.default_rng(settings.seed).normal(0, 1, features.shape[1]).tolist()
    state = read_json(out / STATE) if (out / STATE).exists() else {"weights": first, "curve": []}
    share = np.where(truth > 0.5, 0.5 / max(truth.mean(), 1e-6), 0.5 / max(1 - truth.mean(), 1e-6))
    for epoch in range(len(state["curve"]), settings.epochs):
        progress(epoch, settings.epochs)
        weights = np.array(state["weights"])
        error = (1 / (1 + np.exp(-features @ weights)) - truth) * share
        state["weights"] = (weights - settings.learning_rate * features.T @ error / len(truth)).tolist()
        state["curve"].append({"epoch": epoch, "error": float(np.abs(error).mean())})
        write_json(out / STATE, state)
    write_text(out / "curve.jsonl", "".join(json.dumps(record) + "\n" for record in state["curve"]))
    write_json(out / WEIGHTS, state["weights"])
    progress(settings.epochs, settings.epochs)


def stacked(paths: Sequence[Path]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Channels and a constant (voxels of the crop, channels + 1), and the brain."""
    opened = [np.load(path, allow_pickle=False) for path in paths]
    volumes = [stored["channel"] for stored in opened]
    brain = opened[0]["brain"]
    return np.stack([*volumes, np.ones(brain.shape)], axis=-1), brain


def _voxels(channels: Sequence[Path], reference: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    volumes, brain = stacked(channels)
    return volumes[brain], np.load(reference, allow_pickle=False)["channel"][brain]
