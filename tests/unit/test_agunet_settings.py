"""How AGU-Net's volume shrinks, when its training ends, and how its samples are varied."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from residua.networks.agunet.augmentation import Variation, draw_variation
from residua.networks.agunet.course import Course
from residua.networks.agunet.grid import halvings, level_shapes
from residua.networks.agunet.movement import VolumeMovement
from residua.networks.agunet.settings import AGUNetSettings

ROOT = Path(__file__).parents[2]
STILL = (0.0, 0.0, 0.0)


def varying(**changed: float) -> AGUNetSettings:
    """The micro study's settings with samples that never vary, and the changes."""
    micro = yaml.safe_load((ROOT / "tests/micro/config.yaml").read_text(encoding="utf-8"))["networks"]["agunet"]
    parts = ("flip_probability", "rotation_probability", "translation_probability")
    never = {**dict.fromkeys(parts, 0.0), "rotation_degrees": 20.0, "translation_fraction": 0.1}
    return AGUNetSettings.model_validate({**micro, **never, **changed})


def varied(volume: NDArray[Any], variation: Variation, is_label: bool) -> NDArray[Any]:
    """A volume after a variation."""
    return VolumeMovement(volume.shape, variation)(volume, is_label)


ALWAYS = varying(flip_probability=1.0, rotation_probability=1.0, translation_probability=1.0)


def test_the_articles_volume_reaches_an_8_8_9_bottleneck() -> None:
    assert level_shapes((128, 128, 144), 5)[-1] == (8, 8, 9)


def test_an_axis_of_four_voxels_is_not_halved_any_more() -> None:
    assert level_shapes((32, 8, 4), 4) == [(32, 8, 4), (16, 4, 4), (8, 4, 4), (4, 4, 4)]


def test_flat_levels_are_halved_in_plane_alone() -> None:
    shapes = level_shapes((256, 192, 32), 7, flat_levels=2)
    assert shapes[:3] == [(256, 192, 32), (128, 96, 32), (64, 48, 32)]
    assert shapes[2:] == level_shapes((64, 48, 32), 5)
    assert halvings((256, 192, 32), 7, flat_levels=2)[:3] == [(2, 2, 1), (2, 2, 1), (2, 2, 2)]


def test_a_volume_that_cannot_be_halved_evenly_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(36, 32, 32\) cannot be halved evenly for 4 levels"):
        level_shapes((36, 32, 32), 4)


def losses(*validation: float) -> Course:
    course = Course()
    for loss in validation:
        course = course.after(1.0, loss)
    return course


def test_the_best_epoch_is_the_first_of_the_lowest_validation_losses() -> None:
    assert losses(0.5, 0.3, 0.4, 0.3).best_epoch == 1
    assert losses(0.5, 0.3).improved
    assert not losses(0.5, 0.3, 0.4).improved


def test_a_training_ends_after_so_many_epochs_in_a_row_without_a_better_loss() -> None:
    assert not losses(0.5, 0.6, 0.7).ended(epochs=100, patience_epochs=3)
    assert losses(0.5, 0.6, 0.7, 0.5).ended(epochs=100, patience_epochs=3)
    assert not losses(0.5, 0.6, 0.7, 0.4).ended(epochs=100, patience_epochs=3)
    assert losses(0.5, 0.4).ended(epochs=2, patience_epochs=3)
    assert not Course().ended(epochs=1, patience_epochs=1)


def test_the_curve_has_one_record_an_epoch() -> None:
    assert losses(0.5, 0.6).curve == (
        {"epoch": 0, "train_loss": 1.0, "validation_loss": 0.5},
        {"epoch": 1, "train_loss": 1.0, "validation_loss": 0.6},
    )


def test_sample_without_variation_stays_as_it_is() -> None:
    volume = np.random.default_rng(0).normal(size=(6, 5, 4)).astype(np.float32)
    drawn = draw_variation(np.random.default_rng(1), varying())
    assert drawn == Variation((), 0.0, STILL)
    np.testing.assert_array_equal(varied(volume, drawn, is_label=False), volume)


def test_flips_are_horizontal_and_vertical_and_never_along_the_body() -> None:
    assert draw_variation(np.random.default_rng(0), ALWAYS).flipped == (0, 1)
    volume = np.arange(24).reshape(2, 3, 4)
    np.testing.assert_array_equal(varied(volume, Variation((0, 1), 0.0, STILL), True), volume[::-1, ::-1])


def test_a_shift_moves_the_content_by_that_fraction_of_the_axis() -> None:
    volume = np.zeros((20, 10, 10), np.uint8)
    volume[5, 4, 3] = 1
    moved = varied(volume, Variation((), 0.0, (0.1, -0.1, 0.2)), is_label=True)
    assert np.argwhere(moved).tolist() == [[7, 3, 5]]


def test_a_rotation_is_about_the_centre_in_the_axial_plane() -> None:
    volume = np.zeros((11, 11, 3), np.uint8)
    volume[8, 5, 2] = 1
    turned = varied(volume, Variation((), math.pi / 2, STILL), is_label=True)
    assert np.argwhere(turned).tolist() in ([[5, 8, 2]], [[5, 2, 2]])


def test_image_and_label_move_together_and_a_label_stays_one() -> None:
    rng = np.random.default_rng(3)
    x, y, z = np.indices((24, 24, 12))
    blob = ((x - 9) ** 2 + (y - 14) ** 2 + (z - 5) ** 2 < 16).astype(np.uint8)
    for _ in range(5):
        drawn = draw_variation(rng, ALWAYS)
        label, image = varied(blob, drawn, True), varied(blob.astype(np.float32), drawn, False)
        assert set(np.unique(label)) == {0, 1}
        centres = [np.argwhere(mask).mean(axis=0) for mask in (label, image > 0.5)]
        np.testing.assert_allclose(*centres, atol=0.5)


def test_variations_stay_within_the_settings() -> None:
    rng = np.random.default_rng(5)
    drawn = [draw_variation(rng, ALWAYS) for _ in range(300)]
    largest = math.radians(20.0)
    assert 0.9 * largest < max(abs(v.angle) for v in drawn) <= largest
    assert 0.095 < max(abs(s) for v in drawn for s in v.shift) <= 0.1


def test_each_variation_comes_with_its_own_probability() -> None:
    rng = np.random.default_rng(7)
    half = varying(flip_probability=0.5, rotation_probability=0.5, translation_probability=0.5)
    drawn = [draw_variation(rng, half) for _ in range(2000)]
    for share in (
        np.mean([0 in v.flipped for v in drawn]),
        np.mean([1 in v.flipped for v in drawn]),
        np.mean([v.angle != 0 for v in drawn]),
        np.mean([v.shift != STILL for v in drawn]),
    ):
        assert 0.45 < share < 0.55
