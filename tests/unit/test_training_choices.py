"""Ways of training beyond the article: sampling, steps by the cohort's size, width by the number of channels."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from residua.bundle.start import _other_settings
from residua.cohort.commands.weights import weights_problems
from residua.errors import ResiduaError
from residua.networks.agunet.model_files import misdescribed as agunet_misdescribed
from residua.networks.agunet.names import NETWORK_FILE
from residua.networks.agunet.settings import AGUNetSettings
from residua.networks.cases import Channel
from residua.networks.model_card import describe_training, model_card
from residua.networks.nnunet.plans import CONFIGURATION, make_plans
from residua.networks.nnunet.settings import NnUNetSettings
from residua.networks.sampling import balanced_chances, balanced_epoch, has_residual
from residua.publishing.publish import digest
from residua.report.deviations import applying
from residua.report.networks import describe_network, settings_table
from residua.settings.study import Study, load_study
from residua.wiring.loaded import LoadedStudy
from residua.wiring.training import settings_of_training
from test_start import weights_of

CONFIG = yaml.safe_load((Path(__file__).parents[2] / "tests/micro/config.yaml").read_text(encoding="utf-8"))
CHOICES: dict[str, dict[str, Any]] = {
    "sampling": {"sampling": "balanced"},
    "width": {"filters_per_channel": 3},
    "steps": {"iterations_per_epoch": {"patches_per_case": 0.5}},
}


def study_with(choice: dict[str, Any], arch: str = "nnunet", **changed: Any) -> Study:
    config = deepcopy(CONFIG) | {"archs": [arch]} | changed
    config["networks"][arch] |= choice
    return load_study(config)


def nnunet(**choice: Any) -> NnUNetSettings:
    settings = study_with(choice).settings_of("nnunet")
    assert isinstance(settings, NnUNetSettings)
    return settings


def agunet(**choice: Any) -> AGUNetSettings:
    settings = study_with(choice, "agunet").settings_of("agunet")
    assert isinstance(settings, AGUNetSettings)
    return settings


def channels(number: int) -> list[Channel]:
    return [Channel(f"c{place}", is_label=False) for place in range(number)]


# Identity: what a study does not use is not said of it.


@pytest.mark.parametrize("arch", ["nnunet", "agunet"])
def test_defaults_are_in_no_digest_and_no_bundle(arch: str) -> None:
    written = study_with({}, arch).settings_of(arch).model_dump(mode="json")
    assert list(written) == [key for key in written if key in CONFIG["networks"][arch]]
    explicit = study_with({"sampling": "uniform", "filters_per_channel": None}, arch).settings_of(arch)
    assert explicit.model_dump(mode="json") == written
    assert describe_training("cases", 1, explicit) == describe_training(
        "cases", 1, study_with({}, arch).settings_of(arch)
    )


@pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES)
def test_a_choice_trains_again(choice: dict[str, Any]) -> None:
    assert describe_training("cases", 1, nnunet(**choice)) != describe_training("cases", 1, nnunet())


# Sampling.


def test_each_group_has_one_half_of_the_chances() -> None:
    assert balanced_chances([True, False, False, False, False]) == [0.5, *[0.125] * 4]
    assert balanced_chances([False, False]) == [0.5, 0.5]


@pytest.mark.parametrize(("rare", "frequent"), [(2, 10), (10, 2), (1, 6), (3, 3), (1, 1)])
def test_an_epoch_sees_both_groups_alike_and_nobody_twice_before_all_once(rare: int, frequent: int) -> None:
    groups = {f"R{n}": True for n in range(rare)} | {f"G{n}": False for n in range(frequent)}
    for epoch in range(6):
        drawn = balanced_epoch(groups, (7, epoch))
        assert len(drawn) == rare + frequent
        by_group = Counter(groups[patient] for patient in drawn)
        assert abs(by_group[True] - by_group[False]) == (rare + frequent) % 2
        for group in (True, False):
            times = [Counter(drawn)[patient] for patient in groups if groups[patient] == group]
            assert max(times) - min(times) <= 1


def test_epochs_draw_by_seed_and_epoch_and_see_all_of_a_frequent_group_in_time() -> None:
    groups = {"R0": True, "R1": True} | {f"G{n}": False for n in range(10)}
    epochs = [balanced_epoch(groups, (7, epoch)) for epoch in range(12)]
    assert epochs[3] == balanced_epoch(groups, (7, 3))
    assert epochs[3] != epochs[4]
    assert epochs[3] != balanced_epoch(groups, (8, 3))
    assert {patient for drawn in epochs for patient in drawn} == set(groups)


def test_one_group_alone_is_seen_once_each() -> None:
    assert balanced_epoch({"A": False, "B": False}, (1, 1)) == ["A", "B"]


def test_a_residual_tumour_is_one_from_the_studys_own_volume_on_unless_the_network_has_its_own() -> None:
    study = study_with({"sampling": "balanced"})
    given = settings_of_training(LoadedStudy(study, None), "nnunet", "B")  # type: ignore[arg-type]
    assert given["sampling_residual_ml"] == study.classification.residual_tumor_ml == 0.175
    settings = NnUNetSettings.model_validate(given)
    assert [has_residual(ml, settings) for ml in (0.0, 0.174, 0.175)] == [False, False, True]
    own = study_with({"sampling": "balanced", "sampling_residual_ml": 1.0})
    assert settings_of_training(LoadedStudy(own, None), "nnunet", "B")["sampling_residual_ml"] == 1.0  # type: ignore[arg-type]
    assert not has_residual(0.0, nnunet(sampling="balanced"))


def test_a_training_that_is_not_balanced_is_given_no_volume() -> None:
    given = settings_of_training(LoadedStudy(study_with({}), None), "nnunet", "B")  # type: ignore[arg-type]
    assert given == study_with({}).settings_of("nnunet").model_dump(mode="json")


# Steps of an epoch.


@pytest.mark.parametrize(
    ("steps", "cases", "expected"),
    [
        (250, 7, 250),
        ({"patches_per_case": 4}, 10, 20),
        ({"patches_per_case": 0.5}, 5, 2),
        ({"patches_per_case": 0.01}, 5, 1),
    ],
)
def test_an_epoch_has_so_many_steps(steps: Any, cases: int, expected: int) -> None:
    assert nnunet(iterations_per_epoch=steps).steps_of_epoch(cases) == expected


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (0, "networks.nnunet.iterations_per_epoch: Input should be greater than or equal to 1 (found 0)"),
        ("many", "networks.nnunet.iterations_per_epoch: Input should be a valid integer"),
        ({"patches_per_case": 0}, "iterations_per_epoch.patches_per_case: Input should be greater than 0 (found 0)"),
        ({"per_case": 4}, "networks.nnunet.iterations_per_epoch.per_case: unknown key"),
    ],
)
def test_steps_of_another_kind_are_refused(steps: Any, message: str) -> None:
    with pytest.raises(ResiduaError) as refused:
        nnunet(iterations_per_epoch=steps)
    assert message in str(refused.value)


# Width of the first level.


@pytest.mark.parametrize(("number", "expected"), [(1, 4), (2, 6), (5, 15)])
def test_the_first_level_grows_with_the_channels_in_both_networks(number: int, expected: int) -> None:
    plans = make_plans(nnunet(filters_per_channel=3), channels(number))
    features = plans["configurations"][CONFIGURATION]["architecture"]["arch_kwargs"]["features_per_stage"]
    assert features == [expected, 8, 16]
    assert agunet(filters_per_channel=3).features_for(number) == (expected, 8, 8)
    assert agunet().features_for(number) == (4, 8, 8)


def test_a_model_of_another_width_is_misdescribed() -> None:
    wide, seen = agunet(filters_per_channel=3), channels(2)
    described = {
        "shape": [16, 16, 16],
        "features": [6, 8, 8],
        "batch_normalization_momentum": 0.8,
        "channels": ["c0", "c1"],
    }
    assert agunet_misdescribed({NETWORK_FILE: described}, wide, seen) is None
    assert agunet_misdescribed({NETWORK_FILE: described}, agunet(), seen) == NETWORK_FILE
    assert agunet_misdescribed({NETWORK_FILE: {**described, "features": [4, 8, 8]}}, wide, seen) == NETWORK_FILE


def test_the_card_says_how_wide_a_model_is() -> None:
    assert "- filters of each level: 6, 8, 8; the first has at least 3 for a channel" in model_card(
        "agunet", channels(2), (3, 1), 1, agunet(filters_per_channel=3)
    )
    assert "filters of each level" not in model_card("agunet", channels(2), (3, 1), 1, agunet())


def test_weights_of_the_published_width_start_no_wider_network(tmp_path: Path) -> None:
    file = tmp_path / "start.safetensors"
    file.write_bytes(weights_of((4, 8, 8)))
    start = {"init": "file", "initial_weights": {"file": str(file), "sha256": digest(file)}}
    inputs = {"inputs": {"B": ["post_t1ce", "post_t1"], "D": ["post_t1ce", "post_t1", "pre_t1ce", "pre_tumor"]}}
    assert weights_problems(study_with(start, "agunet", **inputs)) == []
    (problem,) = weights_problems(study_with({**start, "filters_per_channel": 2}, "agunet", **inputs))
    assert "weights are missing or of another shape, among them encoder0_norm0/gamma" in problem.what
    assert "leave out networks.agunet.filters_per_channel" in problem.remedy


class _Record:
    """A bundle's record, as far as a start looks at its settings."""

    def __init__(self, settings: NnUNetSettings) -> None:
        self.settings = settings


