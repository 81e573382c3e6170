"""Find the labels of a region that can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from residua.preparation.cases import RegionLabel
from residua.publishing.failures import problem_in
from residua.settings.base import Frozen
from residua.settings.region import region_of


def sound_regions(
    patients: Sequence[str], labels: Sequence[str], registrations: Sequence[str], preparation: Frozen
) -> dict[str, RegionLabel]:
    """Return the region of each patient whose label was brought to the reference; the others are seen whole.

    ``preparation`` are the settings by which a network's channels are prepared. ``registrations`` are the records of
    the labels' registrations, none for labels that lie on the reference grid.
    Raises ``ValueError`` for any other number of records.
    """
    region = region_of(preparation)
    if region is None:
        return {}
    registered = zip(patients, registrations, strict=True) if registrations else ()
    failed = {patient for patient, record in registered if problem_in(record)}
    labelled = zip(patients, labels, strict=True)
    return {p: RegionLabel(Path(file), region.margin_mm) for p, file in labelled if p not in failed}
