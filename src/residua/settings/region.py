"""Settings of the region of a scan that a network sees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from residua.settings.base import REFERENCE_STANDARD, Column, Frozen
from residua.settings.defaults import is_default


class Region(Frozen):
    """A region of interest: the box around a label and its surroundings, within the brain's box."""

    label: Column = Field(description="Label on whose voxels the region lies, such as pre_tumor.")
    margin_mm: float = Field(
        default=20.0,
        ge=0,
        description="How far the region reaches beyond the label, in mm. 20: as far as radiotherapy reaches beyond a "
        "tumour; it also holds the shift of the brain during surgery, and errors of the registration.",
    )


def _meant(value: Any) -> Any:
    return {"label": value} if isinstance(value, str) else value


class WithRegion(Frozen):
    """Base of the preparation of networks that can see a region in place of the whole brain."""

    region: Annotated[Region | None, BeforeValidator(_meant, json_schema_input_type=Column | Region | None)] = Field(
        default=None,
        exclude_if=is_default(None),
        description="Region that the network sees: the name of a label, or a section; null: the whole brain. A patient "
        "without the label is seen whole.",
    )


def region_of(settings: Frozen) -> Region | None:
    """Return the region that a network or its preparation is confined to; None: it sees the whole brain."""
    region: Region | None = getattr(settings, "region", None)
    return region


def region_in_words(region: Region | None) -> str:
    """Return what a network sees, in words.

    >>> region_in_words(Region(label="pre_tumor")), region_in_words(None)
    ('the region of pre_tumor and 20 mm around it', 'the whole brain')
    """
    return f"the region of {region.label} and {region.margin_mm:g} mm around it" if region else "the whole brain"


def regions_among(networks: Frozen, archs: Iterable[str]) -> dict[str, Region]:
    """Return the region of each of some networks that does not see the whole brain."""
    named = {arch: getattr(networks, arch, None) for arch in archs}
    return {arch: region for arch, settings in named.items() if settings and (region := region_of(settings))}


def unusable_regions(networks: Frozen, archs: Iterable[str], labels: Mapping[str, str]) -> list[str]:
    """Return what is wrong with the regions of some networks; ``labels`` are those of the study."""
    known = ", ".join(label for label in labels if label != REFERENCE_STANDARD) or "none"
    problems = []
    for arch, region in regions_among(networks, archs).items():
        if region.label == REFERENCE_STANDARD:
            problems.append(
                f"networks.{arch}.region names {REFERENCE_STANDARD}, the reference standard, which is what the network "
                f"has to find; name another of the labels ({known})"
            )
        elif region.label not in labels:
            what = f"networks.{arch}.region names {region.label}, which is missing under labels"
            problems.append(f"{what}; name one of them ({known})")
    return problems
