"""The reference page of the metrics, from their registry."""

from __future__ import annotations

import math

from residua.metrics.registry import METRICS, Metric

_INTRODUCTION = """# Metrics

Generated from `src/residua/metrics/registry.py` by `residua schema`; do not edit. The columns of
`results/metrics/{arch}/{inputs}.parquet`, in this order; those of `residua evaluate` end with `lesion_f1`. A metric
without a unit is a fraction of 1.

| metric | unit | better | what it is | nothing predicted | nothing drawn | both masks empty |
| --- | --- | --- | --- | --- | --- | --- |
"""
_NOTES = """
"As ever": the definition gives a value. An undefined value is empty (NaN in Parquet), never 0; tables count the
undefined cases beside the mean.

A surface voxel is one that an erosion with the 6-neighbourhood removes; beyond the image lies background. Distances are
between centres of voxels, in mm, over the whole masks. Surface voxels weigh the same whatever the spacing.

## Lesions

- A lesion is a component of a mask, its voxels neighbours by faces, edges or corners (26), of at least
  `postprocessing.min_component_voxels` voxels (`--min-component-voxels`, 20). Smaller components count on neither side;
  the metrics of whole masks keep them.
- A reference lesion is found when predicted lesions share a voxel with it, and cover at least `lesions.min_overlap` of
  its voxels (`--min-lesion-overlap`; 0: one voxel is enough).
- A predicted lesion is false when it shares no voxel with a reference lesion. A lesion that touches one and covers too
  little of it is neither false nor does it find it.
- Several predicted lesions in one reference lesion, and one predicted lesion over several, are one group with all that
  they touch. Dice and HD95 are those of the union of the group's lesions on each side. Every lesion counts by itself in
  `found_lesions` and `false_lesions`.
- For the metrics of lesions a mask without a lesion is empty, whatever voxels it has.
- BraTS' lesion-wise scores dilate the reference first and score a missed or a false lesion 0 (Dice) or a fixed distance
  (HD95). These do neither.
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
