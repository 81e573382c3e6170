"""Networks that are trained to do without channels, and patients who lack some."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from test_networks import micro

from environments import python_in

CHANGES: dict[str, dict[str, Any]] = {
    "nnunet": {"patch_size": [24, 24, 20], "epochs": 1, "iterations_per_epoch": {"patches_per_case": 1}},
    "agunet": {"shape": [24, 24, 16], "epochs": 1},
}


@pytest.fixture(scope="module", params=["nnunet", pytest.param("agunet", marks=pytest.mark.long)])
def record(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What one network's samples and predictions lack."""
    arch = request.param
    settings = micro().settings_of(arch)
    given = json.dumps({**settings.model_dump(mode="json"), **CHANGES[arch]})
    script, folder = Path(__file__).parent / "dropout_check.py", tmp_path_factory.mktemp(arch)
    (folder / "model").mkdir()
    done = python_in(settings.environment, str(script), arch, given, str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_each_channel_but_the_reference_is_left_out_as_often_as_asked(record: dict[str, Any]) -> None:
    assert record["samples"] >= 60
    reference, flair, before, tumour = record["lacking"]
    assert reference == 0
    # Four standard deviations of a share of 0.4 in 60 samples; the label also goes with its sequence: 1 - 0.6².
    assert flair == pytest.approx(0.4, abs=0.25)
    assert before == pytest.approx(0.4, abs=0.25)
    assert tumour > before
    assert record["label_without_its_sequence"] == 0


def test_no_channel_is_left_out_by_default(record: dict[str, Any]) -> None:
    assert record["lacking_without_dropout"] == [0, 0, 0]


def test_a_lacking_channel_is_what_an_image_of_zeros_is_prepared_to(record: dict[str, Any]) -> None:
    assert record["difference_to_zeros"] == 0
    assert record["difference_to_whole"] > 0


def test_a_balanced_nnunet_draws_the_rarer_group_as_often_and_counts_its_steps_by_the_cases(
    record: dict[str, Any],
) -> None:
    if record["balanced"] is None:
        pytest.skip("AGU-Net's epochs are judged in test_agunet.py")
    # Three cases at a patch each, in batches of two.
    assert record["balanced"] == [2, [0.25, 0.5, 0.25], None]


def test_a_network_that_is_confined_to_a_region_finds_nothing_outside_and_sees_the_same_grey_values(
    record: dict[str, Any],
) -> None:
    confined = record["confined"]
    assert confined["outside"] == 0
    assert confined["inside"] > 0
    # The label's surroundings are half tumour, whose brightness is that of the brain's normalisation.
    seen, expected = confined["brightest"]
    assert seen == pytest.approx(expected, abs=0.5)
