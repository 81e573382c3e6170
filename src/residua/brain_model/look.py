"""Draw how bright each tissue is in a training scan: as on T1-weighted scans, or at random (Hoopes et al. 2022)."""

from __future__ import annotations

from dataclasses import replace
from math import exp

import numpy as np

from residua.simulate.contrast import draw_tissues, signal
from residua.simulate.design import Weighting
from residua.simulate.tissues import TISSUES, Tissue

_RELAXATION_SPREAD, _DENSITY_SPREAD, _UPTAKE_SPREAD = 0.15, 0.10, 0.5
"""Standard deviations of the logarithm, tissue by tissue; much wider than in patients."""
_ENHANCED = 0.75
"""Share of the T1-weighted scans with contrast agent."""
_DARK = ("air", "bone")
"""Tissues that are dark on most scans of any contrast."""


def draw_look(rng: np.random.Generator, random_share: float) -> dict[str, float]:
    """Draw the brightness of every tissue, relative to white matter's on most scans.

    ``random_share`` of the scans have brightnesses that follow no physics, so that the network does not trust in any.
    """
    if rng.random() < random_share:
        return _without_physics(rng)
    weighting = _weighting(rng)
    enhanced, tesla = bool(rng.random() < _ENHANCED), float(rng.choice([1.5, 3.0]))
    white = signal(TISSUES["wm"], weighting, tesla, enhanced=False)
    tissues = {name: _varied(rng, tissue) for name, tissue in draw_tissues(rng).items()}
    return {name: signal(tissue, weighting, tesla, enhanced) / white for name, tissue in tissues.items()}


def _weighting(rng: np.random.Generator) -> Weighting:
    kind = rng.choice(["spin_echo", "gradient_echo", "inversion_recovery"])
    if kind == "spin_echo":
        return Weighting(kind="spin_echo", tr_ms=rng.uniform(350, 800), te_ms=rng.uniform(7, 20))
    if kind == "gradient_echo":
        degrees = rng.uniform(12, 35)
        return Weighting(kind="gradient_echo", tr_ms=rng.uniform(7, 35), te_ms=rng.uniform(2, 6), flip_degrees=degrees)
    times = {"tr_ms": rng.uniform(1500, 2400), "ti_ms": rng.uniform(700, 1000), "te_ms": rng.uniform(2, 6)}
    return Weighting(kind="inversion_recovery", **times)


def _varied(rng: np.random.Generator, tissue: Tissue) -> Tissue:
    first, second, density, uptake = (exp(step) for step in rng.standard_normal(4) * _SPREADS)
    return replace(
        tissue,
        proton_density=tissue.proton_density * density,
        t1_at_1_5_t_ms=tissue.t1_at_1_5_t_ms * first,
        t1_at_3_t_ms=tissue.t1_at_3_t_ms * first,
        t2_ms=tissue.t2_ms * second,
        uptake_mm=tissue.uptake_mm * uptake,
    )


_SPREADS = np.array([_RELAXATION_SPREAD, _RELAXATION_SPREAD, _DENSITY_SPREAD, _UPTAKE_SPREAD])


def _without_physics(rng: np.random.Generator) -> dict[str, float]:
    look = {name: float(rng.uniform(0.05, 1.6)) for name in TISSUES}
    dark = rng.random() < 0.8
    return {name: float(rng.uniform(0.0, 0.15)) if dark and name in _DARK else value for name, value in look.items()}
