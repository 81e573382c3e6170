"""Print numbers: two decimals, "mean±sd", and "n/a" for undefined ones; never NaN."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from residua.errors import ResiduaError
from residua.metrics.pooling import Pooled
from residua.tables.render import Cell

NOT_AVAILABLE = "n/a"


def number(value: float, decimals: int = 2) -> str:
    """Print a number with fixed decimals, or "n/a" for NaN."""
    return NOT_AVAILABLE if math.isnan(value) else f"{value:.{decimals}f}"


def mean_sd(pooled: Pooled, scale: float = 1.0) -> Cell:
    """Print "mean±sd", both times ``scale``; "n/a" when there is no mean, "mean±n/a" when there is no sd."""
    if math.isnan(pooled.mean):
        return Cell(NOT_AVAILABLE, pooled.n, pooled.undefined)
    return Cell(f"{number(scale * pooled.mean)}±{number(scale * pooled.sd)}", pooled.n, pooled.undefined)


def median(values: ArrayLike) -> Cell:
    """Print the median of the values that are not NaN, with three decimals (ml are small)."""
    every = np.asarray(values, dtype=np.float64)
    defined = every[~np.isnan(every)]
    middle = float(np.median(defined)) if defined.size else math.nan
    return Cell(number(middle, 3), defined.size, every.size - defined.size)


def plain(value: float, n: int) -> Cell:
    """Print one number from ``n`` patients; if it is NaN, all of them count as undefined."""
    return Cell(number(value), 0, n) if math.isnan(value) else Cell(number(value), n)


def p_value(value: float) -> str:
    """Print a p value with four decimals, "<0.0001" below them, or "n/a" for NaN."""
    return "<0.0001" if value < 0.0001 else number(value, 4)


def interval(low: float, high: float) -> str:
    """Print "[low, high]", or "[n/a]" for NaN."""
    return f"[{NOT_AVAILABLE}]" if math.isnan(low) else f"[{number(low)}, {number(high)}]"


def yes_or_no(answer: bool | None) -> str:
    """Print a truth value that may be missing (None or pandas' NA)."""
    return NOT_AVAILABLE if pd.isna(answer) else "yes" if answer else "no"


def require_columns(frame: pd.DataFrame, columns: Sequence[str], what: str) -> None:
    """Raise ``ResiduaError`` that names every column missing from ``frame``."""
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise ResiduaError(f"{what} needs the column(s) {', '.join(missing)}")


def require_known(hospitals: Iterable[str], known: Iterable[str], what: str) -> None:
    """Raise ``ResiduaError`` that names every hospital missing from ``what``."""
    strangers = sorted(set(hospitals) - set(known))
    if strangers:
        raise ResiduaError(f"{what} does not contain the hospital(s) {', '.join(strangers)}")
