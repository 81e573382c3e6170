"""The identity of a training and the card of its model."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from residua.networks.cases import Channel
from residua.networks.model_card import describe_training, model_card
from residua.settings.network import NetworkSettings
from residua.settings.study import load_study

MICRO = load_study(yaml.safe_load((Path(__file__).parents[2] / "tests/micro/config.yaml").read_text()))


@pytest.fixture(params=["nnunet", "agunet"])
def settings(request: pytest.FixtureRequest) -> NetworkSettings:
    return MICRO.settings_of(request.param)


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # The changed values need not be valid.
def test_the_identity_changes_with_the_cases_the_version_and_every_setting(settings: NetworkSettings) -> None:
    own = describe_training("cases", 1, settings)
    others = [describe_training("other", 1, settings), describe_training("cases", 2, settings)]
    for name, value in settings:
        # A start that is none is told of nowhere.
        other = {"none": "preoperative"}.get(value, f"not {value}") if name == "init" else f"not {value}"
        others.append(describe_training("cases", 1, settings.model_copy(update={name: other})))
    assert own not in others
    assert len(set(others)) == len(others) == 2 + len(type(settings).model_fields)
    assert describe_training("cases", 1, settings.model_copy()) == own


def test_the_card_lists_channels_numbers_of_patients_and_every_setting(settings: NetworkSettings) -> None:
    channels = [Channel("post_t1ce", is_label=False), Channel("pre_tumor", is_label=True)]
    lines = model_card("nnunet", channels, (12, 3), 4, settings).splitlines()
    assert lines[0] == "# nnunet on post_t1ce, pre_tumor"
    assert "- channels, in this order: post_t1ce, pre_tumor" in lines
    assert "- trained on 12 patients, 3 of other hospitals validated" in lines
    for name, value in settings.model_dump(mode="json").items():
        assert f"| {name} | {value} |" in lines
