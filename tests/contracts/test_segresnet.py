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


def test_processes_that_load_stay_and_end_with_a_training_that_is_asked_to_leave_while_it_validates(
    found: dict[str, Any],
) -> None:
    leaving = found["leaving"]
    assert leaving["said"].startswith("SIGTERM asked the training to leave; ")
    assert leaving["said"].endswith("it goes on from the state after epoch 2")
    first, second, third = leaving["loading"]
    assert first == []
    assert len(second) == 2
    assert second == third
    assert leaving["left_over"] == 0
    # The regular checkpoint was not due yet.
    assert leaving["saved"] == ["checkpoint-000002"]
    assert leaving["loading_again"] == [[], []]
    assert leaving["curve"] == [0, 1, 2]


def test_batches_that_shared_memory_cannot_hold_are_refused_before_the_first(found: dict[str, Any]) -> None:
    # 8 batches of 2 patches, four channels of 4 bytes, the reference standard, in MiB.
    assert f"need up to {8 * 2 * 2**42 * 20 // 2**20} MiB" in found["room"]
    assert "--shm-size" in found["room"]


def test_a_region_is_cut_out_of_the_normalised_brain(found: dict[str, Any]) -> None:
    region = found["region"]
    assert region["alike"]
    assert region["holds_the_label"]
    assert region["share"] < 0.5


def test_balanced_epochs_draw_as_many_patches_with_tumour_as_without(found: dict[str, Any]) -> None:
    drawn = found["balanced"]
    assert drawn["uniform"] == [dict.fromkeys(("P1", "P2", "P3", "P4"), 6)] * 2
    for epoch in drawn["balanced"]:
        assert epoch["P1"] == 12
        assert sum(epoch.values()) == 24
        assert len(epoch) == 4
    assert drawn["uniform again"]
    assert drawn["balanced again"]
