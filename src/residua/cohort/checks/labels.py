"""Checks whether a mask is binary and lies where its structure can lie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from residua.cohort.checks.facts import Facts
from residua.images.brain_volume import IMPOSSIBLE_ML, is_plausible_brain
from residua.images.heads import Head, outside_head
from residua.images.rounding import ROUNDING, rounded
from residua.images.volumes import Image
from residua.problems.problem import Problem
from residua.problems.severity import problem_of
from residua.settings.base import REFERENCE_STANDARD

LARGEST_HEAD_SHARE = 0.3
"""No tumour fills as much of the head as this; a brain mask does."""
_MOSTLY = 0.5
_RIM = 0.9
_WRITE_BINARY = "write 1 in the structure and 0 elsewhere"
_DRAW_AGAIN = "check both in a viewer, and give the mask that was drawn on this image"


def label_problems(facts: Facts) -> list[Problem]:
    """Return the problem of a label or mask by itself. An empty one is valid: there was nothing to mark."""
    if facts.nan or facts.infinite:
        what = f"{facts.nan + facts.infinite} of {facts.voxels} voxels are not finite (NaN or infinite)"
        return [problem_of("label-not-finite", what, _WRITE_BINARY)]
    if facts.zeros + facts.ones < facts.voxels:
        return [_not_binary(facts)]
    if facts.marked > _MOSTLY * facts.voxels and facts.rim_marked > _RIM:
        share = facts.marked / facts.voxels
        what = f"{share:.0%} of the image is marked, up to its rim, as in an inverted mask"
        return [problem_of("label-inverted", what, _WRITE_BINARY)]
    return []


def _not_binary(facts: Facts) -> Problem:
    values = np.unique(rounded(np.array(facts.values)))
    others = [float(value) for value in values if value not in (0, 1)]
    are_whole = facts.few_values and all(value.is_integer() for value in others)
    shown = ", ".join(f"{value:g}" for value in others[:5]) + (", …" if len(others) > 5 else "")
    what = f"a mask holds only 0 and 1, but this one also {shown}"
    if facts.minimum < -ROUNDING or facts.maximum > 1 + ROUNDING or not facts.fractional:
        remedy = _WRITE_BINARY
        if are_whole and len(others) + bool(facts.ones) > 1:
            remedy += "; merge the structures that make it up (residua import does with --label), "
            remedy += "and check what each value means"
        return problem_of("label-not-binary", what, remedy)
    if not facts.ones or facts.traces > facts.fractional or facts.fractional > 10 * facts.ones:
        remedy = "threshold it where its author says (often 0.5), " + _WRITE_BINARY
        return problem_of("label-probability", f"{what}, as a map of probabilities does", remedy)
    remedy = (
        "resample the mask as it was drawn with nearest neighbour, or write 1 where it is 0.5 or more and 0 elsewhere"
    )
    return problem_of("label-float-edges", f"{what}, as linear resampling leaves along an edge", remedy)


def probability_problems(facts: Facts) -> list[Problem]:
    """Return the problem of a map of probabilities by itself."""
    if facts.nan or facts.infinite:
        what = f"{facts.nan + facts.infinite} of {facts.voxels} voxels are not finite (NaN or infinite)"
        return [problem_of("probability-not-finite", what, "write the map again, with 0 where there is no tumour")]
    if facts.minimum < -ROUNDING or facts.maximum > 1 + ROUNDING:
        what = f"a map of probabilities holds 0 to 1, but this one {facts.minimum:g} to {facts.maximum:g}"
        remedy = "give the softmax of tumour, neither logits nor percent nor a label"
        return [problem_of("probability-out-of-range", what, remedy)]
    return []


def brain_mask_problems(facts: Facts) -> list[Problem]:
    """Return the problem of a brain mask of zeros and ones."""
    if not facts.marked:
        remedy = "give the mask of the brain; only labels may be empty"
        return [problem_of("brain-mask-empty", "the brain mask is empty", remedy)]
    if not is_plausible_brain(facts.volume_ml):
        low, high = IMPOSSIBLE_ML
        what = f"the brain mask has {facts.volume_ml:.0f} ml, implausible for a brain ({low:.0f} to {high:.0f} ml)"
        return [problem_of("brain-mask-volume", what, "check the mask in a viewer, and the spacing")]
    return []


def place_problems(facts: Facts, sequence: str, outside: dict[str, Any]) -> list[Problem]:
    """Return the problem of where a label lies, from its ``position_on_head`` in the image of ``sequence``."""
    if not facts.marked or "outside_head" not in outside:
        return []
    if outside["outside_head"] > _MOSTLY:
        what = f"{outside['outside_head']:.0%} of the mask lies outside the head in {sequence}"
        return [problem_of("label-outside-head", what, _DRAW_AGAIN)]
    share = facts.volume_ml / outside["head_ml"]
    if share > LARGEST_HEAD_SHARE:
        what = f"the mask fills {share:.0%} of the head in {sequence}"
        return [problem_of("label-too-large", what, "check whether it is the mask of this structure")]
    return []


def position_on_head(mask: Image, head: Head) -> dict[str, float]:
    """Return where a mask of booleans lies on a head, as builtins: ``outside_head`` (share) and ``head_ml``.

    Empty when their grids differ, which another check reports, or the head cannot be recognised.
    """
    if not head.usable or not mask.grid.same_as(head.grid):
        return {}
    return {"outside_head": outside_head(mask.data, head), "head_ml": head.volume_ml}


def outside_brain(mask: Image, brain: Image) -> dict[str, float]:
    """Return the share ``outside_brain`` of a mask's voxels, both booleans; empty as in ``position_on_head``."""
    if not mask.grid.same_as(brain.grid) or not mask.data.any() or not brain.data.any():
        return {}
    return {"outside_brain": float((mask.data & ~brain.data).sum() / mask.data.sum())}


def brain_problems(outside: dict[str, Any]) -> list[Problem]:
    """Return the problem of where a label lies, from ``outside_brain``."""
    share = outside.get("outside_brain", 0.0)
    if share <= _MOSTLY:
        return []
    what = f"{share:.0%} of the mask lies outside the brain mask, and would be removed with the skull"
    return [problem_of("label-outside-brain", what, "check both masks in a viewer, and correct the wrong one")]


def volume_problems(facts: Mapping[str, Facts]) -> list[tuple[str, Problem]]:
    """Return, by column, a warning when the residual tumour is not smaller than the tumour before surgery."""
    before, after = facts.get("pre_tumor"), facts.get(REFERENCE_STANDARD)
    if before is None or after is None or not after.marked or after.volume_ml < before.volume_ml:
        return []
    what = f"{after.volume_ml:.3g} ml of residual tumour, no less than the {before.volume_ml:.3g} ml before surgery"
    remedy = "check whether the masks or the scans before and after surgery are swapped"
    return [(REFERENCE_STANDARD, problem_of("residual-not-smaller", what, remedy))]
