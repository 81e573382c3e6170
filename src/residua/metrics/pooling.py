"""Pool the results of several folds into one mean and standard deviation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Pooled:
    """A pooled mean and standard deviation, and the number of values behind them.

    ``n`` counts the values used and ``undefined`` the excluded ones: cases for ``pool_cases``, patients for
    ``pool_rates``. ``mean`` is NaN when no value was used; ``sd`` is NaN when too few were.
    """

    mean: float
    sd: float
    n: int
    undefined: int
    folds_left_out: int


def pool_cases(values_by_fold: Mapping[int, ArrayLike], weights: Mapping[int, int] | None = None) -> Pooled:
    """Pool a metric with one value per case, such as Dice, over folds k of n_k defined values.

    m = Σ n_k m_k / N and s = √{[Σ((n_k−1) s_k² + n_k m_k²) − N m²] / (N−1)}, with s_k over n_k−1. NaN values are
    undefined cases, which are excluded and counted. One fold gives its plain mean and standard deviation. ``weights``
    replace n_k (and N, their sum) outside of m_k and s_k, such as all patients of each fold; a fold without a defined
    value has no weight. A fold of one value adds no spread of its own.

    >>> pooled = pool_cases({0: [1.0, 3.0], 1: [5.0, float("nan")]})
    >>> pooled.mean, pooled.sd, pooled.n, pooled.undefined
    (3.0, 2.0, 3, 1)
    """
    everything = {fold: np.asarray(values, dtype=np.float64) for fold, values in values_by_fold.items()}
    defined = {fold: values[~np.isnan(values)] for fold, values in everything.items()}
    folds = [values for values in defined.values() if values.size]
    weight = [values.size if weights is None else weights[fold] for fold, values in defined.items() if values.size]
    n = sum(values.size for values in folds)
    undefined = sum(values.size for values in everything.values()) - n
    mean, sd = _moments(folds, weight)
    return Pooled(mean, sd, n, undefined, len(everything) - len(folds))


def _moments(folds: Sequence[NDArray[np.float64]], weight: Sequence[int]) -> tuple[float, float]:
    """Return the pooled mean and sd of folds with one or more values, each with its weight."""
    total = sum(weight)
    if not folds:
        return math.nan, math.nan
    means = [float(values.mean()) for values in folds]
    mean = sum(w * m for w, m in zip(weight, means, strict=True)) / total
    # The formula with Σ n_k m_k² − N m² written as Σ n_k (m_k − m)², which does not cancel to a negative number.
    squares = sum(w * (m - mean) ** 2 for w, m in zip(weight, means, strict=True))
    squares += sum(
        (w - 1) * float(values.var(ddof=1)) for w, values in zip(weight, folds, strict=True) if values.size > 1
    )
    return mean, math.sqrt(squares / (total - 1)) if sum(values.size for values in folds) > 1 else math.nan


def pool_rates(rate_by_fold: Mapping[int, float], patients_by_fold: Mapping[int, int], ddof: int) -> Pooled:
    """Pool a rate with one value per fold, such as recall: mean weighted by a fold's patients, plain sd over folds.

    A fold whose rate is NaN is excluded and its patients are counted. The sd divides by folds − ``ddof``, in the
    article by the folds (0); one fold has none. Raises ``ValueError`` when the folds differ.

    >>> pooled = pool_rates({0: 50.0, 1: 100.0}, {0: 30, 1: 10}, ddof=0)
    >>> pooled.mean, pooled.sd, pooled.n
    (62.5, 25.0, 40)
    """
    if set(rate_by_fold) != set(patients_by_fold):
        raise ValueError(f"rates of folds {sorted(rate_by_fold)}, patients of folds {sorted(patients_by_fold)}")
    used = [fold for fold, rate in rate_by_fold.items() if not math.isnan(rate)]
    n = sum(patients_by_fold[fold] for fold in used)
    mean = sum(rate_by_fold[fold] * patients_by_fold[fold] for fold in used) / n if n else math.nan
    sd = float(np.std([rate_by_fold[fold] for fold in used], ddof=ddof)) if len(used) > 1 else math.nan
    return Pooled(mean, sd, n, sum(patients_by_fold.values()) - n, len(rate_by_fold) - len(used))
