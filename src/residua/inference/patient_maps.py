"""The maps of one new patient, and the results that they are taken from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from residua.publishing.images import SUFFIX
from residua.publishing.publish import verified


@dataclass(frozen=True)
class PatientParts:
    """The results that hold a part of a patient; each has one file or manifest, or none without a prediction.

    ``images`` are scans on the grid of the reference, by column, the reference first. ``before`` is the scan before
    surgery.
    """

    probabilities: Sequence[str]
    masks: Sequence[str]
    members: Sequence[str]
    resections: Sequence[str]
    brought_back: Sequence[str]
    quality: Sequence[str]
    brain: Sequence[str]
    images: Mapping[str, str]
    before: str | None


def maps_of(patient: str, made: PatientParts) -> dict[str, Path]:
    """Return the maps and transforms of a predicted patient, by the name that a reader gets them by."""
    folders = {"probability": made.probabilities, "mask": made.masks, "disagreement": made.members}
    files = {f"{name}{SUFFIX}": of_folder(manifest, f"{patient}{SUFFIX}") for name, (manifest,) in folders.items()}
    back = {
        f"{patient}{SUFFIX}": "mask_before_surgery.nii.gz",
        f"inverse/{patient}_affine.mat": "to_before_surgery_affine.mat",
        f"inverse/{patient}_warp{SUFFIX}": "to_before_surgery_warp.nii.gz",
    }
    for manifest in made.brought_back:
        files |= {back[name]: file for name, file in verified(manifest, lambda name: name in back).items()}
    return files


def of_folder(manifest: str, wanted: str) -> Path:
    """Return one file of a published folder, after checking its digest."""
    return verified(manifest, lambda name: name == wanted)[wanted]
