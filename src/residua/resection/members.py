"""Read what the members of an ensemble found, and the range of extents between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from residua.publishing.publish import read_json, verified
from residua.resection.extent import extent_of_resection

_RECORD = ".json"


def member_records(manifest: str) -> dict[str, Any]:
    """Return the record of ``segmentation.members`` of every patient of its manifest.

    >>> from residua.publishing.publish import stage, write_json
    >>> with stage("members/manifest.json") as part:
    ...     write_json(part / "AMS1.json", {"members_ml": {"fold0": 4.0}, "mean_pairwise_dice": None})
    >>> member_records("members/manifest.json")["AMS1"]["members_ml"]
    {'fold0': 4.0}
    """
    files = verified(manifest, lambda name: name.endswith(_RECORD))
    return {name.removesuffix(_RECORD): read_json(file) for name, file in files.items()}


def extent_range(before_ml: float, volumes_ml: Sequence[float]) -> tuple[float, float]:
    """Return the lowest and the highest extent (percent) of several volumes that are left; NaN without tumour before.

    >>> extent_range(20.0, [2.0, 1.5, 4.0])
    (80.0, 92.5)
    """
    extents = extent_of_resection(before_ml, volumes_ml)
    return float(extents.min()), float(extents.max())
