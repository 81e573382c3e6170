"""Rules for values far from those of the other patients, and the words of a flag.

The catalogue is apart, so that a new word of a flag remakes the page of the cohort and no patient's page.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FlagRule:
    """How the flags of one measure are raised and worded.

    ``wrong`` and ``unusual`` are reasons for an exclusion, which the participant flow counts: they hold no numbers.
    """

    smallest: float
    """The difference below which two patients count as alike."""
    wrong: str
    """Meaning of a value beyond a limit; empty for a measure without limits."""
    unusual: str
    """Meaning of a value far from the other patients' values."""
    look: str
    act: str


_FLICKER = "let the registered image alternate with the reference: edges of brain and ventricles must not move"
_GIVE_IMAGE = (
    "if they move, check that the file is this patient's and its header right, and correct it; if it cannot be "
    "corrected, exclude the patient"
)
_SIDES = (
    "the scan fits better mirrored left to right: compare the side of tumour, cavity and ventricles in the registered "
    "scan and in the reference"
)
_SIDES_ACT = (
    "check its orientation: a conversion flipped it, or it is another patient's; convert it again from its DICOM "
    "files. If all scans of the patient have this flag, the reference is the flipped one"
)
_OTHER = (
    "compare the folds of the brain, the ventricles and the cavity in the registered scan and in the reference: "
    "are they of one head?"
)
_OTHER_ACT = (
    "if they are two heads', a scan of another patient stands in the cohort table: correct it. If the scan is this "
    "patient's and merely shows little contrast, keep the patient"
)
_WARP = "look at the registered image for tissue that is stretched or torn, in the brain and beside the cavity"
_WARP_ACT = "if the brain is distorted, exclude the patient; an unusual warp of the air around the head does no harm"
_SCALE = "compare the size of the head before and after registration"
_SCALE_ACT = (
    "if the size is wrong, correct the voxel size in the file's header; the scan's DICOM files have the true one"
)
_START = "compare the images before and after registration, and whether the head had to move that far"
_START_ACT = (
    "if the registered image matches the reference, keep the patient; otherwise correct the header or exclude the "
    "patient"
)
_OUTLINE = "check that the outline follows the surface of the brain on every slice"
_GIVE_MASK = (
    "if it cuts the brain or includes skull, draw a better mask and name it in the column brain_mask "
    "(brain_mask.method: given), or exclude the patient"
)
_LABEL = "compare the outline of the label with the tumour on the registered image"

FLAG_RULES = {
    "similarity_gain": FlagRule(
        0.1, "lost similarity by registration", "an unusual gain of similarity", _FLICKER, _GIVE_IMAGE
    ),
    "similarity_after": FlagRule(0.02, "", "an unusual similarity to the reference", _FLICKER, _GIVE_IMAGE),
    "brain_similarity": FlagRule(
        0.1,
        "does not resemble the reference within the brain",
        "an unusual similarity of the brain",
        _OTHER,
        _OTHER_ACT,
    ),
    # How much two sides differ is the head's and the contrast's: no patient is unusual for it.
    "mirrored_gain": FlagRule(1.0, "fits better mirrored left to right", "an unusual symmetry", _SIDES, _SIDES_ACT),
    "folded_percent": FlagRule(0.05, "a warp that folds", "an unusual warp", _WARP, _WARP_ACT),
    "jacobian_p01": FlagRule(0.03, "", "an unusual shrinkage by the warp", _WARP, _WARP_ACT),
    "jacobian_p99": FlagRule(0.03, "", "an unusual growth by the warp", _WARP, _WARP_ACT),
    "affine_scale": FlagRule(
        0.01, "a change of the head's size", "an unusual change of the head's size", _SCALE, _SCALE_ACT
    ),
    "rotation_degrees": FlagRule(3.0, "", "an unusual rotation", _START, _START_ACT),
    "translation_mm": FlagRule(5.0, "", "an unusual shift", _START, _START_ACT),
    "volume_ml": FlagRule(20.0, "an implausible volume", "an unusual volume", _OUTLINE, _GIVE_MASK),
    "border_percent": FlagRule(
        0.5,
        "reaches over the border of the image",
        "more of it on the border of the image than usual",
        _OUTLINE,
        "if the scan ends within the brain, exclude the patient when the missing part may hold tumour; otherwise keep "
        "the patient",
    ),
    "largest_percent": FlagRule(0.5, "", "in pieces", _OUTLINE, _GIVE_MASK),
    "template_dice": FlagRule(0.01, "is not shaped like a brain", "an unusual shape", _OUTLINE, _GIVE_MASK),
    "template_distance_mm": FlagRule(
        3.0, "lacks a part of the brain or includes other tissue", "an unusual surface", _OUTLINE, _GIVE_MASK
    ),
    "inside_brain_percent": FlagRule(
        0.1,
        "partly outside the brain mask",
        "more of it outside the brain mask than usual",
        "look at the outlines of the label and of the brain mask where they cross",
        "if the mask cuts off tumour, no network can find it: name a better mask; if the label is wrong, correct it",
    ),
    "volume_ratio": FlagRule(0.05, "a changed volume", "an unusual change of volume", _LABEL, _WARP_ACT),
}
"""By the name of the measure."""
