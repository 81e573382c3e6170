"""Images for eyes: small, near to what they were, and 0 exactly where they were 0."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from residua.images.compact import save_compact, step_of
from residua.images.volumes import Grid, Image, load, save

GRID = Grid((40, 36, 30), np.diag([0.5, 0.5, 1.0, 1.0]), stored_as="LPS")


def scan(seed: int = 0) -> NDArray[np.float32]:
    """Noise like a head's, half of it outside of the field of view."""
    values = np.random.default_rng(seed).normal(300, 60, GRID.shape).astype(np.float32)
    values[20:] = 0
    return values


def spiked() -> NDArray[np.float32]:
    values = scan()
    values[3, 3, 3] = 1e6
    return values


IMAGES = {
    "a scan": scan(),
    "values below 0": scan() - np.float32(200) * (scan() != 0),
    "one voxel that outshines all": spiked(),
    "tiny values": scan() * np.float32(1e-7),
    "values beside 0": np.where(scan() > 300, scan(), np.float32(1e-6)),
    "nothing": np.zeros(GRID.shape, np.float32),
    "a constant": np.full(GRID.shape, 7, np.float32),
}


@pytest.mark.parametrize("voxels", IMAGES.values(), ids=IMAGES)
def test_values_stay_within_a_step_and_zero_stays_apart(voxels: NDArray[np.float32], tmp_path: Path) -> None:
    image = Image(voxels, GRID)
    save_compact(image, tmp_path / "shown.nii.gz")
    shown = load(tmp_path / "shown.nii.gz")
    assert shown.grid.same_as(GRID)
    assert np.array_equal(shown.data == 0, voxels == 0)
    assert np.abs(shown.data - voxels).max() <= step_of(image) * 1.001
    assert np.array_equal(np.sign(shown.data), np.sign(voxels))


def test_a_step_is_a_thousandth_of_the_bright_end_unless_16_bits_end_before() -> None:
    assert step_of(Image(scan(), GRID)) == pytest.approx(np.percentile(scan()[scan() > 0], 99.9) / 1000)
    assert step_of(Image(spiked(), GRID)) == pytest.approx(1e6 / 32767)


def test_a_compact_image_takes_less_than_half_of_the_room(tmp_path: Path) -> None:
    image = Image(scan(), GRID)
    save(image, tmp_path / "whole.nii.gz")
    save_compact(image, tmp_path / "shown.nii.gz")
    sizes = [(tmp_path / f"{name}.nii.gz").stat().st_size for name in ("shown", "whole")]
    assert sizes[0] < 0.5 * sizes[1], sizes
