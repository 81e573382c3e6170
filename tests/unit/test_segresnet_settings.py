"""SegResNet's settings, what a report says of them, and what a bundle of its models must say."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from bundles import CHANNELS, MICRO
from residua.networks.cases import Channel
from residua.networks.segresnet.model_files import misdescribed
from residua.networks.segresnet.names import NETWORK_FILE, description
from residua.networks.segresnet.settings import SegResNetSettings
from residua.report.networks import describe_network
from residua.settings.initial_bundle import InitialBundle
from residua.settings.study import load_study
from rule_files import HOUSE

PUBLISHED = yaml.safe_load((HOUSE / "config.yaml").read_text())


def settings(**changes: Any) -> SegResNetSettings:
    given = yaml.safe_load(MICRO.read_text())["networks"]["segresnet"]
    return SegResNetSettings.model_validate({**given, **changes})


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"blocks_up": [1]}, "blocks_up needs one entry per level but the lowest: one less than blocks_down"),
        ({"patch_size": [32, 32, 30]}, "patch_size must be a multiple of 4 along x, y, z: each level halves it"),
        ({"warmup_epochs": 4}, "warmup_epochs must be fewer than epochs"),
        ({"init_filters": 12}, "Input should be a multiple of 8"),
        ({"window_overlap": 1.0}, "Input should be less than 1"),
    ],
)
def test_settings_that_make_no_network_are_refused(changes: dict[str, Any], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        settings(**changes)


def test_the_published_study_describes_it_and_does_not_train_it() -> None:
    study = load_study(PUBLISHED)
    assert "segresnet" not in study.archs
    assert study.settings_of("segresnet").environment == "monai"


def test_a_study_that_trains_it_beside_the_articles_networks_is_accepted() -> None:
    best = {name: {**chosen, "segresnet": "out_of_fold"} for name, chosen in _best_inputs().items()}
    statistics = {**PUBLISHED["statistics"], "best_inputs": best}
    study = load_study({**PUBLISHED, "archs": ["nnunet", "agunet", "segresnet"], "statistics": statistics})
    assert study.archs == ("nnunet", "agunet", "segresnet")


def _best_inputs() -> dict[str, dict[str, str]]:
    best: dict[str, dict[str, str]] = PUBLISHED["statistics"]["best_inputs"]
    return best


def test_a_report_describes_it_in_the_words_of_its_package() -> None:
    published = load_study(PUBLISHED).settings_of("segresnet")
    architecture, training = describe_network(published)
    assert "patches of 128 × 128 × 128 voxels and has 4 levels of 32, 64, 128 and 256 filters" in architecture
    assert "for 300 epochs of one patch per patient with a batch of 2, by AdamW" in training
    assert training.endswith("Predictions come from windows that overlap by 50 % of the patch.")


def test_a_report_says_what_it_sees_and_how_often_it_sees_whom() -> None:
    architecture, training = describe_network(settings(region="pre_tumor", sampling="balanced"))
    assert "What it sees was cropped to the box that reaches 20 mm beyond the " in architecture
    assert training.endswith(
        "Training patients with residual tumour and after gross total resection are drawn equally often."
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("filters_per_channel", "filters_per_channel is no setting of SegResNet: .* give those of the first as init_f"),
        ("iterations_per_epoch", "iterations_per_epoch is no setting of SegResNet: .* patches_per_patient"),
    ],
)
def test_a_setting_of_the_other_networks_is_answered_by_its_own(name: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        settings(**{name: 4})


def test_a_report_says_that_trainings_start_from_a_bundle() -> None:
    start = InitialBundle(file="b.zip", sha256="0" * 64)
    _, training = describe_network(settings(initial_bundles={"B": start.model_dump()}))
    assert "Trainings on inputs B (learning rate 0.0003) started from the models of a bundle" in training


@pytest.mark.parametrize(
    "wrong",
    [
        {"patch_size": [64, 64, 64]},
        {"blocks_down": [1, 1, 2]},
        {"channels": ["post_t1", "post_t1ce"]},
        {"further": 1},
    ],
)
def test_a_description_of_another_network_is_named(wrong: dict[str, Any]) -> None:
    own = description(settings(), CHANNELS)
    assert misdescribed({NETWORK_FILE: own}, settings(), CHANNELS) is None
    assert misdescribed({NETWORK_FILE: {**own, **wrong}}, settings(), CHANNELS) == NETWORK_FILE
    assert misdescribed({NETWORK_FILE: []}, settings(), CHANNELS) == NETWORK_FILE
    assert misdescribed({NETWORK_FILE: own}, settings(), (Channel("post_t1ce", False),)) == NETWORK_FILE
