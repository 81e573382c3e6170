"""Every network of the config keeps the contract; a new network is covered by naming it there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from environments import HOUSE, python_in
from residua.settings.study import Study, load_study

SMALL = {
    "nnunet": {"epochs": 5, "iterations_per_epoch": 10, "validation_iterations_per_epoch": 1, "save_every_epochs": 1},
    "agunet": {
        **{"spacing_mm": [2.5, 2.5, 2.5], "shape": [24, 24, 16], "features": [8, 16, 16], "batch_size": 1},
        **{"effective_batch_size": 1, "learning_rate": 0.02, "epochs": 12, "patience_epochs": 12},
        "batch_normalization_momentum": 0.5,
        **{"flip_probability": 0.0, "rotation_probability": 0.0, "translation_probability": 0.0},
    },
    "segresnet": {
        **{"patch_size": [16, 16, 16], "blocks_down": [1, 1], "blocks_up": [1], "dropout": 0.0, "batch_size": 1},
        **{"patches_per_patient": 6, "epochs": 5, "learning_rate": 0.03, "foreground_oversampling": 0.7},
    },
}
"""Settings with which a network learns the contract's cases within seconds."""


def micro() -> Study:
    return load_study(yaml.safe_load((HOUSE / "tests/micro/config.yaml").read_text()))


def described() -> list[str]:
    """The networks that the micro study describes, trained by it or not."""
    networks = micro().networks
    return [arch for arch in type(networks).model_fields if getattr(networks, arch) is not None]


SLOW_TO_BEGIN = "agunet"
"""The network that takes seconds to begin a training: in make test it is stopped less, and never damaged."""
EVERY_STOP = 4


def contracts() -> list[Any]:
    """Every network, and how often its training is stopped."""
    known = [(arch, 2 if arch == SLOW_TO_BEGIN else EVERY_STOP) for arch in described()]
    return [*known, pytest.param((SLOW_TO_BEGIN, EVERY_STOP), marks=pytest.mark.long)]


@pytest.fixture(scope="module", params=contracts(), ids=lambda given: f"{given[0]} stopped {given[1]} times")
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The record of one network's run through the contract."""
    arch, stops = request.param
    settings = micro().settings_of(arch)
    given = json.dumps({**settings.model_dump(mode="json"), **SMALL.get(arch, {})})
    folder = tmp_path_factory.mktemp(arch)
    script = str(Path(__file__).parent / "network_contract.py")
    done = python_in(settings.environment, script, arch, given, str(folder), str(stops))
    assert done.returncode == 0, done.stdout + done.stderr
    record: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return record


def test_probabilities_lie_on_the_reference_grid_and_between_0_and_1(kept: dict[str, Any]) -> None:
    assert kept["same_grid"]
    assert 0 <= kept["range"][0] <= kept["range"][1] <= 1
    assert kept["outside_brain_box"] == 0 < kept["inside_brain"]


def test_what_is_bright_is_found_where_it_is(kept: dict[str, Any]) -> None:
    assert kept["dice"] > 0.6


def test_what_was_sampled_on_the_target_grid_is_prepared_and_found_at_the_same_place(kept: dict[str, Any]) -> None:
    assert kept["sampled_same_grid"]
    assert kept["sampled_dice"] > 0.6


def test_a_training_that_is_stopped_in_any_epoch_goes_on_and_gives_the_same_weights(kept: dict[str, Any]) -> None:
    epochs = kept["epochs"]
    assert kept["unbroken_epochs"] == list(range(epochs + 1))
    assert kept["weights"]["unbroken"] == kept["weights"]["broken"] != {}
    first, inside, *later = kept["broken_epochs"]
    assert first == [0]
    assert inside[0] == 0
    assert epochs // 2 <= inside[-1] < epochs - 1
    if kept["keeps_checkpoints"]:
        # What was asked to leave saved the state after its last epoch. One that was asked at the very end of an epoch
        # had finished it.
        assert later[0][0] in (inside[-1], inside[-1] + 1)
    if len(later) == 1:
        assert later[0][-1] == epochs
        return
    at_the_last, after_it, end = later
    assert at_the_last[-1] == epochs - 1
    assert after_it[-1] == epochs
    # One that had written its weights has nothing left to do.
    assert end in ([epochs], [])
    if kept["keeps_checkpoints"]:
        # What was killed had saved its state before.
        assert after_it[0] == epochs - 2


