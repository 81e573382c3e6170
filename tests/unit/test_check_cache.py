from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from residua.cohort.checks.cache import VERSION
from residua.cohort.checks.facts import Facts, facts_of
from residua.cohort.checks.labels import outside_brain, position_on_head
from residua.images.heads import head_of
from residua.images.volumes import Grid, Image

RIM = round(7 / 96, 6)
"""Three marked voxels on the edge of six faces of 16 voxels: they lie on 3, 2 and 2 of them."""
MEASURED = {
    "version": 2,
    "facts": {
        "shape": [4, 4, 4],
        "spacing_mm": [1.0, 2.0, 4.0],
        "voxel_ml": 0.008,
        "voxels": 64,
        "nan": 1,
        "infinite": 0,
        "minimum": -2.0,
        "maximum": 1.0,
        "integral": False,
        "values": [-2.0, 0.0, 0.0005, 0.75, 1.0],
        "commonest": 0.0,
        "commonest_voxels": 57,
        "marked": 4,
        "zeros": 58,
        "ones": 3,
        "fractional": 1,
        "traces": 1,
        "rim_marked": RIM,
    },
    "placement": {"outside_head": 0.25, "head_ml": 0.384},
    "outside_brain": {"outside_brain": 0.5},
}
"""What is measured on the images of the test, derived by hand."""


def rounded(record: Any) -> Any:
    """A record whose fractions are given to six places."""
    if isinstance(record, dict):
        return {name: rounded(value) for name, value in record.items()}
    if isinstance(record, list):
        return [rounded(value) for value in record]
    return round(record, 6) if isinstance(record, float) else record


def test_other_measures_are_another_version() -> None:
    # What a cache holds was measured by the code of its version. If this fails because a measure has changed its
    # meaning or its name, raise VERSION in cache.py together with it: unchanged files are then read again, once.
    grid = Grid((4, 4, 4), np.diag([1.0, 2.0, 4.0, 1.0]))
    voxels = np.zeros((4, 4, 4), np.float32)
    voxels[0, 0, :3] = 1
    voxels[1, 1, 1:] = (0.75, np.nan, -2)
    voxels[3, 3, 3] = 0.0005
    head = np.full((4, 4, 4), 100, np.float32)
    head[0] = 0
    marked = np.zeros((4, 4, 4), bool)
    marked[:2, 3, 3] = marked[2:, 0, 0] = True
    half = np.zeros((4, 4, 4), bool)
    half[:2] = True
    facts = facts_of(Image(voxels, grid))
    record = facts.to_json()
    measured = {
        "version": VERSION,
        "facts": {name: value for name, value in record.items() if name not in ("digest", "fingerprint")},
        "placement": position_on_head(Image(marked, grid), head_of(Image(head, grid))),
        "outside_brain": outside_brain(Image(marked, grid), Image(half, grid)),
    }
    assert rounded(measured) == MEASURED
    of = repr(((4, 4, 4), [1000, 2000, 4000])).encode() + voxels.tobytes()
    assert facts.digest == hashlib.sha256(of).hexdigest()
    assert Facts.from_json(record) == facts
