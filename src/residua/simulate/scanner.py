"""Effects of a scanner on the picture: uneven sensitivity, noise and its own grey scale."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from residua.images.volumes import Grid
from residua.simulate.design import Scanner
from residua.simulate.world import Field

_WHITE_MATTER = 600.0
"""Grey value of white matter on T1w before the hospital's gain."""


def acquire(rng: np.random.Generator, clean: Field, grid: Grid, scanner: Scanner) -> NDArray[np.int16]:
    """Return the stored grey values (x, y, z) of the sampled picture ``clean``."""
    signal = clean * _bias(rng, grid, scanner.bias)
    real = signal + np.float32(scanner.noise) * rng.standard_normal(grid.shape, dtype=np.float32)
    imaginary = np.float32(scanner.noise) * rng.standard_normal(grid.shape, dtype=np.float32)
    gain = _WHITE_MATTER * scanner.gain * np.exp(0.08 * rng.standard_normal())
    # A magnitude image: noise is Rician, so that the air around the head is not zero.
    return np.asarray(np.rint(np.hypot(real, imaginary) * np.float32(gain)), dtype=np.int16)


def _bias(rng: np.random.Generator, grid: Grid, spread: float) -> Field:
    x, y, z = np.meshgrid(
        *[np.linspace(-1.0, 1.0, n, dtype=np.float32) for n in grid.shape], sparse=True, indexing="ij"
    )
    weights = rng.normal(0.0, spread, 6).astype(np.float32)
    terms = (x, y, z, x * x - 0.33, y * y - 0.33, z * z - 0.33)
    return np.asarray(np.exp(sum(w * term for w, term in zip(weights, terms, strict=True))))
