"""Measure the preprocessing of one patient.

A record of measures is ``{subject: {measure: value}}``. The subject is a sequence, a label or ``brain`` (the mask). The
value is a number, or None where it is not defined.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from residua.words import name_of

Measures = Mapping[str, Mapping[str, float | None]]
BRAIN = "brain"


def sequence_measures(quality: Mapping[str, Any]) -> dict[str, float | None]:
    """Return the measures of one registration from its ``_quality.json``; missing measures are omitted."""
    similarity = quality["mutual_information"]
    measures = {
        "similarity_before": similarity["before"],
        "similarity_after": similarity["after"],
        "similarity_gain": similarity["after"] - similarity["before"],
    }
    jacobian, affine = quality.get("jacobian"), quality.get("affine")
    if jacobian:
        measures |= {f"jacobian_{name}": jacobian[name] for name in ("min", "p01", "p99", "max")}
        measures["folded_percent"] = jacobian["folded_percent"]
    if affine:
        measures |= {name: affine[name] for name in ("rotation_degrees", "translation_mm")}
        # Twice and half the size are equally far from the same size.
        measures["affine_scale"] = max(affine["scales"], key=lambda scale: max(scale, 1 / scale) if scale > 0 else 1e9)
    return measures


def brain_measures(checks: Mapping[str, Any]) -> dict[str, float | None]:
    """Return the measures of a brain mask from the fields of ``residua.brain.checks.MaskChecks``."""
    return {
        "volume_ml": checks["volume_ml"],
        "components": checks["components"],
        "largest_percent": 100 * checks["largest_share"],
        "border_percent": 100 * max(checks["face_shares"].values()),
        "holes_ml": checks["holes_ml"],
    }


def label_measures(voxels: int, inside: int, voxel_ml: float, native_ml: float | None) -> dict[str, float | None]:
    """Return the measures of a label on the reference grid.

    ``voxels`` counts the label, ``inside`` its part in the brain mask, and ``voxel_ml`` is the volume of a voxel.
    ``native_ml`` is the volume as drawn, for a warped label. Shares of an empty label are None.
    """
    measures: dict[str, float | None] = {"volume_ml": voxels * voxel_ml}
    if native_ml is None:
        measures["inside_brain_percent"] = 100 * inside / voxels if voxels else None
    else:
        measures["native_ml"] = native_ml
        measures["volume_ratio"] = voxels * voxel_ml / native_ml if native_ml else None
    return measures


def outside_measures(
    tumour: NDArray[np.bool_], regions: Sequence[tuple[slice, slice, slice]], voxel_ml: float
) -> dict[str, float | None]:
    """Return how much of a label (x, y, z) no network can find, because it lies outside of the region that it sees.

    Of several ``regions`` the one counts that loses the most. The share of an empty label is None.
    """
    whole = int(tumour.sum())
    lost = max(whole - int(tumour[region].sum()) for region in regions)
    return {"outside_region_ml": lost * voxel_ml, "outside_region_percent": 100 * lost / whole if whole else None}


def name_of_subject(subject: str) -> str:
    """Name a sequence, a label or the brain mask within a sentence."""
    return "brain mask" if subject == BRAIN else name_of(subject)


def subject_name(subject: str) -> str:
    """Name a sequence, a label or the brain mask at the beginning of a sentence."""
    name = name_of_subject(subject)
    return name[:1].upper() + name[1:]