@pytest.mark.parametrize("choice", [{"filters_per_channel": 3}, {"features": [6, 8, 16]}])
def test_a_bundle_of_another_width_starts_no_training(choice: dict[str, Any]) -> None:
    (key,) = choice
    for theirs, own in ((nnunet(), nnunet(**choice)), (nnunet(**choice), nnunet())):
        (told,) = _other_settings(_Record(theirs), "nnunet", own)  # type: ignore[arg-type]
        assert told.startswith(f"networks.nnunet.{key} is ")
    assert not list(_other_settings(_Record(nnunet()), "nnunet", nnunet(sampling="balanced")))  # type: ignore[arg-type]


# What the report says.


def test_the_report_says_what_a_study_chose() -> None:
    text = " ".join(describe_network(nnunet(**CHOICES["sampling"], **CHOICES["width"], **CHOICES["steps"])))
    assert "drawn equally often" in text
    assert "4, 8 and 16 filters, the first of at least 3 for each channel, with" in text
    assert "4 epochs of as many steps as draw 0.5 patches for each training case with a batch of 2" in text
    text = " ".join(describe_network(agunet(sampling="balanced")))
    assert "drawn equally often" in text
    plain = " ".join([*describe_network(nnunet()), *describe_network(agunet())])
    assert "equally often" not in plain
    assert "for each" not in plain
    rows = dict(settings_table(nnunet(**CHOICES["steps"])))
    assert "patches_per_case: 0.5" in rows.values()


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("sampling", "Sampling of training patients"),
        ("width", "Filters of the first level"),
        ("steps", "Steps of nnU-Net's epoch"),
    ],
)
def test_a_choice_is_a_deviation_of_the_study_that_makes_it(kind: str, what: str) -> None:
    assert what in {deviation.what for deviation in applying(study_with(CHOICES[kind]))}
    assert what not in {deviation.what for deviation in applying(study_with({}))}