@pytest.fixture
def damaged(kept: dict[str, Any]) -> dict[str, Any]:
    """What the record says of damaged checkpoints; nothing of a network that keeps none."""
    if kept["resumed_from_damaged"] is None:
        pytest.skip("make test-long damages the checkpoints of this network")
    record: dict[str, Any] = kept["resumed_from_damaged"]
    return record


def test_a_damaged_checkpoint_gives_way_to_the_one_before(kept: dict[str, Any], damaged: dict[str, Any]) -> None:
    if kept["keeps_checkpoints"]:
        assert damaged["begun"] == list(range(damaged["every"], 3 * damaged["every"] + 1))


def test_where_all_checkpoints_are_damaged_they_are_named_with_what_to_do_and_never_executed(
    kept: dict[str, Any], damaged: dict[str, Any]
) -> None:
    if kept["keeps_checkpoints"]:
        assert len(damaged["said"]) == 3
        for said in damaged["said"]:
            assert said.startswith("CHECKPOINT: this checkpoint of an unfinished training cannot be read (")
            assert said.endswith("Remove it, after which the training starts from the beginning: rm CHECKPOINT")
        assert not damaged["executed"]


def test_an_ensemble_is_the_mean_of_the_models_softmax(kept: dict[str, Any]) -> None:
    assert kept["models_differ"] > 1e-3
    assert kept["mean_of_softmax_error"] < 1e-6


def test_an_ensemble_hands_out_the_map_of_each_model_and_its_mean_stays_the_same(kept: dict[str, Any]) -> None:
    assert kept["places_of_members"] == [-1, 0, 1]
    assert kept["members_equal_single_models"]
    assert kept["mean_the_same_with_members"]


def test_a_model_keeps_its_weights_as_data_and_its_curve_and_no_pickle(kept: dict[str, Any]) -> None:
    assert "curve.jsonl" in kept["files"]
    assert not [name for name in kept["files"] if name.endswith((".pth", ".pt", ".pkl"))]


@pytest.fixture
def fine_tuned(kept: dict[str, Any]) -> dict[str, Any]:
    """What the record says of trainings that start from a trained model."""
    if kept["fine_tuned"] is None:
        pytest.skip("this network starts from no bundle")
    tuned: dict[str, Any] = kept["fine_tuned"]
    return tuned


def test_a_training_starts_from_the_weights_of_the_model_to_the_bit(fine_tuned: dict[str, Any]) -> None:
    assert fine_tuned["weights"]["standing"] == fine_tuned["of_the_model"]
    assert fine_tuned["predicts_as_the_model"]
    assert fine_tuned["weights"]["tuned"] != fine_tuned["of_the_model"]


def test_a_resumed_training_does_not_start_from_the_model_again(fine_tuned: dict[str, Any]) -> None:
    if fine_tuned["resumed_epochs"] is None:
        pytest.skip("make test-long kills this training")
    assert fine_tuned["resumed_epochs"] == [2, 3]
    assert fine_tuned["weights"]["tuned_broken"] == fine_tuned["weights"]["tuned"]


def test_a_model_of_another_network_is_no_start(fine_tuned: dict[str, Any]) -> None:
    assert fine_tuned["of_another_network"].startswith("/weights.safetensors: these weights do not fit the network")


def test_nnunets_own_planner_gives_the_published_patch_kernels_and_strides_and_one_level_more() -> None:
    done = python_in("torch", str(HOUSE / "benchmarks/nnunet_planner.py"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout in (HOUSE / "docs/explanation/nnunet_plan.md").read_text(encoding="utf-8")
    plan = {name: json.loads(value) for name, _, value in (line.partition(": ") for line in done.stdout.splitlines())}
    published = load_study(yaml.safe_load((HOUSE / "config.yaml").read_text())).settings_of("nnunet").model_dump()
    assert plan["patch_size"] == list(reversed(published["patch_size"])) == [80, 192, 128]
    assert plan["batch_size"] == published["batch_size"]
    assert plan["features_per_stage"] == [*published["features"], 320]
    for ours, theirs in (("kernels", "kernel_sizes"), ("strides", "strides")):
        assert plan[theirs] == [
            *[list(reversed(level)) for level in published[ours]],
            [{"kernels": 3, "strides": 2}[ours]] * 3,
        ]
