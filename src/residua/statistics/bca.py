"""Compute bias-corrected and accelerated (BCa) bootstrap intervals of rates on one set of patients (Efron 1987)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from residua.metrics.classification import count, rates
from residua.statistics.bootstrap import Persons, bca_of_means, bca_over_classes
from residua.statistics.interval import Interval

_CLASSES = {"recall": ("TP", "FN", "residual tumour"), "specificity": ("TN", "FP", "gross total resection")}
"""For each class of the reference: the right outcome, the wrong outcome, and the name of the class."""

_CLASSES_OF = {
    "sensitivity": ("recall",),
    "specificity": ("specificity",),
    "balanced_accuracy": ("recall", "specificity"),
}


def bca_interval(
    outcome: NDArray[np.str_], rate: str, alpha: float, resamples: int, seed: int, persons: Persons = None
) -> Interval:
    """Compute the interval of "sensitivity", "specificity" or "balanced_accuracy" at level 1 − ``alpha``, in percent.

    ``outcome`` holds "TP", "FN", "FP" or "TN" of each patient. Patients are resampled within each class of the
    reference, so that every resample has both classes; ``persons`` are resampled as a whole. Where one has scans of
    both classes, all persons are drawn together, and resamples that lack a class are left out and counted in ``note``.
    The same seed draws the same patients for every model. There is no interval when a class has fewer than two
    patients, or when all patients of each class were classified alike: then all resamples are equal.

    >>> interval = bca_interval(np.array(["TP"] * 8 + ["FN"] * 2), "sensitivity", alpha=0.05, resamples=1000, seed=0)
    >>> interval.estimate, interval.n, interval.low < 80 < interval.high
    (80.0, 10, True)
    """
    names = _CLASSES_OF[rate]
    found = rates(count(outcome))
    field = "recall" if rate == "sensitivity" else rate
    if field in found.undefined:
        return Interval(None, None, None, 0, outcome.size, f"not estimable: {found.undefined[field]}")
    estimate = float(getattr(found, field))
    right = [_right(outcome, name)[_in_class(outcome, name)] for name in names]
    whose = None if persons is None else [persons[_in_class(outcome, name)] for name in names]
    reasons = ("the patients of each class are all classified alike", "all resamples lie on one side of the estimate")
    return _resampled(estimate, outcome.size, names, right, whose, (alpha, resamples, seed), reasons)


def paired_interval(
    before: NDArray[np.str_],
    after: NDArray[np.str_],
    rate: str,
    alpha: float,
    resamples: int,
    seed: int,
    persons: Persons = None,
) -> Interval:
    """Compute the interval of a rate ``after`` minus ``before``, in points, of the same patients in the same order.

    The differences of the patients, or of whole ``persons``, are resampled as ``bca_interval`` resamples outcomes.

    >>> before, after = np.array(["FN"] * 5 + ["TP"] * 5), np.array(["TP", "FN"] * 5)
    >>> found = paired_interval(before, after, "sensitivity", alpha=0.05, resamples=1000, seed=0)
    >>> found.estimate, found.n, found.low < 0 < found.high
    (0.0, 10, True)
    """
    names = _CLASSES_OF[rate]
    change = [(_right(after, name) - _right(before, name))[_in_class(before, name)] for name in names]
    absent = [f"no patient with {_CLASSES[name][2]}" for name, of in zip(names, change, strict=True) if not of.size]
    if absent:
        return Interval(None, None, None, 0, before.size, f"not estimable: {'; '.join(absent)}")
    estimate = float(100 * np.mean([of.mean() for of in change]))
    whose = None if persons is None else [persons[_in_class(before, name)] for name in names]
    reasons = ("it changes alike for all patients of each class", "the resamples are too alike")
    return _resampled(estimate, before.size, names, change, whose, (alpha, resamples, seed), reasons)


def _resampled(
    estimate: float,
    patients: int,
    names: tuple[str, ...],
    by_class: list[NDArray[np.float64]],
    whose: list[NDArray[np.str_]] | None,
    how: tuple[float, int, int],
    reasons: tuple[str, str],
) -> Interval:
    """Return the interval of the mean over classes; ``reasons`` say why there is none of equal values and resamples."""
    if alone := _alone(names, by_class, whose):
        return _without(estimate, patients, alone)
    if not any(np.ptp(of) for of in by_class):
        return _without(estimate, patients, reasons[0])
    if whose is not None and _in_both(whose):
        low, high, lacking = bca_over_classes(by_class, whose, *how)
        reasons = (reasons[0], "the resamples of persons are too alike")
    else:
        low, high = bca_of_means(by_class, *how, whose)
        lacking = 0
    if not np.isfinite([low, high]).all():
        return _without(estimate, patients, reasons[1])
    note = f"resamples without one of the classes left out: {lacking} of {how[1]}" if lacking else ""
    return Interval(estimate, 100 * low, 100 * high, patients, 0, note)


def _in_both(whose: list[NDArray[np.str_]]) -> bool:
    """Return whether a person has scans of both classes, such as of two operations."""
    return len(whose) > 1 and bool(np.isin(whose[0], whose[1]).any())


def _alone(names: tuple[str, ...], by_class: list[NDArray[np.float64]], whose: list[NDArray[np.str_]] | None) -> str:
    few = [name for name, of in zip(names, by_class, strict=True) if of.size < 2]
    of_one = [name for name, of in zip(names, whose, strict=True) if np.unique(of).size < 2] if whose else []
    who, classes = ("patient", few) if few else ("person", of_one)
    return "; ".join(f"one {who} only with {_CLASSES[name][2]}" for name in classes)


def _right(outcome: NDArray[np.str_], name: str) -> NDArray[np.float64]:
    return np.asarray(outcome == _CLASSES[name][0], dtype=float)


def _in_class(outcome: NDArray[np.str_], name: str) -> NDArray[np.bool_]:
    return np.isin(outcome, _CLASSES[name][:2])


def _without(estimate: float, patients: int, why: str) -> Interval:
    return Interval(estimate, None, None, patients, 0, f"no interval: {why}")
