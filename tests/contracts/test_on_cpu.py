"""nnU-Net on a processor gives what nnU-Net's own code gives, whatever the number of threads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from environments import python_in


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    done = python_in("torch", str(Path(__file__).with_name("on_cpu_check.py")))
    assert done.returncode == 0, done.stdout + done.stderr
    record: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return record


def test_logits_are_nnunets_own(found: dict[str, Any]) -> None:
    for case, record in found["logits"].items():
        assert record["same_shape"], case
        assert record["spread"] > 0.1, case
        # Sums of 16 bits: a few round the other way, by a step of theirs.
        assert record["apart"] < 1e-2, case
        assert record["share_apart"] < 2e-3, case


def test_windows_are_nnunets_own_to_the_last_digits_with_residual_blocks_too(found: dict[str, Any]) -> None:
    """So that whatever more maps differ by comes of the sums of 16 bits."""
    assert len(found["windows"]) == 2
    assert 0 < max(found["windows"].values()) < 1e-5


def test_the_number_of_threads_changes_no_bit(found: dict[str, Any]) -> None:
    assert [record["whatever_threads"] for record in found["logits"].values()] == [True] * 5


def test_the_normalisation_keeps_its_digits_far_from_zero_too(found: dict[str, Any]) -> None:
    assert len(found["normalised"]) == 6
    assert max(found["normalised"].values()) < 1e-5


def test_an_error_ends_the_prediction_without_the_passes_that_have_not_begun(found: dict[str, Any]) -> None:
    assert 1 <= found["after_an_error"]["begun"] <= 8


def test_half_floats_are_interpolated_as_nnunet_does_to_the_bit(found: dict[str, Any]) -> None:
    assert len(found["interpolated"]) == 12
    assert set(found["interpolated"].values()) == {0}
    assert found["by_slices"] == 0


def test_probabilities_are_the_same_by_any_number_of_threads(found: dict[str, Any]) -> None:
    assert found["probabilities_whatever_threads"]
