"""The reference page of the metrics, from their registry."""

from __future__ import annotations

import math

from residua.metrics.registry import METRICS, Metric

_INTRODUCTION = """# Metrics

Generated from `src/residua/metrics/registry.py` by `residua schema`; do not edit. The columns of
`results/metrics/{arch}/{inputs}.parquet` and of `residua evaluate`, in this order. A metric without a unit is a
fraction of 1.

| metric | unit | better | what it is | nothing predicted | nothing drawn | both masks empty |
| --- | --- | --- | --- | --- | --- | --- |
"""
_NOTES = """
"As ever": the definition gives a value. An undefined value is empty (NaN in Parquet), never 0; tables count the
undefined cases beside the mean.

A surface voxel is one that an erosion with the 6-neighbourhood removes; beyond the image lies background. Distances are
between centres of voxels, in mm, over the whole masks. Surface voxels weigh the same whatever the spacing.
"""


def to_markdown() -> str:
    """Return the page docs/reference/metrics.md.

    >>> "`recall` |  | higher | share of the reference's voxels that are in the prediction | as ever" in to_markdown()
    True
    """
    return _INTRODUCTION + "".join(f"| {' | '.join(_row(metric))} |\n" for metric in METRICS) + _NOTES


def _row(metric: Metric) -> tuple[str, ...]:
    empty = (metric.empty.only_reference, metric.empty.only_prediction, metric.empty.neither)
    return f"`{metric.name}`", metric.unit, metric.better, metric.meaning, *map(_value, empty)


def _value(value: float | None) -> str:
    if value is None:
        return "as ever"
    return "undefined" if math.isnan(value) else f"{value:g}"
