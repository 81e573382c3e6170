"""A label among the channels stays a label under every augmentation of every network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from test_networks import micro

from environments import python_in

CASES = [
    ("nnunet", "cubes", {"patch_size": [24, 24, 20], "augmentation": "nnunet"}),
    pytest.param(
        (
            "nnunet",
            "flat patches, which nnU-Net turns slice by slice",
            {"patch_size": [32, 28, 8], "spacing_mm": [2, 2, 5]},
        ),
        marks=pytest.mark.long,
    ),
    ("agunet", "whole", {"shape": [24, 24, 16], "rotation_probability": 1.0, "translation_probability": 1.0}),
]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]}, {case[1]}")
def printed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What augmentation_check.py prints of one network."""
    arch, _, changed = request.param
    settings = micro().settings_of(arch)
    given = json.dumps({**settings.model_dump(mode="json"), **changed})
    script, folder = Path(__file__).parent / "augmentation_check.py", tmp_path_factory.mktemp(arch)
    done = python_in(settings.environment, str(script), arch, given, str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


@pytest.fixture(scope="module")
def records(printed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What one network's augmentation makes of each order of the channels."""
    return [record for record in printed if "channels" in record]


def test_augmented_labels_hold_only_0_and_1(records: list[dict[str, Any]]) -> None:
    assert [len(record["channels"]) for record in records] == [3, 4, 2]
    for record in records:
        assert record["values"] == [0, 1]
        assert record["samples_with_tumour"] > 20
        assert record["different_samples"] > 20


def test_augmented_labels_are_empty_outside_the_brain(records: list[dict[str, Any]]) -> None:
    assert [record["outside_the_brain"] for record in records] == [0, 0, 0]


def test_labels_move_with_the_reference_standard(records: list[dict[str, Any]]) -> None:
    for record in records:
        assert record["dice_with_the_reference"] > 0.99


def test_images_are_augmented_as_without_a_label_beside_them(records: list[dict[str, Any]]) -> None:
    for record in records:
        # nnU-Net chooses by a stopwatch between two ways to blur, whose last digits differ.
        assert record["difference_of_images"] < 1e-4


def test_a_patch_is_what_it_was_though_only_the_part_is_read_that_its_augmentation_uses(
    printed: list[dict[str, Any]], request: pytest.FixtureRequest
) -> None:
    case = request.node.callspec.params["printed"]
    if case[0] != "nnunet":
        pytest.skip("this network reads whole brains")
    in_part = printed[-1]["in_part"]
    assert in_part["samples"] == 60
    assert in_part["apart"] < 1e-4
    # Flat patches are read whole.
    assert in_part["read"] < 0.9 if case[1] == "cubes" else in_part["read"] == 1
