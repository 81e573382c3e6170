"""SegResNet does what the tests of the other networks ask, which are taken from there; and its export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from test_augmentation import (  # noqa: F401
    test_augmented_labels_are_empty_outside_the_brain,
    test_augmented_labels_hold_only_0_and_1,
    test_images_are_augmented_as_without_a_label_beside_them,
    test_labels_move_with_the_reference_standard,
)
from test_divergence import (  # noqa: F401
    test_a_few_steps_that_are_not_finite_do_not_end_a_training,
    test_a_step_that_is_not_finite_changes_what_is_learned_and_nothing_else,
    test_many_in_one_epoch_end_the_training_with_the_reason,
)
from test_dropout import (  # noqa: F401
    test_a_lacking_channel_is_what_an_image_of_zeros_is_prepared_to,
    test_each_channel_but_the_reference_is_left_out_as_often_as_asked,
    test_no_channel_is_left_out_by_default,
)
from test_networks import micro

from environments import python_in
from residua.networks.exporting import TOLERANCE

SMALL = {
    **{"patch_size": [24, 24, 20], "epochs": 2, "blocks_down": [1, 1], "blocks_up": [1], "dropout": 0.0},
    **{"patches_per_patient": 8, "learning_rate": 1e-3, "augmentation": "auto3dseg"},
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What one start of the environment finds."""
    settings = micro().settings_of("segresnet")
    given = json.dumps({**settings.model_dump(mode="json"), **SMALL})
    script, folder = Path(__file__).with_name("segresnet_check.py"), tmp_path_factory.mktemp("segresnet")
    done = python_in(settings.environment, str(script), given, str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    record: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return record


@pytest.fixture
def records(found: dict[str, Any]) -> list[dict[str, Any]]:
    samples: list[dict[str, Any]] = found["samples"]
    return samples


@pytest.fixture
def record(found: dict[str, Any]) -> dict[str, Any]:
    lacking: dict[str, Any] = found["lacking"]
    return lacking


@pytest.fixture
def ended(found: dict[str, Any]) -> dict[str, Any]:
    return {"arch": "segresnet", **found["infinite"]}


def test_the_scale_of_a_processor_neither_grows_nor_vanishes(found: dict[str, Any]) -> None:
    scale = found["scale"]
    assert scale["scale"] == 1.0
    assert scale["weight"] == -(scale["steps"] - 1)


def test_onnxruntime_gives_what_the_network_gives(found: dict[str, Any]) -> None:
    exported = found["exported"]
    assert exported["spread"] > 1e-3
    assert exported["apart"] <= TOLERANCE
    assert exported["files"] == ["README.md", "fold0.onnx"]
    told = exported["metadata"]
    assert told["channels"] == ["post_t1ce", "post_flair", "pre_t1ce", "pre_tumor"]
    assert (told["threshold"], told["spacing_mm"], told["shape"]) == (0.4, [3.0, 3.0, 3.0], [24, 24, 20])
    assert told["window_overlap"] == 0.25
