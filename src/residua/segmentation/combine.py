"""Combine the published maps of several networks (stage ``combine``); one patient is in memory at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from residua.images import volumes
from residua.images.volumes import Image, require_same_grid
from residua.metrics.classification import has_residual_tumor
from residua.publishing.images import SUFFIX, by_patient


def average(networks: Sequence[Sequence[str]], out: Path) -> None:
    """Write ``{patient}.nii.gz``, the mean of the maps of all networks, for the patients whom all of them predict.

    ``networks`` holds the manifests of each.

    >>> from residua.images.volumes import Grid
    >>> from residua.publishing.publish import stage
    >>> grid = Grid((1, 1, 1), np.eye(4))
    >>> for name, value in (("one", 0.5), ("other", 1.0)):
    ...     with stage(f"{name}/manifest.json") as part:
    ...         volumes.save(Image(np.full((1, 1, 1), value, np.float32), grid), part / "P1.nii.gz")
    >>> average([["one/manifest.json"], ["other/manifest.json"]], Path())
    >>> volumes.load("P1.nii.gz").data.ravel().tolist()
    [0.75]
    """
    first, *others = (by_patient(manifests) for manifests in networks)
    for patient in first:
        if all(patient in maps for maps in others):
            mean = volumes.load(first[patient])
            total = mean.data.astype(np.float64)
            for maps in others:
                found = volumes.load(maps[patient])
                require_same_grid(found, mean, f"patient {patient}: the map of another network")
                total += found.data
            volumes.save(Image((total / len(networks)).astype(np.float32), mean.grid), out / f"{patient}{SUFFIX}")


def gate(maps: Sequence[str], masks: str, residual_tumor_ml: float, out: Path) -> None:
    """Write ``{patient}.nii.gz``, the patient's map where the mask has residual tumour, else a map of zeros.

    ``maps`` are the manifests of the network that draws, and ``masks`` that of the masks of the one that decides.

    >>> from residua.images.volumes import Grid
    >>> from residua.publishing.publish import stage
    >>> grid = Grid((1, 1, 1), np.diag([10.0, 10.0, 10.0, 1.0]))
    >>> for folder, values in (("maps", (0.5, 0.5)), ("masks", (1.0, 0.0))):
    ...     with stage(f"{folder}/manifest.json") as part:
    ...         for patient, value in zip(("P1", "P2"), values, strict=True):
    ...             volumes.save(Image(np.full((1, 1, 1), value, np.float32), grid), part / f"{patient}.nii.gz")
    >>> gate(["maps/manifest.json"], "masks/manifest.json", 0.175, Path())
    >>> [float(volumes.load(f"{patient}.nii.gz").data[0, 0, 0]) for patient in ("P1", "P2")]
    [0.5, 0.0]
    """
    decided = by_patient([masks])
    for patient, file in by_patient(maps).items():
        if patient not in decided:
            continue
        probability, mask = volumes.load(file), volumes.load_mask(decided[patient])
        volume_ml = int(np.count_nonzero(mask.data)) * mask.grid.voxel_ml
        passes = bool(has_residual_tumor(volume_ml, residual_tumor_ml))
        drawn = probability.data if passes else np.zeros_like(probability.data)
        volumes.save(Image(drawn, probability.grid), out / f"{patient}{SUFFIX}")
