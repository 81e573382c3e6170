"""Slabs cover a head, are padded by its edge, and come together by their maximum."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from residua.brain.slabs import flat_levels, fused, normalised, slab_starts, slabs


@pytest.mark.parametrize("depth", [1, 31, 32, 33, 48, 49, 64, 150])
@pytest.mark.parametrize("step", [1, 16, 32])
def test_slabs_cover_every_slice_and_none_lies_wholly_above(depth: int, step: int) -> None:
    starts = slab_starts(depth, 32, step)
    assert {start + offset for start in starts for offset in range(32)} >= set(range(depth))
    assert starts[0] == 0
    assert starts[-1] < depth
    assert all(later - earlier == step for earlier, later in pairwise(starts))


@pytest.mark.parametrize("step", [0, 33])
def test_a_step_that_leaves_slices_out_is_refused(step: int) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        slab_starts(100, 32, step)


def test_levels_before_the_last_five_are_halved_in_plane_alone() -> None:
    assert [flat_levels((8,) * levels) for levels in (3, 5, 6, 7)] == [0, 0, 1, 2]


def test_the_last_slab_repeats_the_last_slice() -> None:
    volume = np.arange(2 * 3 * 5, dtype=np.float32).reshape(2, 3, 5)
    (low, first), (high, last) = slabs(volume, 4, 2)
    assert (low, high) == (0, 2)
    assert np.array_equal(first, volume[:, :, :4])
    assert np.array_equal(last, volume[:, :, [2, 3, 4, 4]])


def test_a_slice_comes_from_the_slab_in_whose_middle_it_lies_and_the_padding_is_left_out() -> None:
    low, high = np.zeros((1, 1, 4), np.float32), np.zeros((1, 1, 4), np.float32)
    low[0, 0], high[0, 0] = (0.1, 0.2, 0.3, 0.9), (0.4, 0.8, 0.5, 0.7)
    whole = fused([(0, low), (2, high)], (1, 1, 5))
    assert whole[0, 0].tolist() == pytest.approx([0.1, 0.2, 0.3, 0.8, 0.5])
    # In any order.
    assert np.array_equal(fused([(2, high), (0, low)], (1, 1, 5)), whole)


def test_what_goes_through_slabs_unchanged_comes_back_as_it_was() -> None:
    volume = np.random.default_rng(1).random((3, 4, 77), dtype=np.float32)
    assert np.array_equal(fused(slabs(volume, 32, 16), (3, 4, 77)), volume)


def test_a_head_is_normalised_and_a_constant_one_is_zero() -> None:
    head = normalised(np.random.default_rng(1).normal(900.0, 40.0, (20, 20, 20)).astype(np.float32))
    assert head.mean() == pytest.approx(0, abs=1e-4)
    assert head.std() == pytest.approx(1, abs=1e-4)
    assert not normalised(np.full((3, 3, 3), 7, np.float32)).any()
