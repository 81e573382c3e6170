"""Tables of the metrics of many cases, and of their lesions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, NamedTuple

import pandas as pd

from residua.metrics.compared_masks import ComparedMasks
from residua.metrics.lesions import LesionGroup
from residua.metrics.voxelwise import CaseMetrics, metrics_of


class MetricTables(NamedTuple):
    """A table with one row per case, and one with one row per group of lesions that touch one another."""

    cases: pd.DataFrame
    lesions: pd.DataFrame


def metric_tables(compared: Iterable[tuple[Mapping[str, Any], ComparedMasks]], known: Sequence[str]) -> MetricTables:
    """Tabulate compared masks; the columns ``known`` of each case come first, from the mapping beside its masks.

    >>> import numpy as np
    >>> from residua.images.volumes import Grid
    >>> from residua.metrics.compared_masks import compare
    >>> mask = np.ones((3, 3, 3), dtype=bool)
    >>> found = metric_tables([({"case": "p1"}, compare(mask, mask, Grid((3, 3, 3), np.eye(4))))], ["case"])
    >>> found.cases[["case", "dice"]].values.tolist(), found.lesions[["case", "lesion", "side"]].values.tolist()
    ([['p1', 1.0]], [['p1', 1, 'both']])
    """
    cases: list[dict[str, Any]] = []
    lesions: list[dict[str, Any]] = []
    for of_case, masks in compared:
        cases.append({**of_case, **asdict(metrics_of(masks))})
        groups = enumerate(masks.lesions.groups, start=1)
        lesions += [{**of_case, "lesion": number, **asdict(group)} for number, group in groups]
    return MetricTables(
        pd.DataFrame(cases, columns=[*known, *(field.name for field in fields(CaseMetrics))]),
        pd.DataFrame(lesions, columns=[*known, "lesion", *(field.name for field in fields(LesionGroup))]),
    )
