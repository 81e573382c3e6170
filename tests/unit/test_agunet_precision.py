"""The precision of AGU-Net's trainings is a choice that nothing tells of where it is not made."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from cohort_tables import ROOT
from residua.networks.agunet.settings import AGUNetSettings
from residua.networks.model_card import describe_training, model_card
from residua.report.deviations import applying
from residua.settings.study import Study, load_study

PUBLISHED = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
CHOSEN = [{"precision": "mixed_float16"}, {"precision": "mixed_bfloat16"}, {"compile_to_xla": True}]


def published(**chosen: Any) -> AGUNetSettings:
    return AGUNetSettings.model_validate({**PUBLISHED["networks"]["agunet"], **chosen})


def study(archs: list[str], **chosen: Any) -> Study:
    networks = {**PUBLISHED["networks"], "agunet": {**PUBLISHED["networks"]["agunet"], **chosen}}
    best = {name: dict.fromkeys(archs, "B") for name in PUBLISHED["statistics"]["best_inputs"]}
    statistics = {**PUBLISHED["statistics"], "best_inputs": best}
    return load_study({**PUBLISHED, "archs": archs, "networks": networks, "statistics": statistics})


def test_defaults_are_the_published_trainings_and_change_no_identity_and_no_card() -> None:
    asked = published(precision="float32", compile_to_xla=False)
    assert set(asked.model_dump(mode="json")) - {"initial_weights"} == set(PUBLISHED["networks"]["agunet"])
    assert describe_training("cases", 1, asked) == describe_training("cases", 1, published())
    assert "precision" not in model_card("agunet", [], (1, 1), 1, asked)


@pytest.mark.parametrize("chosen", CHOSEN)
def test_a_choice_makes_another_training_and_prepares_nothing_anew(chosen: dict[str, Any]) -> None:
    assert describe_training("cases", 1, published(**chosen)) != describe_training("cases", 1, published())
    assert published(**chosen).preparation() == published().preparation()
    (name, value), *_ = chosen.items()
    assert f"| {name} | {value} |" in model_card("agunet", [], (1, 1), 1, published(**chosen))


def test_16_bits_are_listed_as_a_deviation_of_studies_that_train_agunet() -> None:
    def told(archs: list[str], **chosen: Any) -> bool:
        return any(each.what == "Precision of AGU-Net's training" for each in applying(study(archs, **chosen)))

    assert not told(["nnunet", "agunet"])
    assert told(["nnunet", "agunet"], precision="mixed_float16")
    assert told(["agunet"], precision="mixed_bfloat16")
    assert not told(["nnunet"], precision="mixed_float16")
    assert not told(["nnunet", "agunet"], compile_to_xla=True)


def test_another_precision_is_refused() -> None:
    with pytest.raises(ValidationError, match="float32"):
        published(precision="float16")
