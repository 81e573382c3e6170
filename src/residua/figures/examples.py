"""Contents of Figure 1: example patients, and the caption."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from residua.figures.slices import busiest_level
from residua.images import volumes
from residua.images.display import WINDOW_PERCENT
from residua.words import listed, name_of


@dataclass(frozen=True)
class Candidate:
    """A patient to choose from: files of images on the reference grid and of masks to outline on them, by column.

    ``brain`` is the brain mask on that grid.
    """

    hospital: str
    images: Mapping[str, str]
    residual: str
    brain: str
    outlines: Mapping[str, str]


@dataclass(frozen=True)
class Example:
    """A patient to show on the axial slice ``level``."""

    candidate: Candidate
    residual_ml: float
    level: int


def choose_examples(candidates: Sequence[Candidate]) -> list[Example]:
    """Choose the candidate with the largest residual volume of each hospital, the first of equal ones.

    The slice is the one with the most residual tumour. There is no example without a candidate.
    """
    best: dict[str, Example] = {}
    for candidate in candidates:
        mask = volumes.load_mask(candidate.residual)
        volume_ml = int(np.count_nonzero(mask.data)) * mask.grid.voxel_ml
        shown = best.get(candidate.hospital)
        if shown is None or volume_ml > shown.residual_ml:
            best[candidate.hospital] = Example(candidate, volume_ml, busiest_level(mask.data))
    return list(best.values())


def outline_of(candidate: Candidate, column: str, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Load the mask (x, y, z) to outline on a column; empty where the patient has no mask for it."""
    file = candidate.outlines.get(column)
    return volumes.load_mask(file).data if file else np.zeros(shape, dtype=bool)


def caption(examples: Sequence[Example], columns: Sequence[str], labels: Mapping[str, str], candidates: int) -> str:
    """Write the caption of Figure 1. ``labels`` names the label outlined on each column, ``candidates`` counts them."""
    if not examples:
        return f"Figure 1. No patient of the study has every sequence ({listed([name_of(c) for c in columns])})."
    patients = [f"Patient {i + 1}: {e.candidate.hospital}, {e.residual_ml:.2f} ml" for i, e in enumerate(examples)]
    on: dict[str, list[str]] = {}
    for column in columns:
        if column in labels:
            on.setdefault(labels[column], []).append(name_of(column))
    outlined = "; ".join(f"{name_of(label)} on {listed(where)}" for label, where in on.items())
    low, high = WINDOW_PERCENT
    hospitals = "of one hospital" if len(examples) == 1 else f"of each of {len(examples)} hospitals"
    return (
        f"Figure 1. Examples of the data, one patient {hospitals} (n = {len(examples)}; "
        f"{'; '.join(patients)} of residual tumour). Every row is one axial slice, that with the most residual "
        f"tumour, of the sequences on the grid of the {name_of(columns[0])}. "
        f"Green: manual annotation ({outlined}), where the slice has any. Among the first patients of each hospital "
        f"in the cohort table ({candidates} in all), the one with the largest residual volume is shown. Black and "
        f"white are percentiles {low:g} and {high:g} of the brain's grey values, white is higher where an outlined "
        "label is brighter. The patient's right (R) is at the left of the picture; all slices have one scale."
    )
