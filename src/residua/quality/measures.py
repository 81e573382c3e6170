"""What is measured of every patient, which values are wrong whatever the others look like, and what to do then.

A record of measures is ``{subject: {measure: value}}``: the subject is a sequence, a label or ``brain`` (the mask), the
value a number, or None where it is not defined. Measures that are not in the catalogue are kept and not judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Measures = Mapping[str, Mapping[str, float | None]]
BRAIN = "brain"


@dataclass(frozen=True)
class Measure:
    """How one measure is judged. ``smallest`` is the difference below which two patients count as alike."""

    name: str
    title: str
    digits: int
    smallest: float
    wrong: str
    """What a value beyond a limit says, in words that fit a reason for exclusion: no numbers."""
    unusual: str
    """The same of a value that is far from the others'."""
    look: str
    act: str
    low: float | None = None
    high: float | None = None
    unit: str = ""

    def shown(self, value: float) -> str:
        """The value as it is printed, with its unit."""
        number = f"{value:.{self.digits}f}".replace("-", "−")
        return f"{number}\u00a0{self.unit}" if self.unit else number

    def limit_broken(self, value: float) -> float | None:
        """The absolute limit that the value is beyond; None when it is within."""
        if self.low is not None and value < self.low:
            return self.low
        return self.high if self.high is not None and value > self.high else None

    @property
    def limits(self) -> str:
        """The absolute limits in words."""
        low = None if self.low is None else self.shown(self.low)
        high = None if self.high is None else self.shown(self.high)
        if low and high:
            return f"{low} to {high}"
        return f"{low} or more" if low else f"at most {high}" if high else "none"


_FLICKER = "let the registered image alternate with the reference: edges of brain and ventricles must not move"
_GIVE_IMAGE = (
    "if they move, see whether the file is this patient's and its header is right, and mend it; if nothing is to be "
    "mended, exclude the patient"
)
_WARP = "look at the registered image for tissue that is stretched or torn, in the brain and beside the cavity"
_WARP_ACT = "if the brain is distorted, exclude the patient; a warp that is odd in the air around the head does no harm"
_SCALE = "compare the size of the head before and after registration"
_SCALE_ACT = "if the size is wrong, correct the voxel size in the file's header; the scan's record holds the true one"
_START = "look at the flicker of before and after: did the head have to move that far"
_START_ACT = "if both lie well on the reference afterwards, keep the patient; otherwise mend the header or exclude"
_OUTLINE = "look whether the outline runs along the surface of the brain on every slice"
_GIVE_MASK = (
    "if it cuts the brain or takes in skull, draw a better mask and give it in the column brain_mask "
    "(brain_mask.method: given), or exclude the patient"
)
_LABEL = "compare the outline of the label with the tumour on the registered image"

CATALOGUE = (
    Measure(
        "similarity_gain", "gain of similarity by registration", 3, 0.1, "lost similarity by registration",
        "an unusual gain of similarity", _FLICKER, _GIVE_IMAGE, low=-0.005,
    ),
    Measure(
        "similarity_after", "similarity after registration", 3, 0.02, "", "an unusual similarity to the reference",
        _FLICKER, _GIVE_IMAGE,
    ),
    Measure(
        "folded_percent", "share of voxels where the warp folds", 3, 0.05, "a warp that folds", "an unusual warp",
        _WARP, _WARP_ACT, high=0.0, unit="%",
    ),
    Measure(
        "jacobian_p01", "1st percentile of the warp's Jacobian", 2, 0.03, "", "an unusual shrinkage by the warp",
        _WARP, _WARP_ACT,
    ),
    Measure(
        "jacobian_p99", "99th percentile of the warp's Jacobian", 2, 0.03, "", "an unusual growth by the warp",
        _WARP, _WARP_ACT,
    ),
    Measure(
        "affine_scale", "scale of the affine part that is farthest from 1", 3, 0.01, "a change of the head's size",
        "an unusual change of the head's size", _SCALE, _SCALE_ACT, low=0.96, high=1.04,
    ),
    Measure(
        "rotation_degrees", "rotation of the affine part", 1, 3.0, "", "an unusual rotation", _START, _START_ACT,
        unit="degrees",
    ),
    Measure(
        "translation_mm", "shift of the affine part", 1, 5.0, "", "an unusual shift", _START, _START_ACT, unit="mm"
    ),
    Measure(
        "volume_ml", "volume of the brain mask", 0, 20.0, "an implausible volume", "an unusual volume", _OUTLINE,
        _GIVE_MASK, low=900.0, high=2000.0, unit="ml",
    ),
    Measure(
        "border_percent", "share of a face of the image that the mask reaches over", 2, 0.5,
        "reaches over the border of the image", "more of it on the border of the image than usual", _OUTLINE,
        "if the scan ends within the brain, exclude the patient when what is missing may hold tumour; otherwise keep",
        high=5.0, unit="%",
    ),
    Measure(
        "largest_percent", "share of the mask in its largest piece", 2, 0.5, "", "in pieces", _OUTLINE, _GIVE_MASK,
        unit="%",
    ),
    Measure(
        "template_dice", "overlap (Dice) with the template's brain", 3, 0.01, "lies where no brain can be",
        "an unusual shape", _OUTLINE,
        _GIVE_MASK, low=0.8,
    ),
    Measure(
        "inside_brain_percent", "share of the label inside the brain mask", 2, 0.1, "partly outside the brain mask",
        "more of it outside the brain mask than usual",
        "look at the outlines of the label and of the brain mask where they cross",
        "if the mask cuts tumour away, no network can find it: give a better mask; if the label is wrong, correct it",
        low=99.5, unit="%",
    ),
    Measure(
        "volume_ratio", "volume on the reference grid against the native one", 2, 0.05, "a changed volume",
        "an unusual change of volume", _LABEL, _WARP_ACT, low=0.5, high=2.0,
    ),
)  # fmt: skip
"""In the order in which they are shown."""

BY_NAME = {measure.name: measure for measure in CATALOGUE}


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


def judged(subject: str, measure: str) -> Measure | None:
    """How a measure of a subject is judged; None when it is only kept. Only a brain must have a certain volume."""
    return None if measure == "volume_ml" and subject != BRAIN else BY_NAME.get(measure)
