"""Contents of Figure 3: hold-out patients with the segmentations of the networks, and the caption."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from residua.metrics.classification import has_residual_tumor
from residua.words import listed

ROWS = 4


@dataclass(frozen=True)
class Ranked:
    """A patient to show: rank by mean Dice over the networks among ``of`` patients, and the Dice of each network."""

    patient: str
    rank: int
    of: int
    dice: Mapping[str, float]


def choose_patients(cases: pd.DataFrame, residual_tumor_ml: float) -> list[Ranked]:
    """Choose up to four hold-out patients with residual tumour by rank: best, at one third, at two thirds, worst.

    ``cases`` holds one input configuration per network: ``arch``, ``split``, ``patient``, ``dice``, ``reference_ml``.
    Patients are ranked by their mean Dice over the networks, equal ones in the order of ``cases``. Patients that
    lack the segmentation of a network, because a sequence is missing, are omitted. Empty without residual tumour.
    """
    test = cases[cases["split"] == "test"]
    positive = test[has_residual_tumor(test["reference_ml"], residual_tumor_ml)]
    dice = positive.pivot(index="patient", columns="arch", values="dice").dropna()
    shared = positive[positive["patient"].isin(dice.index)]
    means = shared.groupby("patient", sort=False)["dice"].mean().sort_values(ascending=False, kind="stable")
    steps = np.linspace(0, len(means) - 1, min(ROWS, len(means))).round().astype(int)
    return [
        Ranked(
            str(means.index[step]),
            int(step) + 1,
            len(means),
            {str(arch): float(value) for arch, value in dice.loc[means.index[step]].items()},
        )
        for step in steps
    ]


def caption(
    shown: Sequence[Ranked], inputs: Mapping[str, str], labels: Mapping[str, str], residual_tumor_ml: float
) -> str:
    """Write the caption of Figure 3. ``inputs`` and ``labels`` hold each network's input configuration and name."""
    networks = listed([f"{labels.get(arch, arch)} (inputs {name})" for arch, name in inputs.items()])
    cut = f"residual tumour (at least {residual_tumor_ml:g} ml in the reference standard)"
    if not shown:
        return f"Figure 3. No patient of the hold-out set has {cut}, so {networks} cannot be compared."
    ranks = listed([str(patient.rank) for patient in shown])
    order = f"ranks {ranks}, from the best to the worst" if len(shown) > 1 else f"rank {ranks}"
    return (
        f"Figure 3. Hold-out patients with {cut}: the reference standard (blue) and the segmentation (red) of "
        f"{networks}. One patient per row, chosen by rank of the mean Dice over the networks among n = {shown[0].of}: "
        f"{order}. Slices: T1w-CE around the reference standard, on the axial slice where it is largest; the frame "
        "in the small whole slice shows the place; the patient's right (R) is at the left of the picture. White: "
        "Dice over the whole volume. Beside each: the surfaces of both masks (marching cubes in mm, lightly smoothed), "
        "seen from the front and slightly above, at one scale in each row."
    )
