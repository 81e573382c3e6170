"""Build Table S2: the grids on which each sequence was acquired."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from residua.article.values import printed_value
from residua.cohort.split.split import Split
from residua.publishing.publish import read_json
from residua.tables.cells import NOT_AVAILABLE
from residua.tables.render import Table
from residua.words import title_of

_AXES = ("x", "y", "z")


def grids_table(checks: Iterable[str], folds: Mapping[str, Any], sequences: Sequence[str]) -> Table:
    """Build Table S2 from ``results/cohort/checks/*.json``, for the patients of ``folds.json``."""
    included = set(Split.from_json(folds).patients)
    grids = {p: found for check in checks for p, found in read_json(check)["grids"].items() if p in included}
    return table_s2(grids, sequences)


def table_s2(grids: Mapping[str, Mapping[str, Mapping[str, Sequence[float]]]], sequences: Sequence[str]) -> Table:
    """Build one row per sequence: median and range of voxels and of spacing along each axis.

    ``grids`` gives ``shape`` and ``spacing_mm`` in RAS+ order by patient and column.
    """
    rows = []
    for sequence in sequences:
        found = [columns[sequence] for columns in grids.values() if sequence in columns]
        row: dict[str, object] = {"Sequence": title_of(sequence), "n": len(found)}
        shapes = np.array([grid["shape"] for grid in found], dtype=float).reshape(-1, 3)
        spacings = np.array([grid["spacing_mm"] for grid in found], dtype=float).reshape(-1, 3)
        row |= {f"Voxels {axis}": _median_range(shapes[:, i], 0) for i, axis in enumerate(_AXES)}
        row |= {f"Spacing {axis} (mm)": _median_range(spacings[:, i], 2) for i, axis in enumerate(_AXES)}
        rows.append(row)
    caption = (
        "Table S2. Grids of the sequences as acquired: median and range over the patients of the study. x: left to "
        "right, y: back to front, z: from below to above. n: patients with the sequence."
    )
    voxels, spacing = (printed_value("article", "cohort", f"t1ce_{key}_range") for key in ("voxels", "spacing"))
    note = f"Post-operative T1w-CE in the article's cohort: {voxels} voxels of {spacing} mm (range)."
    return Table(pd.DataFrame(rows, dtype=object), caption, (note,))


def _median_range(values: np.ndarray, decimals: int) -> str:
    if not values.size:
        return NOT_AVAILABLE
    middle, low, high = (f"{value:.{decimals}f}" for value in (np.median(values), values.min(), values.max()))
    return middle if low == high else f"{middle} [{low}; {high}]"
