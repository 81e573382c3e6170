"""Measure the preprocessing of one patient.

A record of measures is ``{subject: {measure: value}}``. The subject is a sequence, a label or ``brain`` (the mask). The
value is a number, or None where it is not defined.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from residua.words import name_of

Measures = Mapping[str, Mapping[str, float | None]]
BRAIN = "brain"


def sequence_measures(quality: Mapping[str, Any]) -> dict[str, float | None]:
    """The measures of one registration from its ``_quality.json``; what the file does not hold is left out."""
    similarity = quality["mutual_information"]
    found = {
        "similarity_before": similarity["before"],
        "similarity_after": similarity["after"],
        "similarity_gain": similarity["after"] - similarity["before"],
    }
    jacobian, affine = quality.get("jacobian"), quality.get("affine")
    if jacobian:
        found |= {f"jacobian_{name}": jacobian[name] for name in ("min", "p01", "p99", "max")}
        found["folded_percent"] = jacobian["folded_percent"]
    if affine:
        found |= {name: affine[name] for name in ("rotation_degrees", "translation_mm")}
        # Twice and half the size are equally far from the same size.
        found["affine_scale"] = max(affine["scales"], key=lambda scale: max(scale, 1 / scale) if scale > 0 else 1e9)
    return found


def brain_measures(checks: Mapping[str, Any]) -> dict[str, float | None]:
    """The measures of a brain mask from the fields of ``residua.brain.checks.MaskChecks``."""
    return {
        "volume_ml": checks["volume_ml"],
        "components": checks["components"],
        "largest_percent": 100 * checks["largest_share"],
        "border_percent": 100 * max(checks["face_shares"].values()),
        "holes_ml": checks["holes_ml"],
    }


def label_measures(voxels: int, inside: int, voxel_ml: float, native_ml: float | None) -> dict[str, float | None]:
    """The measures of a label on the reference grid: its voxels, those ``inside`` the brain mask, and one's volume.

    ``native_ml`` is its volume as it was drawn, for a label that was warped. Shares of nothing are not defined.
    """
    found: dict[str, float | None] = {"volume_ml": voxels * voxel_ml}
    if native_ml is None:
        found["inside_brain_percent"] = 100 * inside / voxels if voxels else None
    else:
        found["native_ml"] = native_ml
        found["volume_ratio"] = voxels * voxel_ml / native_ml if native_ml else None
    return found


def name_of_subject(subject: str) -> str:
    """Name a sequence, a label or the brain mask within a sentence."""
    return "brain mask" if subject == BRAIN else name_of(subject)


def subject_name(subject: str) -> str:
    """Name a sequence, a label or the brain mask at the beginning of a sentence."""
    name = name_of_subject(subject)
    return name[:1].upper() + name[1:]
