"""Scans that were normalised: their background is not zero."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from residua.images.scans import lifted, load_scan
from residua.images.volumes import Grid, Image, save
from residua.preparation.cases import ChannelCase
from residua.preparation.strip import strip

GRID = Grid((16, 16, 16), np.diag([4.0, 4.0, 4.0, 1.0]))


def a_brain() -> NDArray[np.bool_]:
    brain = np.zeros(GRID.shape, dtype=bool)
    brain[3:13, 2:14, 4:12] = True
    return brain


def a_scan() -> NDArray[np.float32]:
    """Return a stripped scan: a background of 0, and 100 or more in the brain."""
    grey = np.random.default_rng(1).uniform(100, 900, GRID.shape)
    return np.where(a_brain(), grey, 0).astype(np.float32)


def normalised(scan: NDArray[np.float32], over: NDArray[np.bool_]) -> NDArray[np.float32]:
    values = scan[over]
    return np.asarray((scan - values.mean()) / values.std(), dtype=np.float32)


def test_a_scan_normalised_as_a_whole_gets_its_background_back_at_zero() -> None:
    scan = a_scan()
    shown = lifted(Image(normalised(scan, np.ones_like(a_brain())), GRID)).data
    assert not shown[~a_brain()].any()
    np.testing.assert_allclose(shown * scan.std(), scan, rtol=1e-4, atol=1e-2)


def test_a_scan_normalised_in_the_brain_with_a_background_of_zero_gets_the_background_below_the_brain() -> None:
    scan = np.where(a_brain(), normalised(a_scan(), a_brain()), np.float32(0))
    shown = lifted(Image(scan, GRID)).data
    assert not shown[~a_brain()].any()
    np.testing.assert_allclose(shown[a_brain()], (scan - scan.min())[a_brain()], rtol=1e-6)


def test_noise_around_a_head_is_moved_and_not_flattened() -> None:
    noise = np.random.default_rng(2).normal(0, 1, GRID.shape).astype(np.float32)
    np.testing.assert_allclose(lifted(Image(noise, GRID)).data, noise - noise.min(), rtol=1e-6)


@pytest.mark.parametrize("lowest", [0, 7])
def test_a_scan_without_negative_values_stays_as_it_is(lowest: int) -> None:
    image = Image(a_scan() + np.float32(lowest), GRID)
    assert lifted(image) is image


def test_values_that_are_not_finite_stay_for_the_stage_that_refuses_them() -> None:
    scan = normalised(a_scan(), a_brain())
    scan[5, 5, 5], scan[0, 0, 0] = np.nan, np.inf
    shown = lifted(Image(scan, GRID)).data
    assert np.isnan(shown[5, 5, 5])
    assert np.isinf(shown[0, 0, 0])
    assert np.isfinite(shown).sum() == shown.size - 2


def test_a_stripped_channel_has_one_background_however_its_scan_was_normalised(tmp_path: Path) -> None:
    save(Image(a_brain().astype(np.uint8), GRID), tmp_path / "brain.nii.gz")
    whole = normalised(a_scan(), np.ones_like(a_brain()))
    inside = np.where(a_brain(), normalised(a_scan(), a_brain()), np.float32(0))
    for name, scan in (("plain", a_scan()), ("whole", whole), ("inside", inside)):
        save(Image(scan, GRID), tmp_path / f"{name}.nii.gz")
        strip(
            ChannelCase("P1", tmp_path / f"{name}.nii.gz", tmp_path / "brain.nii.gz"), tmp_path / f"{name}_out.nii.gz"
        )
        found = load_scan(tmp_path / f"{name}_out.nii.gz").data
        assert found.min() == 0
        assert not found[~a_brain()].any()
        assert np.corrcoef(found[a_brain()], a_scan()[a_brain()])[0, 1] > 0.9999
