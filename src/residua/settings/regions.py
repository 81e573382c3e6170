"""Tell which networks of a study see a region in place of the whole brain."""

from __future__ import annotations

from collections.abc import Iterable

from residua.settings.region import Region, regions_among
from residua.settings.study import Study


def regions_of(study: Study) -> dict[str, Region]:
    """Return the region of each trained network that does not see the whole brain."""
    return regions_among(study.networks, study.archs)


def labels_of_regions(study: Study, archs: Iterable[str] | None = None) -> tuple[str, ...]:
    """Return the labels around which networks look, of all trained ones or of some."""
    regions = regions_of(study)
    return tuple(dict.fromkeys(regions[arch].label for arch in archs or regions if arch in regions))
