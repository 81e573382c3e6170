"""The metrics of a probability map, as records, and their tables for many patients."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd

from residua.metrics.scored import BINS, THRESHOLDS, ScoreCounts


@dataclass(frozen=True)
class MapMetric:
    """A metric of a probability map or of a score of patients; a fraction of 1, NaN where it is undefined."""

    name: str
    better: str
    meaning: str
    function: Callable[[ScoreCounts], float]
    undefined: str
    """When it has no value."""
    of_order: bool = False
    """It depends on the order of the scores alone, so that a volume may be judged, too."""


MAP_METRICS = (
    MapMetric(
        "auroc",
        "higher",
        "area under the receiver operating characteristic: the chance that one of the reference scores higher than one "
        "of the background, equal scores counted half",
        lambda scored: scored.auroc,
        "without reference, and without background",
        of_order=True,
    ),
    MapMetric(
        "auprc",
        "higher",
        "area under the precision-recall curve, as average precision: the precision at each score, weighted by the "
        "recall that it adds",
        lambda scored: scored.auprc,
        "without reference",
        of_order=True,
    ),
    MapMetric(
        "brier",
        "lower",
        "mean squared difference of the probability and the class (0 or 1)",
        lambda scored: scored.brier,
        "without any",
    ),
    MapMetric(
        "calibration_error",
        "lower",
        f"expected calibration error: difference of the mean probability and the share of the reference in each of "
        f"{BINS} bins of equal width, weighted by what it holds",
        lambda scored: scored.calibration_error,
        "without any",
    ),
)


class MapTables(NamedTuple):
    """One row per patient; per patient and threshold; per patient and bin of the calibration."""

    patients: pd.DataFrame
    thresholds: pd.DataFrame
    calibration: pd.DataFrame


def map_tables(maps: Iterable[tuple[Mapping[str, Any], ScoreCounts]], known: Sequence[str]) -> MapTables:
    """Tabulate probability maps; the columns ``known`` of each patient come first, from the mapping beside its map.

    >>> import numpy as np
    >>> from residua.metrics.scored import scored_voxels
    >>> probability = np.array([0.0, 0.25, 0.75, 1.0])
    >>> scored = scored_voxels(probability, probability > 0.5, probability >= 0)
    >>> found = map_tables([({"patient": "P1"}, scored)], ["patient"])
    >>> found.patients[["patient", "voxels", "auroc", "largest_probability"]].values.tolist()
    [['P1', 4, 1.0, 1.0]]
    >>> found.thresholds.loc[found.thresholds["threshold"] == 0.5, "dice"].tolist(), len(found.calibration)
    ([1.0], 10)
    """
    patients: list[dict[str, Any]] = []
    thresholds: list[dict[str, Any]] = []
    calibration: list[dict[str, Any]] = []
    for of_patient, scored in maps:
        voxels = int(scored.positives.sum() + scored.negatives.sum())
        values = {metric.name: metric.function(scored) for metric in MAP_METRICS}
        patients.append({**of_patient, "voxels": voxels, **values, "largest_probability": scored.largest})
        dice = zip(THRESHOLDS, scored.dice_at(), strict=True)
        thresholds += [{**of_patient, "threshold": threshold, "dice": value} for threshold, value in dice]
        bins = scored.bins()
        calibration += [
            {**of_patient, "bin": place, "voxels": count, "predicted": predicted, "observed": observed}
            for place, count, predicted, observed in zip(
                range(BINS), bins.count.tolist(), bins.predicted, bins.observed, strict=True
            )
        ]
    names = [metric.name for metric in MAP_METRICS]
    return MapTables(
        pd.DataFrame(patients, columns=[*known, "voxels", *names, "largest_probability"]),
        pd.DataFrame(thresholds, columns=[*known, "threshold", "dice"]),
        pd.DataFrame(calibration, columns=[*known, "bin", "voxels", "predicted", "observed"]),
    )
