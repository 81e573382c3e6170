"""AGU-Net is the network that the article describes."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from environments import python_in


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("agunet")
    done = python_in("tensorflow", str(Path(__file__).parent / "agunet_check.py"), str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    record: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return record


def test_its_weights_are_listed_without_a_framework(found: dict[str, Any]) -> None:
    assert found["listed_shapes"] == [True] * 3


def test_it_has_18_7_million_parameters_and_11664_more_for_each_sequence(found: dict[str, Any]) -> None:
    sizes = found["sizes"]
    assert sizes["parameters"] == {"1": 18_657_716, "2": 18_669_380, "5": 18_704_372}
    # 27 voxels of a kernel for 16 + 32 + 128 + 256 filters.
    assert 18_669_380 - 18_657_716 == 27 * (16 + 32 + 128 + 256) == 11_664


def test_four_convolutions_see_the_input_and_their_scales_are_not_normalised(found: dict[str, Any]) -> None:
    assert found["sizes"]["sees_the_input"] == ["encoder0_conv0", "scale1", "scale2", "scale3"]
    assert found["sizes"]["normalised_scales"] == []


def test_its_heads_are_softmaxes_at_four_resolutions_the_finest_first(found: dict[str, Any]) -> None:
    assert found["sizes"]["outputs"] == [[128, 128, 144, 2], [64, 64, 72, 2], [32, 32, 36, 2], [16, 16, 18, 2]]
    assert found["sizes"]["bottleneck"] == [8, 8, 9, 256]


def test_attention_is_on_all_four_skips(found: dict[str, Any]) -> None:
    assert found["sizes"]["attention"] == [f"decoder{level}_attention" for level in range(4)]


def test_the_loss_is_soft_dice_without_background(found: dict[str, Any]) -> None:
    losses = found["losses"]
    # (2·0.5 + 1) / (0.25 + 1 + 1), and with a sure false positive another 1 below.
    assert losses["half_sure"] == pytest.approx(1 - 2 / 2.25)
    assert losses["sure_and_wrong"] == pytest.approx(1 - 2 / 3.25)
    assert losses["perfect"] == losses["nothing"] == 0


def test_only_four_kernels_of_inputs_a_to_e_differ_from_those_of_one_channel(found: dict[str, Any]) -> None:
    four = [f"{layer}/kernel" for layer in ("encoder0_conv0", "scale1", "scale2", "scale3")]
    assert found["tensors_of_inputs"] == {"1": [], **dict.fromkeys("2345", four)}


def test_a_training_starts_from_given_weights_but_for_the_layers_that_see_the_input(found: dict[str, Any]) -> None:
    start = found["start"]
    assert start["anew"] == ["encoder0_conv0", "scale1"]
    # A kernel and a bias each.
    assert start["taken"] == start["all"] - 4


@pytest.mark.parametrize("start", ["onnx", "preoperative", "safetensors"])
@pytest.mark.parametrize("channels", [1, 2])
def test_layers_that_see_the_input_start_at_random_whatever_the_channels_of_the_start(
    found: dict[str, Any], start: str, channels: int
) -> None:
    assert found["begins"][f"{start} of {channels}"] == ["encoder0_conv0", "scale1"]


def test_a_model_of_a_bundle_is_taken_whole_and_must_fit(found: dict[str, Any]) -> None:
    assert found["begins"]["bundle of 2"] == []
    assert found["begins"]["bundle of 1"].startswith("FILE: these weights do not fit the network")


def test_weights_of_another_file_or_network_are_refused(found: dict[str, Any]) -> None:
    start = found["start"]
    assert start["of_another_digest"].startswith("FILE: its sha256 differs from the one in the config")
    assert start["missing"].startswith("FILE: the initial weights are missing; correct the path")
    assert "weights are missing or of another shape, among them encoder2_conv0" in start["of_another_network"]


def test_what_goes_to_the_cube_comes_back_where_it_was(found: dict[str, Any]) -> None:
    there = found["there_and_back"]
    assert there["resampled_shape"] == [64, 60, 72]
    assert there["label_values"] == [0, 1]
    assert there["dice"] > 0.93
    assert there["outside"] == 0


def test_batches_hold_every_patient_once_and_targets_are_taken_by_strides(found: dict[str, Any]) -> None:
    batches = found["batches"]
    assert batches["batches"] == 3
    assert batches["last_batch"] == [1, 8, 8, 8, 1]
    assert batches["one_hot"]
    assert batches["strided"]
    first, again, later = batches["orders"]
    assert sorted(first) == sorted(later) == [0, 1, 2, 3, 4]
    assert first == again != later


def test_the_fold_or_a_share_of_the_training_patients_ends_the_training(found: dict[str, Any]) -> None:
    (everyone, fold), (kept, held) = found["batches"]["stopping"]
    assert (everyone, fold) == (["P0", "P1", "P2", "P3", "P4"], ["V"])
    assert len(held) == 2
    assert sorted([*kept, *held]) == everyone


def test_in_16_bits_weights_and_heads_keep_32_and_every_name_stays(found: dict[str, Any]) -> None:
    half = found["half"]
    assert half["in_32_bits"] == ["head0", "head1"]
    assert half["heads"] == half["weights"] == half["afterwards"] == ["float32"]
    assert half["same_names"]


def apart(one: list[float], other: list[float]) -> float:
    """How far two vectors are apart, as a share of the second's length."""
    return math.dist(one, other) / math.hypot(*other)


