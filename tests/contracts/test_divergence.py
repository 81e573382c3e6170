"""A step that is not finite is left out; many of them end the training of any network."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
from test_networks import micro

from environments import python_in
from residua.errors import ResiduaError
from residua.networks.divergence import MOST_STEPS_LEFT_OUT, Steps, require_convergence

SMALL: dict[str, dict[str, Any]] = {
    "nnunet": {"patch_size": [24, 24, 20], "epochs": 2, "iterations_per_epoch": 8},
    "agunet": {"shape": [16, 16, 16], "epochs": 2, "patience_epochs": 2, "batch_size": 1, "effective_batch_size": 2},
}


# AGU-Net's own steps that are not finite: test_agunet.py.
@pytest.fixture(scope="module", params=["nnunet", pytest.param("agunet", marks=pytest.mark.long)])
def ended(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """How trainings of one network ended, by the number and the place of their steps that were not finite."""
    settings = micro().settings_of(request.param)
    given = json.dumps({**settings.model_dump(mode="json"), **SMALL[request.param]})
    script, folder = str(Path(__file__).parent / "divergence_check.py"), tmp_path_factory.mktemp(request.param)
    done = python_in(settings.environment, script, request.param, given, str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    return {"arch": request.param, **json.loads(done.stdout.splitlines()[-1])}


@pytest.mark.parametrize("steps", ["none", "one", "six apart"])
def test_a_few_steps_that_are_not_finite_do_not_end_a_training(ended: dict[str, Any], steps: str) -> None:
    training = ended[steps]
    assert len(training["losses"]) == 2
    assert all(map(math.isfinite, training["losses"]))
    assert training["finite"]


def test_a_step_that_is_not_finite_changes_what_is_learned_and_nothing_else(ended: dict[str, Any]) -> None:
    assert ended["one"]["sum"] != ended["none"]["sum"]
    assert ended["one"]["sum"] == pytest.approx(ended["none"]["sum"], rel=0.05)
    assert ended["one"]["losses"][0] == pytest.approx(ended["none"]["losses"][0], abs=0.2)


def test_many_in_one_epoch_end_the_training_with_the_reason(ended: dict[str, Any]) -> None:
    began = re.search(r" \(from step 2, with the patients (P\d(?:, P\d)*)\)", ended["six of an epoch"])
    assert began
    assert ended["six of an epoch"].replace(began[0], "") == (
        "epoch 0: 6 of 8 steps were not finite, the training has diverged; "
        f"lower networks.{ended['arch']}.learning_rate, and look for images with extreme values on the quality pages"
    )


def test_a_thread_that_meets_a_damaged_channel_ends_the_training_in_its_words(ended: dict[str, Any]) -> None:
    if ended["arch"] == "nnunet":
        pytest.skip("test_loader.py asks the same of nnU-Net's processes")
    assert ended["damaged"].startswith("FOLDER/P2.npz: cannot be read (")
    assert "Rebuild with: rm FOLDER/manifest.json" in ended["damaged"]


@pytest.mark.parametrize(
    ("left_out", "steps", "finite_weights", "what"),
    [
        (0, 250, False, "the weights are not finite"),
        (MOST_STEPS_LEFT_OUT + 1, 250, True, "6 of 250 steps were not finite"),
        (2, 2, True, "2 of 2 steps were not finite"),
    ],
)
def test_a_training_has_diverged(left_out: int, steps: int, finite_weights: bool, what: str) -> None:
    with pytest.raises(
        ResiduaError, match=f"^epoch 7: {what}, the training has diverged; lower networks.x.learning_rate"
    ):
        require_convergence("x", 7, left_out, steps, finite_weights)


@pytest.mark.parametrize(("left_out", "steps"), [(0, 1), (1, 2), (MOST_STEPS_LEFT_OUT, 250)])
def test_a_training_has_not_diverged(left_out: int, steps: int) -> None:
    require_convergence("x", 0, left_out, steps, True)


@pytest.mark.parametrize(
    ("losses", "weights_at_the_first", "weights_at_the_end", "said"),
    [
        ([True] * 2 + [False] * 6, True, True, r"6 of 8 steps were not finite \(from step 3, with the patients E, F\)"),
        ([False] * 3, True, True, r"3 of 3 steps were not finite \(from step 1, with the patients A, B\)"),
        # A loss that is not finite because the weights are not: the step before made them so.
        ([True, True, False, False], False, False, r"weights are not finite \(from step 2, with the patients C, D\)"),
        ([False, False], False, False, r"weights are not finite \(from step 1, with the patients A, B\)"),
        ([True] * 4, True, False, r"weights are not finite \(from step 4, with the patients G, H\)"),
    ],
)
def test_the_batch_is_named_with_which_it_began(
    losses: list[bool], weights_at_the_first: bool, weights_at_the_end: bool, said: str
) -> None:
    steps = Steps()
    for number, finite in enumerate(losses):
        steps.after("ABCDEFGHIJKLMNOP"[2 * number : 2 * number + 2], finite, lambda: weights_at_the_first)
    with pytest.raises(ResiduaError, match=said):
        steps.require_convergence("x", 7, weights_at_the_end)


def test_a_few_steps_of_an_epoch_do_not_end_it_and_the_next_epoch_begins_anew() -> None:
    for _ in range(2):
        steps = Steps()
        for number in range(8):
            steps.after(["A"], number >= MOST_STEPS_LEFT_OUT, lambda: True)
        steps.require_convergence("x", 7, True)
