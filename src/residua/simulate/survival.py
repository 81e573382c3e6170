"""Draw how long a simulated patient lives, and for how long it is known."""

from __future__ import annotations

from math import log, log1p

import numpy as np

from residua.simulate.design import Survival


def draw_survival(rng: np.random.Generator, residual_ml: float, survival: Survival) -> dict[str, str]:
    """Return the cells ``survival_days`` and ``death``, both empty where nothing is known.

    The days to death are exponential; they are at least 8, because every scan is earlier.
    """
    per_day = log(2) / survival.median_days * survival.hazard_ratio ** log1p(residual_ml)
    dies, ends, known = rng.exponential(1 / per_day), rng.uniform(*survival.follow_up_days), rng.random()
    if known < survival.unknown_probability:
        return {"survival_days": "", "death": ""}
    return {"survival_days": f"{max(8.0, min(dies, ends)):.0f}", "death": "1" if dies <= ends else "0"}
