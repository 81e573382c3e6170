"""nnU-Net's own planner, its residual networks, its checkpoints as a start, and the article's augmentation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from test_networks import micro

from environments import python_in

STEM = ("all_modules.0.weight", "conv.weight")
CHANGED = {
    "patch_size": [24, 24, 24],
    "residual_blocks": [1, 2, 1],
    "epochs": 1,
    "iterations_per_epoch": 1,
    "validation_iterations_per_epoch": 1,
    "augmentation": "article",
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    given = json.dumps({**micro().settings_of("nnunet").model_dump(mode="json"), **CHANGED})
    script, folder = Path(__file__).with_name("plans_check.py"), tmp_path_factory.mktemp("plans")
    done = python_in("torch", str(script), str(folder), given)
    assert done.returncode == 0, done.stdout + done.stderr
    record: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return record


def test_nnunets_planner_plans_for_the_median_brain(found: dict[str, Any]) -> None:
    plan = found["auto"]
    assert plan["spacing_mm"] == [3, 3, 3]
    # The brain of 140 x 175 x 145 mm has 47 x 58 x 48 voxels, which three halvings fill up to multiples of 8.
    assert plan["patch_size"] == [48, 64, 48]
    assert plan["features"] == [32, 64, 128, 256]
    assert plan["strides"] == [[1, 1, 1], *[[2, 2, 2]] * 3]
    assert (plan["convolutions_per_level"], plan["residual_blocks"]) == (2, None)
    # An image within the brain, a label as it is.
    assert plan["masked"] == [True, False]


def test_nnunets_planner_of_residual_networks_takes_thick_slices_as_they_are(found: dict[str, Any]) -> None:
    plan = found["resenc-m"]
    assert plan["spacing_mm"] == [2.5, 2.5, 5]
    assert plan["patch_size"] == [56, 80, 32]
    assert plan["kernels"][:2] == [[3, 3, 1], [3, 3, 3]]
    assert plan["strides"][:2] == [[1, 1, 1], [2, 2, 1]]
    assert plan["residual_blocks"] == [1, 3, 4, 6, 6]
    assert plan["convolutions_per_level"] == 1


def test_a_residual_network_trains_and_predicts(found: dict[str, Any]) -> None:
    assert found["trained"]["network"] == "ResidualEncoderUNet"
    assert found["trained"]["finite"]
    assert found["trained"]["spread"] > 0


def test_a_checkpoint_gives_all_but_the_segmentation_layers(found: dict[str, Any]) -> None:
    heads = [f"decoder.seg_layers.{level}.weight" for level in (0, 1)]
    assert found["started"]["same"] == {"said": "the segmentation layers", "at_random": heads}


def test_with_other_channels_the_first_convolution_starts_at_random_too(found: dict[str, Any]) -> None:
    heads = [f"decoder.seg_layers.{level}.weight" for level in (0, 1)]
    stems = [f"{place}encoder.stem.convs.0.{name}" for place in ("", "decoder.") for name in STEM]
    assert found["started"]["more"]["at_random"] == sorted([*heads, *stems])
    assert found["started"]["more"]["said"] == "the segmentation layers and the first convolution"


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("cut", "cut.pth: cannot be read as a checkpoint"),
        ("code", "or holds code, which is not run"),
        ("other", "encoder.stem.convs.0.conv.weight, which is missing and should be [4, 3, 3, 3, 3]"),
        ("digest", "its sha256 differs from the one in the config"),
        ("missing", "none.pth: the initial weights are missing"),
    ],
)
def test_a_checkpoint_that_cannot_be_a_start_is_refused_with_the_reason(
    bad: str, why: str, found: dict[str, Any]
) -> None:
    assert why in found["started"][bad]


def test_the_articles_augmentation_leaves_out_mirroring_and_low_resolution(found: dict[str, Any]) -> None:
    whole, unmirrored, article = (
        found["augmented"][name] for name in ("nnunet", "nnunet_without_mirroring", "article")
    )
    assert [step for step in whole if step != "MirrorTransform"] == unmirrored
    assert [step for step in unmirrored if step != "SimulateLowResolutionTransform"] == article
    assert len(whole) == len(article) + 2
