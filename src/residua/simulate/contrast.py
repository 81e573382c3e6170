"""Signal of each tissue on each sequence: the signal equations, and one patient's own relaxation times."""

from __future__ import annotations

from dataclasses import replace
from math import cos, exp, radians, sin

import numpy as np

from residua.simulate.anatomy import Layer
from residua.simulate.design import Scanner, Weighting
from residua.simulate.tissues import RELAXIVITY_PER_MM_MS, TISSUES, Tissue
from residua.simulate.world import Field, World

SEQUENCES = ("post_t1ce", "post_t1", "post_flair", "pre_t1ce")

_ENHANCED = {"post_t1ce", "pre_t1ce"}
_FLOW_VOID = 0.25
"""Remaining share of flowing blood's signal before the contrast agent is given."""
_RELAXATION_VARIATION = 0.04
_UPTAKE_VARIATION = 0.20
_PIGMENT_VARIATION = 0.12
"""Standard deviations of the logarithm, across patients: relaxation, uptake of the agent, T1 of blood's pigment."""


def draw_tissues(rng: np.random.Generator) -> dict[str, Tissue]:
    """Draw one patient's tissues, the same on all sequences: a tumour enhances alike before and after surgery."""
    return {name: _drawn(rng, name, tissue) for name, tissue in TISSUES.items()}


def _drawn(rng: np.random.Generator, name: str, tissue: Tissue) -> Tissue:
    relaxation, transverse, uptake = rng.standard_normal(3)
    t1 = exp((_PIGMENT_VARIATION if name == "blood" else _RELAXATION_VARIATION) * relaxation)
    return replace(
        tissue,
        t1_at_1_5_t_ms=tissue.t1_at_1_5_t_ms * t1,
        t1_at_3_t_ms=tissue.t1_at_3_t_ms * t1,
        t2_ms=tissue.t2_ms * exp(_RELAXATION_VARIATION * transverse),
        uptake_mm=tissue.uptake_mm * exp(_UPTAKE_VARIATION * uptake),
    )


def brightness(tissues: dict[str, Tissue], scanner: Scanner, sequence: str) -> dict[str, float]:
    """Return each tissue's signal on ``sequence``, relative to the usual signal of white matter there."""
    weighting = scanner.flair if sequence == "post_flair" else scanner.t1w
    enhanced = sequence in _ENHANCED
    white = signal(TISSUES["wm"], weighting, scanner.field_strength_t, enhanced=False)
    return {
        name: signal(tissue, weighting, scanner.field_strength_t, enhanced) / white for name, tissue in tissues.items()
    }


def signal(tissue: Tissue, weighting: Weighting, field_strength_t: float, enhanced: bool) -> float:
    """Compute the steady-state signal of the sequence's kind (Bernstein, King and Zhou 2004, chapters 14 and 17).

    Spin echo, spoiled gradient echo (Ernst), a gradient echo or a spin echo prepared by inversion.
    """
    t1_ms = tissue.t1_ms(field_strength_t)
    if enhanced:
        t1_ms = 1.0 / (1.0 / t1_ms + RELAXIVITY_PER_MM_MS * tissue.uptake_mm)
    recovered = exp(-weighting.tr_ms / t1_ms)
    if weighting.kind == "spin_echo":
        longitudinal = 1.0 - recovered
    elif weighting.kind == "gradient_echo":
        angle = radians(weighting.flip_degrees)
        longitudinal = sin(angle) * (1.0 - recovered) / (1.0 - cos(angle) * recovered)
    else:
        longitudinal = abs(1.0 - 2.0 * exp(-weighting.ti_ms / t1_ms) / (1.0 + recovered))
    flow = _FLOW_VOID if tissue.flowing and not enhanced else 1.0
    return tissue.proton_density * longitudinal * exp(-weighting.te_ms / tissue.t2_ms) * flow


def draw_texture(world: World, rng: np.random.Generator) -> Field:
    """Draw a factor near 1 that makes tissue uneven; a property of the tissue, so the same on all sequences."""
    return np.float32(1.0) + np.float32(0.04) * world.noise(rng, 3.0) + np.float32(0.04) * world.noise(rng, 8.0)


def air(world: World, brightness: dict[str, float]) -> Field:
    """Return the empty scene."""
    return np.full(world.shape, brightness["air"], np.float32)


def render(layers: list[Layer], brightness: dict[str, float], under: Field) -> Field:
    """Render the scene for one sequence: paint the layers over ``under``, from first to last."""
    picture: Field = under.copy()
    for tissue, share in layers:
        picture += share * (np.float32(brightness[tissue]) - picture)
    return picture
