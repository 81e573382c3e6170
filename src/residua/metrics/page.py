"""The reference page of the metrics, from their registry."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from residua.metrics.map_metrics import MAP_METRICS
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
  (HD95). These do neither; the [convention](../explanation/conventions.md) `brats-lesionwise` does both.
"""


_OF_MAPS = """
## Probability maps

Of the voxels of a patient within the brain mask, and of the reference outside it; columns of
`results/probability/{arch}/{inputs}/patients.parquet`. `results/statistics/discrimination.parquet` has their means over
patients, and the same metrics of patients, who are told apart by their predicted volume or their largest probability.
Probabilities are counted in steps of 1/16384, in which the study stores them: one pass over a map gives all metrics and
Dice at 101 thresholds (`thresholds.parquet`; before small components are removed).

| metric | better | what it is | undefined |
| --- | --- | --- | --- |
"""


def to_markdown() -> str:
    """Return the page docs/reference/metrics.md.

    >>> "`recall` |  | higher | share of the reference's voxels that are in the prediction | as ever" in to_markdown()
    True
    """
    of_masks = (_row(metric) for metric in METRICS)
    of_maps = ((f"`{metric.name}`", metric.better, metric.meaning, metric.undefined) for metric in MAP_METRICS)
    return _INTRODUCTION + _lines(of_masks) + _NOTES + _OF_MAPS + _lines(of_maps)


def _lines(rows: Iterable[Sequence[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(metric: Metric) -> tuple[str, ...]:
    empty = (metric.empty.only_reference, metric.empty.only_prediction, metric.empty.neither)
    return f"`{metric.name}`", metric.unit, metric.better, metric.meaning, *map(_value, empty)


def _value(value: float | None) -> str:
    if value is None:
        return "as ever"
    return "undefined" if math.isnan(value) else f"{value:g}"
