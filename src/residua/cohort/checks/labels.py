"""Is a mask a mask, and does it lie where such a structure can lie?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from residua.cohort.checks.facts import ROUNDING, Facts
from residua.cohort.checks.faults import Fault
from residua.images.heads import Head, outside_head
from residua.images.volumes import Image

LARGEST_HEAD_SHARE = 0.3
"""No tumour fills as much of the head as this; a brain mask does."""
BRAIN_ML = (500.0, 2500.0)
"""Brain masks of adults with hydrocephalus, atrophy or a generous rim stay well within these volumes."""
_MOSTLY = 0.5
_RIM = 0.9
_WRITE_BINARY = "write 1 in the structure and 0 elsewhere"
_DRAW_AGAIN = "see both in a viewer, and give the mask that was drawn on this image"


def label_faults(facts: Facts) -> list[Fault]:
    """What is wrong with a label or mask by itself. An empty one is right: nothing was to be marked."""
    if facts.nan or facts.infinite:
        what = f"{facts.nan + facts.infinite} of {facts.voxels} voxels are not finite (NaN or infinite)"
        return [Fault("label-not-finite", what, _WRITE_BINARY)]
    if facts.zeros + facts.ones < facts.voxels:
        return [_not_binary(facts)]
    if facts.marked > _MOSTLY * facts.voxels and facts.rim_marked > _RIM:
        share = facts.marked / facts.voxels
        what = f"{share:.0%} of the image is marked, up to its rim, as in an inverted mask"
        return [Fault("label-inverted", what, _WRITE_BINARY)]
    return []


def _not_binary(facts: Facts) -> Fault:
    others = [v for v in facts.values if abs(v) > ROUNDING and abs(v - 1) > ROUNDING]
    shown = ", ".join(f"{value:g}" for value in others[:5]) + (", …" if len(others) > 5 else "")
    what = f"a mask holds 0 and 1 only, this one also {shown}"
    if facts.minimum < -ROUNDING or facts.maximum > 1 + ROUNDING or not facts.fractional:
        remedy = _WRITE_BINARY
        if facts.integral and facts.few_values and len(others) > 1:
            remedy += ", the structures that make it up together; see which value means what"
        return Fault("label-not-binary", what, remedy)
    if not facts.ones or facts.traces > facts.fractional or facts.fractional > 10 * facts.ones:
        remedy = "threshold it where its author says (often 0.5), " + _WRITE_BINARY
        return Fault("label-probability", f"{what}, as a map of probabilities does", remedy)
    remedy = (
        "resample the mask as it was drawn with nearest neighbour, or write 1 where it is 0.5 or more and 0 elsewhere"
    )
    return Fault("label-float-edges", f"{what}, as linear resampling leaves along an edge", remedy)


def brain_mask_faults(facts: Facts) -> list[Fault]:
    """What is wrong with a brain mask of zeros and ones."""
    if not facts.marked:
        remedy = "give the mask of the brain; an empty one is right for labels only"
        return [Fault("brain-mask-empty", "the brain mask is empty", remedy)]
    low, high = BRAIN_ML
    if not low <= facts.volume_ml <= high:
        what = f"the brain mask is of {facts.volume_ml:.0f} ml, no brain's volume ({low:.0f} to {high:.0f} ml)"
        return [Fault("brain-mask-volume", what, "see the mask in a viewer, and check the spacing", "warning")]
    return []


def place_faults(facts: Facts, sequence: str, outside: dict[str, Any]) -> list[Fault]:
    """What is wrong with where a label lies, from its ``placement`` on the image of ``sequence``."""
    if not facts.marked or "outside_head" not in outside:
        return []
    if outside["outside_head"] > _MOSTLY:
        what = f"{outside['outside_head']:.0%} of the mask lies outside the head that {sequence} shows"
        return [Fault("label-outside-head", what, _DRAW_AGAIN)]
    share = facts.volume_ml / outside["head_ml"]
    if share > LARGEST_HEAD_SHARE:
        what = f"the mask fills {share:.0%} of the head that {sequence} shows"
        return [Fault("label-too-large", what, "see whether it is the mask of this structure", "warning")]
    return []


def placement(mask: Image, head: Head) -> dict[str, float]:
    """How a mask of booleans lies on a head, as builtins: ``outside_head`` (share) and ``head_ml``.

    Empty when they are on different grids, which is a fault of its own, or the head cannot be told.
    """
    if not head.usable or not mask.grid.same_as(head.grid):
        return {}
    return {"outside_head": outside_head(mask.data, head), "head_ml": head.volume_ml}


def outside_brain(mask: Image, brain: Image) -> dict[str, float]:
    """The share ``outside_brain`` of a mask's voxels outside a brain mask, both booleans; empty as ``placement`` is."""
    if not mask.grid.same_as(brain.grid) or not mask.data.any() or not brain.data.any():
        return {}
    return {"outside_brain": float((mask.data & ~brain.data).sum() / mask.data.sum())}


def brain_faults(outside: dict[str, Any]) -> list[Fault]:
    """What is wrong with where a label lies, from ``outside_brain``."""
    share = outside.get("outside_brain", 0.0)
    if share <= _MOSTLY:
        return []
    what = f"{share:.0%} of the mask lies outside the brain mask, and is removed with the skull"
    return [Fault("label-outside-brain", what, "see both masks in a viewer, and mend the wrong one", "warning")]


def volume_faults(facts: Mapping[str, Facts]) -> list[tuple[str, Fault]]:
    """The residual tumour, by column, when it is not smaller than the tumour before surgery."""
    before, after = facts.get("pre_tumor"), facts.get("residual")
    if before is None or after is None or not after.marked or after.volume_ml < before.volume_ml:
        return []
    what = f"{after.volume_ml:.3g} ml of residual tumour, no less than the {before.volume_ml:.3g} ml before surgery"
    remedy = "see whether the masks or the scans before and after surgery are swapped"
    return [("residual", Fault("residual-not-smaller", what, remedy, "warning"))]
