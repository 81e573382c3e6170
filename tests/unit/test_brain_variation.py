"""What training slabs may look like when they are seen again."""

from __future__ import annotations

import numpy as np
import pytest

from residua.brain_model.variation import varied

SHAPE = (64, 48, 16)


def slab() -> tuple[np.ndarray, np.ndarray]:
    """A bright egg, off the middle, on a dark field, and its outline."""
    x, y, z = np.meshgrid(*[np.arange(n) for n in SHAPE], indexing="ij")
    brain = ((x - 26) / 17) ** 2 + ((y - 26) / 14) ** 2 + ((z - 7) / 12) ** 2 < 1
    return np.where(brain, 2.0, -0.5).astype(np.float32), brain.astype(np.uint8)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Dice of two masks."""
    return float(2 * np.count_nonzero(one & other) / (one.sum() + other.sum()))


@pytest.mark.parametrize("number", range(12))
def test_the_brain_moves_with_the_image(number: int) -> None:
    values, brain = slab()
    seen, outline = varied(values, brain, np.random.default_rng(number))
    # Wherever the egg went, and even where it is the darker of the two, it ends where its values do.
    low, high = seen[outline == 1].mean(), seen[outline == 0].mean()
    nearer = np.abs(seen - low) < np.abs(seen - high)
    assert overlap(nearer, outline == 1) > 0.97
    assert (seen.shape, seen.dtype, outline.dtype) == (SHAPE, np.float32, np.uint8)


def test_a_number_decides_and_others_differ() -> None:
    values, brain = slab()
    first, again, other = (varied(values, brain, np.random.default_rng(number)) for number in (1, 1, 2))
    assert np.array_equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])
    assert not np.array_equal(first[1], other[1])


def test_sizes_and_places_vary_but_stay_plausible() -> None:
    values, brain = slab()
    outlines = [varied(values, brain, np.random.default_rng(number))[1] for number in range(200)]
    ratios = np.array([outline.sum() for outline in outlines]) / brain.sum()
    assert 0.9 < np.median(ratios) < 1.1
    assert ratios.std() > 0.05
    assert ratios.min() > 0.5


def test_a_slab_without_contrast_stays_without() -> None:
    empty = np.zeros(SHAPE, np.uint8)
    for number in range(20):
        seen, outline = varied(np.full(SHAPE, 1.5, np.float32), empty, np.random.default_rng(number))
        assert np.ptp(seen) < 1e-5
        assert np.isfinite(seen).all()
        assert not outline.any()


def test_mean_and_spread_of_the_grey_scale_hardly_change() -> None:
    ramps = np.meshgrid(*[np.linspace(-1.0, 2.0, n) for n in SHAPE], indexing="ij")
    values = np.prod(ramps, axis=0).astype(np.float32)
    for number in range(40):
        seen, _ = varied(values, np.zeros(SHAPE, np.uint8), np.random.default_rng(number))
        # Only the scale and the shift that stand for another field of view.
        assert abs(seen.mean() - values.mean()) < 1.0
        assert 0.5 < seen.std() / values.std() < 1.6
