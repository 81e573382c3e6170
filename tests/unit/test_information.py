"""Mutual information against scikit-learn's, and where it is known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from residua.images.information import mutual_information_of_counts


@pytest.mark.parametrize("seed", range(5))
def test_it_is_that_of_scikit_learn(seed: int) -> None:
    generator = np.random.default_rng(seed)
    one = generator.normal(size=2000)
    other = 0.5 * seed * one + generator.normal(size=2000)
    counts, _, _ = np.histogram2d(one, other, bins=32)
    expected = mutual_info_score(None, None, contingency=counts)
    assert mutual_information_of_counts(counts) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert expected > 0.1


def test_what_is_equal_says_all_and_what_is_independent_or_constant_nothing() -> None:
    assert mutual_information_of_counts(np.diag([1.0, 1.0, 1.0, 1.0])) == pytest.approx(np.log(4))
    assert mutual_information_of_counts(np.outer([1.0, 2.0], [3.0, 4.0, 5.0])) == pytest.approx(0, abs=1e-12)
    assert mutual_information_of_counts(np.array([[0.0, 7.0, 0.0]])) == 0


def test_nothing_counted_says_nothing() -> None:
    with np.errstate(all="raise"):
        assert mutual_information_of_counts(np.zeros((3, 4))) == 0
