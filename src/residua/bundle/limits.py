"""What the models saw: ranges of measures among their patients, and what of a new patient lies outside.

The measures are those of the quality control (``results/quality/quality.parquet``): the code that measured the cohort
measures a new patient, too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from residua.bundle.record import Limit
from residua.quality.catalogue import printed
from residua.quality.measures import BRAIN, Measures, subject_name

_BEYOND = 0.005
"""The share of patients beyond each end of a range; below 200 patients none, and the ends are the extremes."""
_ROUNDING = 1e-3
"""Of a limit: headers hold voxel sizes with few digits."""
_OF_THE_BRAIN = ("volume_ml", "cut_percent", "border_percent", "template_dice")
_OF_IMAGES = (
    "finest_mm", "coarsest_mm", "extent_x_mm", "extent_y_mm", "extent_z_mm", "grey_p01", "grey_p50", "grey_p99",
    "missing_percent",
)  # fmt: skip
_NEVER_TOO_LOW = ("cut_percent", "border_percent", "missing_percent")
_NEVER_TOO_HIGH = ("template_dice",)


@dataclass(frozen=True)
class Outside:
    """One measure of a patient that lies outside of what the models saw, and what to tell of it."""

    subject: str
    measure: str
    value: float
    low: float
    high: float
    patients: int
    what: str
    brief: str
    """``what`` without the subject and the patients, for a list about one subject."""


def limits_of(quality: pd.DataFrame, patients: Collection[str], images: Iterable[str]) -> list[Limit]:
    """Return the range of each measure among ``patients``, for the image columns and the brain.

    ``quality`` has the columns patient, subject, measure and value. A range holds all patients but the 0.5 % at either
    end, outwards to the next value that occurs; a measure that no patient has gives none.
    """
    seen = quality[quality["patient"].isin(list(patients))].dropna(subset=["value"])
    limits = []
    for subject, measure in _limited(images):
        values = seen.loc[(seen["subject"] == subject) & (seen["measure"] == measure), "value"].to_numpy(np.float64)
        if values.size:
            low, high = np.quantile(values, _BEYOND, method="lower"), np.quantile(values, 1 - _BEYOND, method="higher")
            numbers = {"low": float(low), "high": float(high), "median": float(np.median(values))}
            limits.append(Limit(subject=subject, measure=measure, **numbers, patients=int(values.size)))
    return limits


def outside(limits: Iterable[Limit], measures: Measures) -> list[Outside]:
    r"""Return what of a patient lies outside of the limits, in their order; a measure that is missing does not.

    >>> limit = Limit(subject="brain", measure="volume_ml", low=1100, high=1700, median=1400, patients=300)
    >>> [found] = outside([limit], {"brain": {"volume_ml": 800.0}})
    >>> found.what.partition(",")[0].replace("\N{NO-BREAK SPACE}", " ")
    'Brain mask: the volume of the brain mask is 800 ml'
    """
    return [found for limit in limits if (found := _judged(limit, measures.get(limit.subject, {}).get(limit.measure)))]


def _judged(limit: Limit, value: float | None) -> Outside | None:
    if value is None:
        return None
    room = _ROUNDING * max(abs(limit.low), abs(limit.high))
    below = value < limit.low - room and limit.measure not in _NEVER_TOO_LOW
    above = value > limit.high + room and limit.measure not in _NEVER_TOO_HIGH
    if not below and not above:
        return None
    how = printed(limit.subject, limit.measure)
    seen = f"{how.shown(limit.low)} to {how.shown(limit.high)}"
    found, way = f"the {how.title} is {how.shown(value)}", "below" if below else "above"
    what = f"{subject_name(limit.subject)}: {found}, {way} what the models saw in {limit.patients} patients, {seen}"
    bounds = (limit.low, limit.high, limit.patients)
    return Outside(limit.subject, limit.measure, value, *bounds, what, f"{found} ({way} {seen})")


def _limited(images: Iterable[str]) -> Iterator[tuple[str, str]]:
    yield from ((BRAIN, measure) for measure in _OF_THE_BRAIN)
    yield from ((image, measure) for image in images for measure in _OF_IMAGES)
