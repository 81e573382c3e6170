"""The training of the brain model, in TensorFlow's environment (``brain_model_check.py``)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from environments import python_in

pytestmark = pytest.mark.long

RESIZED = """
import numpy as np
from residua.brain_model.samples import as_resized
from residua.networks.agunet.prepared import resized
volume = np.random.default_rng(0).normal(size=(50, 61, 20)).astype(np.float32)
for shape in ((64, 48, 20), (25, 70, 20), (16, 12, 32)):
    assert np.array_equal(as_resized(volume, shape), resized(volume, shape, is_label=False)), shape
"""
"""Training heads are resized where there is no scikit-image, and scans by it."""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    check = Path(__file__).parent / "brain_model_check.py"
    done = python_in("tensorflow", str(check), str(tmp_path_factory.mktemp("brain_model")))
    assert done.returncode == 0, done.stdout + done.stderr
    record: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return record


def test_a_killed_training_goes_on_to_the_same_bits(found: dict[str, Any]) -> None:
    assert found["unfinished"] == ["000001", "000002"]
    assert found["same"] == [True, True, True]
    assert found["left"] == ["brain.json", "brain.safetensors", "curve.jsonl"]


def test_a_training_learns_and_leaves_half_precision(found: dict[str, Any]) -> None:
    assert found["types"] == ["float16"]
    assert len(found["losses"]) == 4
    assert found["losses"][-1] < found["losses"][0]


def test_a_training_starts_from_weights(found: dict[str, Any]) -> None:
    # The first training began with random weights.
    assert found["further"] < found["losses"][0]


def test_weights_of_a_smaller_network_are_the_inner_part_of_a_larger_one(found: dict[str, Any]) -> None:
    assert len(found["grown_apart"]["inner"]) == 2
    assert max(found["grown_apart"]["inner"]) < 1e-5


def test_finer_levels_begin_by_passing_on_what_the_one_below_answers(found: dict[str, Any]) -> None:
    assert len(found["grown_apart"]["finest"]) == 3
    assert max(found["grown_apart"]["finest"]) < 0.02


def test_a_wider_network_answers_as_the_one_inside_it_and_learns_with_its_new_filters(found: dict[str, Any]) -> None:
    assert found["widened"]["apart"] < 1e-6
    assert found["widened"]["moved"] > 0


def test_finer_levels_learn_alone_and_keep_their_statistics(found: dict[str, Any]) -> None:
    convolutions = {f"{side}0_conv{step}" for side in ("encoder", "decoder") for step in (0, 1)}
    assert set(found["moved_alone"]) >= convolutions | {"decoder0_up", "head0"}
    assert not [name for name in found["moved_alone"] if "norm" in name or "0" not in name.split("_")[0]]
    assert found["nothing_finer"] == (
        "learn: finer needs initial_weights with fewer levels than features; set learn to all"
    )


def test_a_training_on_parts_of_slabs_leaves_a_model_of_whole_ones(found: dict[str, Any]) -> None:
    assert found["cropped"] == {"slab": [16, 16, 8], "cut": 0.6, "fits": True, "learnt": True}
    assert found["parts"] == {"brains": True, "several": True, "again": True}


def test_weights_and_slabs_of_other_networks_are_refused(found: dict[str, Any]) -> None:
    assert found["of_another_digest"].startswith("start.safetensors: its sha256 differs from the one in the config")
    for name, file in (("of_another_network", "other"), ("of_more_channels", "channels")):
        said = "these weights do not fit the network that the training's settings describes"
        assert found[name] == f"{file}.safetensors: {said}"
    assert "holds slabs of (16, 16, 8) voxels, and the training takes (16, 16, 16)" in found["of_another_slab"]


def test_damaged_and_missing_files_of_the_package_are_refused(found: dict[str, Any]) -> None:
    refused = found["shipped"]
    differs = "weights/brain.safetensors: its sha256 differs from the one in brain.json; install the package anew"
    assert refused["damaged"] == differs
    assert refused["no_safetensors"].startswith("weights/brain.safetensors: cannot be read as safetensors")
    assert refused["missing"].startswith("weights: the brain model of the package cannot be read")


def test_slabs_are_resized_as_in_prediction() -> None:
    done = python_in("core", "-c", RESIZED)
    assert done.returncode == 0, done.stderr
