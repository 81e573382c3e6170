"""Describe one patient's resection in builtins: volumes, extent, classes, diameters, and the range over the folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from residua.images.volumes import Image, load_mask
from residua.publishing.images import by_patient
from residua.resection.classes import is_complete, is_gross_total, raidionics_class, rano_class
from residua.resection.diameters import axial_diameters
from residua.resection.extent import extent_of_resection
from residua.resection.members import extent_range, member_records


def resection_record(
    mask: Image, members_ml: Sequence[float], before_ml: float | None, residual_tumor_ml: float
) -> dict[str, Any]:
    """Return what the mask (booleans) of an ensemble, and the volumes of its members, say of a resection.

    ``_low`` and ``_high`` are the least and the greatest that the ensemble and each of its members find: how far the
    models disagree, and no confidence interval. What needs a volume before surgery is None where it is not known, or 0.
    Diameters are measurements, not a response category.

    >>> from residua.images.volumes import Grid
    >>> mask = Image(np.ones((10, 20, 10), dtype=bool), Grid((10, 20, 10), np.eye(4)))
    >>> record = resection_record(mask, [1.0, 3.0], before_ml=20.0, residual_tumor_ml=0.175)
    >>> [round(record[name], 3) for name in ("volume_ml", "volume_low_ml", "volume_high_ml", "extent_percent")]
    [2.0, 1.0, 3.0, 90.0]
    >>> record["rano_resect"], record["raidionics"], record["gross_total"], round(record["diameters"]["longest_mm"])
    ('3A', 'subtotal', False, 22)
    """
    volume_ml = int(np.count_nonzero(mask.data)) * mask.grid.voxel_ml
    every_ml = [volume_ml, *members_ml]
    return {
        "volume_ml": volume_ml,
        "volume_low_ml": min(every_ml),
        "volume_high_ml": max(every_ml),
        "complete": bool(is_complete(volume_ml)),
        "gross_total": bool(is_gross_total(volume_ml, residual_tumor_ml)),
        "rano_resect": str(rano_class(volume_ml)),
        "diameters": asdict(axial_diameters(mask)),
        "before_ml": before_ml,
        **_compared(every_ml, before_ml),
    }


def _compared(every_ml: Sequence[float], before_ml: float | None) -> dict[str, Any]:
    if not before_ml:
        return dict.fromkeys(("extent_percent", "extent_low_percent", "extent_high_percent", "raidionics"))
    low, high = extent_range(before_ml, every_ml)
    return {
        "extent_percent": float(extent_of_resection(before_ml, every_ml[0])),
        "extent_low_percent": low,
        "extent_high_percent": high,
        "raidionics": str(raidionics_class(before_ml, every_ml[0])),
    }


def describe_resections(
    masks: str, members: str, before_ml: Mapping[str, float], residual_tumor_ml: float
) -> dict[str, dict[str, Any]]:
    """Return ``resection_record`` of every patient of the manifest ``masks``, with the agreement of the members.

    ``members`` is the manifest of ``segmentation.members``.

    >>> from residua.images.volumes import Grid, save
    >>> from residua.publishing.publish import stage, write_json
    >>> with stage("masks/manifest.json") as part:
    ...     save(Image(np.zeros((2, 2, 2), dtype=bool), Grid((2, 2, 2), np.eye(4))), part / "AMS1.nii.gz")
    >>> with stage("members/manifest.json") as part:
    ...     write_json(part / "AMS1.json", {"members_ml": {"fold0": 0.0, "fold1": 0.0}, "mean_pairwise_dice": 1.0})
    >>> found = describe_resections("masks/manifest.json", "members/manifest.json", {}, residual_tumor_ml=0.175)
    >>> found["AMS1"]["rano_resect"], found["AMS1"]["extent_percent"], found["AMS1"]["mean_pairwise_dice"]
    ('1/2A', None, 1.0)
    """
    records = member_records(members)
    described = {}
    for patient, file in by_patient([masks]).items():
        known = records[patient]
        volumes_ml = list(known["members_ml"].values())
        found = resection_record(load_mask(file), volumes_ml, before_ml.get(patient), residual_tumor_ml)
        described[patient] = {**found, **known}
    return described
