"""Is an image an image of a head?"""

from __future__ import annotations

from residua.cohort.checks.facts import Facts
from residua.cohort.checks.faults import Fault

NEARLY_CONSTANT = 0.999
"""So many voxels of one value leave no head. Skull-stripped images come to about 0.9."""
LABEL_VALUES = 10
FEW_VALUES = 32
_INT16_ENDS = (-30000.0, 30000.0)
_COPY_AGAIN = "copy or convert it again, or set role to exclude"
_GIVE_IMAGE = "give the image itself; masks belong in the columns of the labels"


def image_faults(facts: Facts) -> list[Fault]:
    """What is wrong with the voxels of an image, the first that explains the others."""
    if facts.nan or facts.infinite:
        return _not_finite(facts)
    if facts.minimum == facts.maximum:
        return [Fault("image-constant", f"every voxel is {facts.minimum:g}", _COPY_AGAIN)]
    if facts.few_values and len(facts.values) <= LABEL_VALUES:
        shown = ", ".join(f"{value:g}" for value in facts.values)
        return [Fault("image-is-label", f"a mask or label map, no image: its only values are {shown}", _GIVE_IMAGE)]
    return [*_nearly_constant(facts), *_few_values(facts), *_wrapped(facts)]


def _not_finite(facts: Facts) -> list[Fault]:
    found = {"image-nan": ("NaN", facts.nan), "image-infinite": ("infinite", facts.infinite)}
    return [
        Fault(check, f"{number} of {facts.voxels} voxels are {name}", _COPY_AGAIN)
        for check, (name, number) in found.items()
        if number
    ]


def _nearly_constant(facts: Facts) -> list[Fault]:
    share = facts.commonest_voxels / facts.voxels
    if share < NEARLY_CONSTANT:
        return []
    what = f"all but {facts.voxels - facts.commonest_voxels} of {facts.voxels} voxels are {facts.commonest:g}"
    return [Fault("image-nearly-constant", what, "see in a viewer whether a head is in the image", "warning")]


def _few_values(facts: Facts) -> list[Fault]:
    if not facts.few_values or len(facts.values) > FEW_VALUES:
        return []
    what = f"only {len(facts.values)} different values: as a label map has, or an image stored too coarsely"
    return [Fault("image-few-values", what, "see the image in a viewer; convert it again from its source", "warning")]


def _wrapped(facts: Facts) -> list[Fault]:
    low, high = _INT16_ENDS
    both_ends = -32768 <= facts.minimum <= low and high <= facts.maximum <= 32767
    if not (both_ends and facts.integral):
        return []
    what = f"values from {facts.minimum:g} to {facts.maximum:g}: as when bright voxels wrap to negative ones"
    return [Fault("image-wrapped", what, "convert it again as unsigned or 32-bit numbers", "warning")]