def test_a_scaled_loss_accumulates_the_gradients_of_32_bits(found: dict[str, Any]) -> None:
    half, whole = found["steps"]["16"], found["steps"]["32"]
    # The third step waits for the fourth. Adam does not tell how long a gradient is, so the sums must.
    assert math.hypot(*whole["accumulated"]) > 1e-3
    assert apart(half["accumulated"], whole["accumulated"]) < 0.02
    assert apart(half["weights"], whole["weights"]) < 0.01
    assert (half["left_out"], half["scale"], whole["left_out"]) == (0, 2.0**15, 0)


@pytest.mark.parametrize(("bits", "scale"), [("16", 2.0**14), ("32", None)])
def test_an_infinite_step_within_an_accumulation_changes_nothing_but_the_scale(
    found: dict[str, Any], bits: str, scale: float | None
) -> None:
    left_out, without = found["steps"][f"{bits}, one infinite"], found["steps"][bits]
    assert (left_out["left_out"], left_out["scale"]) == (1, scale)
    assert apart(left_out["weights"], without["weights"]) < 1e-3
    assert apart(left_out["accumulated"], without["accumulated"]) < 1e-3


def test_steps_compiled_to_xla_are_the_same_and_are_left_out_alike(found: dict[str, Any]) -> None:
    compiled, plain = found["steps"]["16, XLA"], found["steps"]["16, one infinite"]
    assert (compiled["left_out"], compiled["scale"]) == (plain["left_out"], plain["scale"])
    assert apart(compiled["weights"], plain["weights"]) < 0.01
    assert apart(compiled["accumulated"], plain["accumulated"]) < 0.02


@pytest.mark.parametrize(("precision", "updates_after"), [("float32", 1), ("float32", 4), ("mixed_float16", 4)])
def test_no_variable_of_a_step_stays_on_the_processor_where_xla_cannot_reach_it_from_a_gpu(
    found: dict[str, Any], precision: str, updates_after: int
) -> None:
    """TensorFlow has no kernel that makes a variable of int32 on a GPU."""
    types = found["variables"][f"{precision}, {updates_after}"]
    assert set(types) == {"float32", "int64"} | ({"bool"} if precision == "mixed_float16" else set())
    # The numbers of steps and of those left out; with a scaled loss, also its age and the steps that were wrong.
    assert len(types["int64"]) == (4 if precision == "mixed_float16" else 2)


def test_predictions_are_compiled_to_xla_by_nobody(found: dict[str, Any]) -> None:
    assert found["compiled_by_keras"] == {"whole": True, "finest": False}


def test_a_scale_that_is_too_large_is_halved_and_leaves_the_weights_alone(found: dict[str, Any]) -> None:
    lowered = found["steps"]["16, scale too large"]
    assert (lowered["moved"], lowered["left_out"], lowered["scale"]) == (0.0, 8, 2.0**92)


def test_a_scale_that_is_found_step_by_step_does_not_end_a_training(found: dict[str, Any]) -> None:
    assert found["steps"]["16, scale too large"]["end"] == "goes on"
    # From 4, the third step has a scale of 1, and nothing but the network to blame.
    assert found["overflows"] == [[6, 0], [6, 4], [6, 6], [6, 6]]


def test_infinite_losses_end_a_training_whatever_the_scale(found: dict[str, Any]) -> None:
    infinite = found["steps"]["16, infinite"]
    assert (infinite["left_out"], infinite["scale"]) == (6, 16.0)
    assert infinite["end"].startswith("epoch 0: 6 of 8 steps were not finite")


def test_balanced_epochs_see_a_rare_residual_tumour_as_often_as_all_others(found: dict[str, Any]) -> None:
    balanced = found["batches"]["balanced"]
    assert balanced["uniform"] == ["P0", "P1", "P2", "P3", "P4"]
    first, second, again = balanced["epochs"]
    assert first == again != second
    assert {len(first), len(second)} == {5}
    assert {drawn.count("P4") for drawn in (first, second)} <= {2, 3}
