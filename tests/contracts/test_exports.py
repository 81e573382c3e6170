"""Exported models give in other programs what they give here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from environments import HOUSE, python_in
from residua.networks.exporting import TOLERANCE
from residua.settings.study import load_study

QUICK = {
    "nnunet": {"epochs": 2, "iterations_per_epoch": 20, "validation_iterations_per_epoch": 1},
    "agunet": {
        "spacing_mm": [2.5, 2.5, 2.5],
        "shape": [24, 24, 16],
        "batch_size": 1,
        "epochs": 2,
        "patience_epochs": 2,
    },
}


def step(environment: str, *arguments: str) -> dict[str, Any]:
    done = python_in(environment, str(Path(__file__).with_name("export_check.py")), *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    record: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return record


def trained(arch: str, folder: Path) -> Path:
    """Two tiny models: nnU-Nets on images, and an AGU-Net twice, on images and a label."""
    settings = load_study(yaml.safe_load((HOUSE / "tests/micro/config.yaml").read_text())).settings_of(arch)
    given = json.dumps({**settings.model_dump(mode="json"), **QUICK[arch]})
    step(settings.environment, "make", arch, str(folder), given)
    return folder


@pytest.fixture(scope="module")
def nnunet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained("nnunet", tmp_path_factory.mktemp("nnunet"))


@pytest.fixture(scope="module")
def agunet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained("agunet", tmp_path_factory.mktemp("agunet"))


@pytest.mark.long
def test_nnunets_own_commands_give_our_probabilities_from_stripped_images(nnunet: Path) -> None:
    found = step("torch", "nnunet", "nnunet", str(nnunet))
    assert found["largest"] > 0.1
    assert max(found["apart"]) <= TOLERANCE
    assert found["ensemble_apart"] <= TOLERANCE
    assert found["mask_apart"] == 0
    # What the README warns of: the mean of logits is another.
    assert found["logits_apart"] > 100 * TOLERANCE
    assert found["read_as_data"]
    assert found["residual_blocks_apart"] <= 1e-5


def test_agunet_loads_into_keras_without_code_of_ours(agunet: Path) -> None:
    found = step("tensorflow", "keras", "agunet", str(agunet))
    assert found["spread"] > 1e-3
    assert found["apart"] <= TOLERANCE
    assert found["layers_of"] == ["keras"]
    assert found["files"] == ["README.md", "fold0.json", "fold0.keras", "fold1.json", "fold1.keras"]
    assert found["facts"]["spacing_mm"] == [2.5, 2.5, 2.5]
    assert found["facts"]["channels"] == ["post_t1ce", "post_t1", "pre_tumor"]
    assert found["facts"]["labels_among_channels"] == ["pre_tumor"]


@pytest.mark.parametrize("arch", ["nnunet", "agunet"])
def test_onnxruntime_gives_what_the_network_gives(arch: str, request: pytest.FixtureRequest) -> None:
    found = step("onnx", "onnx", arch, str(request.getfixturevalue(arch)))
    assert found["spread"] > 1e-3
    assert found["apart"] <= TOLERANCE
    assert found["files"] == ["README.md", "fold0.onnx", "fold1.onnx"]
    told = found["metadata"]
    labels = {"nnunet": [], "agunet": ["pre_tumor"]}[arch]
    assert told["channels"] == ["post_t1ce", "post_t1", *labels]
    assert told["labels_among_channels"] == labels
    assert told["threshold"] == 0.4
    assert told["spacing_mm"] == {"nnunet": [3.0, 3.0, 3.0], "agunet": [2.5, 2.5, 2.5]}[arch]
    assert told["shape"] == {"nnunet": [32, 32, 32], "agunet": [24, 24, 16]}[arch]
