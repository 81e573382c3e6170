"""Checks whether the voxels of an image can show a head."""

from __future__ import annotations

from residua.cohort.checks.facts import Facts
from residua.problems.problem import Problem
from residua.problems.severity import problem_of

NEARLY_CONSTANT = 0.999
"""So many voxels of one value leave no head. Skull-stripped images come to about 0.9."""
LABEL_VALUES = 10
FEW_VALUES = 32
_INT16_ENDS = (-30000.0, 30000.0)
COPY_AGAIN = "copy or convert it again, or set role to exclude"
_GIVE_IMAGE = "give the image itself; masks belong in the columns of the labels"


def image_problems(facts: Facts) -> list[Problem]:
    """Return the problems of an image's voxels; an error that explains the others is returned alone."""
    if facts.nan or facts.infinite:
        return _not_finite(facts)
    if facts.minimum == facts.maximum:
        return [problem_of("image-constant", f"every voxel is {facts.minimum:g}", COPY_AGAIN)]
    if facts.few_values and len(facts.values) <= LABEL_VALUES:
        shown = ", ".join(f"{value:g}" for value in facts.values)
        return [
            problem_of("image-is-label", f"a mask or label map, not an image: its only values are {shown}", _GIVE_IMAGE)
        ]
    return [*_nearly_constant(facts), *_few_values(facts), *_wrapped(facts)]


def _not_finite(facts: Facts) -> list[Problem]:
    found = {"image-nan": ("NaN", facts.nan), "image-infinite": ("infinite", facts.infinite)}
    return [
        problem_of(check, f"{number} of {facts.voxels} voxels are {name}", COPY_AGAIN)
        for check, (name, number) in found.items()
        if number
    ]


def _nearly_constant(facts: Facts) -> list[Problem]:
    share = facts.commonest_voxels / facts.voxels
    if share < NEARLY_CONSTANT:
        return []
    what = f"all but {facts.voxels - facts.commonest_voxels} of {facts.voxels} voxels are {facts.commonest:g}"
    return [problem_of("image-nearly-constant", what, "check in a viewer whether the image shows a head")]


def _few_values(facts: Facts) -> list[Problem]:
    if not facts.few_values or len(facts.values) > FEW_VALUES:
        return []
    what = f"only {len(facts.values)} different values: as a label map has, or an image stored too coarsely"
    return [problem_of("image-few-values", what, "check the image in a viewer; convert it again from its source")]


def _wrapped(facts: Facts) -> list[Problem]:
    low, high = _INT16_ENDS
    both_ends = -32768 <= facts.minimum <= low and high <= facts.maximum <= 32767
    if not (both_ends and facts.integral):
        return []
    what = f"values from {facts.minimum:g} to {facts.maximum:g}: as when bright voxels wrap to negative ones"
    return [problem_of("image-wrapped", what, "convert it again as unsigned or 32-bit numbers")]
