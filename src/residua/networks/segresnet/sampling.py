"""Choose whose patches an epoch draws: each training patient's alike, or residual tumour and its absence alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from residua.networks.cases import TrainingSet
from residua.networks.sampling import balanced_epoch, has_residual
from residua.networks.segresnet.prepared import read_channel, read_crop
from residua.networks.segresnet.settings import SegResNetSettings


def epochs_of(data: TrainingSet, settings: SegResNetSettings) -> Callable[[int], list[str]]:
    """Return a function from the number of an epoch to the patients of its patches, in their order."""
    everyone, rounds = list(data.training), settings.patches_per_patient
    groups: dict[str, bool] = {}
    if settings.sampling == "balanced":
        groups = {patient: has_residual(_tumour_ml(data.references[patient]), settings) for patient in everyone}

    def patients(epoch: int) -> list[str]:
        seed = (settings.seed, epoch)
        if groups:
            drawn = [patient for number in range(rounds) for patient in balanced_epoch(groups, (*seed, number))]
        else:
            drawn = everyone * rounds
        return [str(patient) for patient in np.random.default_rng(seed).permutation(drawn)]

    return patients


def _tumour_ml(reference: Path) -> float:
    tumour = read_channel(reference) > 0
    x, y, z = tumour.shape
    return float(tumour.sum()) * read_crop(reference).divided((x, y, z)).voxel_ml
