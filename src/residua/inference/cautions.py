"""What a reader of a prediction must know: scans unlike those the models saw, and numbers at odds with each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from residua.bundle.limits import outside
from residua.bundle.record import Limit
from residua.metrics.classification import has_residual_tumor
from residua.quality.measures import Measures


def cautions_of(
    resection: Mapping[str, Any], classification: Mapping[str, Any], bundle: Mapping[str, Any], measures: Measures
) -> list[dict[str, Any]]:
    """Return the warnings of a patient: ``kind``, ``what`` in words and, for a scan outside of limits, its numbers."""
    limits = [Limit.model_validate(limit) for limit in bundle["limits"]]
    beyond = [{"kind": "outside", **asdict(found)} for found in outside(limits, measures)]
    return [*beyond, *_of_numbers(resection, classification, bundle)]


def _of_numbers(
    resection: Mapping[str, Any], classification: Mapping[str, Any], bundle: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    cut = bundle["cut_off_ml"]
    found = has_residual_tumor(list(resection["members_ml"].values()), cut)
    if found.any() and not found.all():
        what = f"the folds disagree on the class: {int(found.sum())} of {found.size} find {cut:g} ml or more"
        yield {"kind": "folds-disagree", "what": what}
    extent = resection["extent_percent"]
    if extent is not None and extent < 0:
        what = "more tumour is found after surgery than before it: look at both masks"
        yield {"kind": "larger-after-surgery", "what": what}
    if not bundle["limits"]:
        what = "the bundle holds no limits: whether the scans are like those that its models saw is not known"
        yield {"kind": "no-limits", "what": what}
    if classification["probability"] is None:
        reason = bundle["calibration_note"] or "the bundle holds no calibration"
        yield {"kind": "not-calibrated", "what": f"no probability is told ({reason})"}
