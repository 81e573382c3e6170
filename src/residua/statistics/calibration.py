"""Turn a predicted volume into a probability of residual tumour, and show how reliable it is.

The curve is Platt's (1999): logistic, fitted to targets that are drawn towards the middle by as much as the numbers of
patients leave unknown, so that it is finite for classes that a volume separates. Isotonic regression needs about a
thousand patients (Niculescu-Mizil and Caruana 2005).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit
from scipy.stats import rankdata

from residua.statistics.bootstrap import Persons
from residua.statistics.interval import all_alike

Values = NDArray[np.float64]
_MOST_BINS, _FEWEST_IN_BIN = 10, 5
ONE_PATIENT, ONE_PERSON = "no interval: one patient only", "no interval: one person only"
_LARGEST_ML = 10_000.0
"""No volume in a head is larger."""


@dataclass(frozen=True)
class Curve:
    """P = 1 / (1 + exp(-(intercept + slope · ln(1 + volume / scale)))), rising or level; the scale is in ml."""

    scale_ml: float
    intercept: float
    slope: float

    def probability(self, volume_ml: ArrayLike) -> Values:
        """Return the probability of residual tumour for predicted volumes (ml).

        >>> Curve(1.0, -1.0, 2.0).probability([0.0, math.e ** 0.5 - 1]).round(3).tolist()
        [0.269, 0.5]
        """
        volume = np.asarray(volume_ml, dtype=np.float64)
        return np.asarray(expit(self.intercept + self.slope * np.log1p(volume / self.scale_ml)))

    def volume_at(self, probability: float) -> float | None:
        """Return the smallest volume (ml) that reaches a probability; None if no volume in a head does.

        >>> Curve(1.0, -1.0, 2.0).volume_at(0.2), Curve(1.0, -1.0, 0.0).volume_at(0.5)
        (0.0, None)
        """
        if self.probability(0.0) >= probability:
            return 0.0
        if self.probability(_LARGEST_ML) < probability:
            return None
        return float(self.scale_ml * np.expm1((logit(probability) - self.intercept) / self.slope))


@dataclass(frozen=True)
class Estimated:
    """A number, and its bootstrap interval over patients; without one, ``note`` gives the reason."""

    value: float
    low: float | None
    high: float | None
    note: str = ""


@dataclass(frozen=True)
class Bootstrap:
    """How intervals over patients are drawn: percentiles at level 1 − ``alpha``.

    ``persons`` names the person of each patient, where some persons have several scans: whole persons are drawn then.
    """

    alpha: float
    resamples: int
    seed: int
    persons: Persons = None

    def of(self, score: Callable[[Values, Values], float], probability: Values, observed: Values) -> Estimated:
        """Return a score of all patients (n) with its interval; without one where all resamples are alike.

        >>> Bootstrap(0.05, 100, 0).of(lambda told, seen: float(np.mean(told)), np.array([0.5]), np.array([1.0]))
        Estimated(value=0.5, low=None, high=None, note='no interval: one patient only')
        """
        value = score(probability, observed)
        if observed.size < 2:
            return Estimated(value, None, None, ONE_PATIENT)
        if self.persons is not None and np.unique(self.persons).size < 2:
            return Estimated(value, None, None, ONE_PERSON)
        scores = np.array([score(probability[each], observed[each]) for each in self._drawn(observed.size)])
        if all_alike(scores):
            return Estimated(value, None, None, "no interval: the resamples are all alike")
        low, high = np.percentile(scores, (50 * self.alpha, 100 - 50 * self.alpha))
        return Estimated(value, float(low), float(high))

    def _drawn(self, patients: int) -> Iterator[NDArray[np.intp]]:
        generator = np.random.default_rng(self.seed)
        if self.persons is None:
            yield from (generator.integers(0, patients, patients) for _ in range(self.resamples))
            return
        own = [np.flatnonzero(self.persons == name) for name in dict.fromkeys(self.persons.tolist())]
        for _ in range(self.resamples):
            yield np.concatenate([own[person] for person in generator.integers(0, len(own), len(own))])


@dataclass(frozen=True)
class ReliabilityBin:
    """Patients of similar probability: the mean of it, and the share of them with residual tumour."""

    predicted: float
    observed: float
    patients: int


@dataclass(frozen=True)
class Reliability:
    """How well probabilities of patients agree with what they have, by curves that were fitted without their folds."""

    brier: Estimated
    brier_of_prevalence: float
    expected_calibration_error: float
    """Without an interval: resampled patients lie further off the curve by chance alone, so its bootstrap is biased."""
    bins: tuple[ReliabilityBin, ...]
    patients: int


def fit_curve(volume_ml: Values, has_tumour: NDArray[np.bool_], scale_ml: float) -> Curve | str:
    """Fit the curve to patients (n); return the reason in words where a class has no patient.

    The slope is never negative: then the volume says nothing, and the curve is level at the prevalence.

    >>> volumes = np.array([0.0, 0.0, 0.1, 3.0, 5.0, 8.0])
    >>> curve = fit_curve(volumes, volumes > 1, scale_ml=0.175)
    >>> bool(curve.probability(0.0) < 0.25 and curve.probability(5.0) > 0.75)
    True
    """
    positive, negative = int(has_tumour.sum()), int((~has_tumour).sum())
    if not positive or not negative:
        return f"not estimable: no patient with {'gross total resection' if positive else 'residual tumour'}"
    target = np.where(has_tumour, (positive + 1) / (positive + 2), 1 / (negative + 2))
    x = np.log1p(volume_ml / scale_ml)

    def loss(parameters: Values) -> tuple[float, Values]:
        score = parameters[0] + parameters[1] * x
        residual = expit(score) - target
        value = np.sum(np.logaddexp(0.0, score) - target * score)
        return float(value), np.array([residual.sum(), (residual * x).sum()])

    start = np.array([logit(target.mean()), 0.0])
    bounds = [(None, None), (0.0, None)]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-14, "gtol": 1e-9})
    return Curve(scale_ml, float(found.x[0]), float(found.x[1]))


def undecidable_ml(curve: Curve, certainty: float) -> tuple[float, float | None] | None:
    """Return the volumes (ml) between which neither class reaches ``certainty``; None if there are none.

    Without an upper end no volume tells residual tumour. The lower end is 0 if no volume tells its absence.

    >>> low, high = undecidable_ml(Curve(1.0, -2.0, 2.0), certainty=0.75)
    >>> round(low, 2), round(high, 2), undecidable_ml(Curve(1.0, 2.0, 2.0), certainty=0.75)
    (0.57, 3.71, None)
    """
    low, high = curve.volume_at(1 - certainty), curve.volume_at(certainty)
    if low is None or low == high:
        return None
    return low, high


def told_class(probability: float, certainty: float) -> str:
    """Return "residual tumour", "gross total resection", or "undecidable" where neither reaches ``certainty``.

    >>> [told_class(probability, 0.75) for probability in (0.25, 0.5, 0.75)]
    ['gross total resection', 'undecidable', 'residual tumour']
    """
    if probability >= certainty:
        return "residual tumour"
    return "gross total resection" if 1 - probability >= certainty else "undecidable"


def reliability(
    volume_ml: Values, has_tumour: NDArray[np.bool_], fold: NDArray[np.int_], scale_ml: float, bootstrap: Bootstrap
) -> Reliability | str:
    """Judge the calibration on patients (n) of folds: each by a curve that was fitted to the other folds.

    Return the reason in words when there is one fold only, or when a curve cannot be fitted.

    >>> volume = np.tile([0.0, 0.1, 2.0, 9.0], 10)
    >>> fold = np.repeat([0, 1], 20)
    >>> found = reliability(volume, volume > 1, fold, 0.175, Bootstrap(alpha=0.05, resamples=100, seed=0))
    >>> found.brier.value < 0.05, found.brier_of_prevalence, len(found.bins)
    (True, 0.25, 4)
    """
    folds = np.unique(fold)
    if folds.size < 2:
        return "not estimable: one fold only"
    probability = np.empty(volume_ml.shape)
    for each in folds:
        curve = fit_curve(volume_ml[fold != each], has_tumour[fold != each], scale_ml)
        if isinstance(curve, str):
            return f"{curve} outside of fold {each}"
        probability[fold == each] = curve.probability(volume_ml[fold == each])
    return agreement(probability, has_tumour, bootstrap)


def agreement(probability: Values, has_tumour: NDArray[np.bool_], bootstrap: Bootstrap) -> Reliability:
    """Judge probabilities of residual tumour by patients (n) who had no part in them.

    >>> told = np.array([0.25, 0.25, 0.75, 0.75])
    >>> found = agreement(told, told > 0.5, Bootstrap(alpha=0.05, resamples=100, seed=0))
    >>> found.brier.value, found.brier_of_prevalence, found.expected_calibration_error, len(found.bins)
    (0.0625, 0.25, 0.0, 1)
    """
    observed = has_tumour.astype(np.float64)
    bins = tuple(reliability_bins(probability, observed))
    return Reliability(
        brier=bootstrap.of(_brier, probability, observed),
        brier_of_prevalence=_brier(np.full_like(observed, observed.mean()), observed),
        expected_calibration_error=_calibration_error(bins, observed.size),
        bins=bins,
        patients=int(observed.size),
    )


def in_the_large(probability: Values, has_tumour: NDArray[np.bool_], bootstrap: Bootstrap) -> Estimated:
    """Return the share of patients (n) with residual tumour minus the mean probability: above 0, too few were told.

    >>> in_the_large(np.array([0.2, 0.4]), np.array([False, True]), Bootstrap(0.05, 100, 0)).value.__round__(3)
    0.2
    """
    return bootstrap.of(lambda told, seen: float(np.mean(seen - told)), probability, has_tumour.astype(np.float64))


def _brier(probability: Values, observed: Values) -> float:
    return float(np.mean((probability - observed) ** 2))


def _calibration_error(bins: Sequence[ReliabilityBin], patients: int) -> float:
    return math.fsum(each.patients * abs(each.predicted - each.observed) for each in bins) / patients


def reliability_bins(probability: Values, observed: Values) -> list[ReliabilityBin]:
    """Return bins of about equal numbers of patients, from the lowest probability to the highest.

    Equal probabilities share a bin: many patients have no predicted volume at all.

    >>> found = reliability_bins(np.repeat([0.2, 0.9], 5), np.repeat([0.0, 1.0], 5))
    >>> [(round(each.predicted, 2), each.observed, each.patients) for each in found]
    [(0.2, 0.0, 5), (0.9, 1.0, 5)]
    """
    number = max(1, min(_MOST_BINS, probability.size // _FEWEST_IN_BIN))
    place = (rankdata(probability, method="min").astype(np.int_) - 1) * number // probability.size
    return [
        ReliabilityBin(float(probability[part].mean()), float(observed[part].mean()), int(part.sum()))
        for part in (place == each for each in np.unique(place))
    ]
