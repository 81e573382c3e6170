"""Plans of nnU-Net: what is taken from them, what is refused, and whose brains make them."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cohort_tables import config
from residua.errors import ResiduaError
from residua.images import volumes
from residua.images.volumes import Grid, Image
from residua.networks.cases import Channel
from residua.networks.model_card import describe_training
from residua.networks.nnunet.model_files import misdescribed
from residua.networks.nnunet.planned import numbers_of
from residua.networks.nnunet.plans import INFERENCE, PLANS_FILE, make_dataset, make_plans
from residua.networks.nnunet.settings import NnUNetSettings
from residua.networks.planning import plan_file, planned_study, with_plans
from residua.preparation.planned_crops import planned_crops
from residua.publishing.publish import digest, stage, write_json
from residua.report.deviations import DEVIATIONS
from residua.report.networks import describe_network
from residua.settings.study import load_study
from residua.wiring import planning
from residua.wiring.sharing import settings_of_model
from residua.wiring.training import settings_of_training
from test_wiring import loaded_study

CHANNELS = [Channel("post_t1ce", False), Channel("post_t1", False), Channel("pre_tumor", True)]
INPUTS = {"B": [False, False], "D": [False, False, True]}
RESIDUAL = {"residual_blocks": (1, 3, 4, 6, 6), "convolutions_per_level": 1}
Change = Callable[[dict[str, Any]], object]


def settings(**changes: Any) -> NnUNetSettings:
    """The published nnU-Net with changes."""
    published = load_study(config()).settings_of("nnunet").model_dump(mode="json")
    return NnUNetSettings.model_validate({**published, **changes})


def decided(of: NnUNetSettings) -> dict[str, Any]:
    """What plans decide."""
    keys = ("spacing_mm", "patch_size", "batch_size", "features", "kernels", "strides", "convolutions_per_level")
    return {key: json.loads(json.dumps(getattr(of, key))) for key in (*keys, "residual_blocks", "batch_dice")}


def written(folder: Path, plans: Any) -> Path:
    """A file with these plans."""
    file = folder / "plans.json"
    file.write_text(json.dumps(plans), encoding="utf-8")
    return file


@pytest.mark.parametrize("changes", [{}, RESIDUAL], ids=["plain", "residual"])
def test_plans_are_read_as_they_were_written(changes: dict[str, Any], tmp_path: Path) -> None:
    own = settings(**changes)
    assert numbers_of(written(tmp_path, make_plans(own, CHANNELS)), "3d_fullres", INPUTS) == decided(own)


def test_axes_that_nnunet_moved_are_moved_back(tmp_path: Path) -> None:
    own = settings()
    plans = make_plans(own, CHANNELS)
    plans["transpose_forward"], plans["transpose_backward"] = [2, 0, 1], [1, 2, 0]
    planned = plans["configurations"]["3d_fullres"]
    layers = planned["architecture"]["arch_kwargs"]
    for record, key in ((planned, "spacing"), (planned, "patch_size")):
        record[key] = [record[key][axis] for axis in (2, 0, 1)]
    for key in ("kernel_sizes", "strides"):
        layers[key] = [[along[axis] for axis in (2, 0, 1)] for along in layers[key]]
    assert planned["patch_size"] == [128, 80, 192]
    assert numbers_of(written(tmp_path, plans), "3d_fullres", INPUTS) == decided(own)


def test_a_configuration_inherits_as_nnunet_reads_it(tmp_path: Path) -> None:
    plans = make_plans(settings(), CHANNELS)
    plans["configurations"]["mine"] = {"inherits_from": "3d_fullres", "batch_size": 7}
    assert numbers_of(written(tmp_path, plans), "mine", INPUTS) == {**decided(settings()), "batch_size": 7}


def _configuration(change: Change) -> Change:
    return lambda plans: change(plans["configurations"]["3d_fullres"])


def _architecture(change: Change) -> Change:
    return _configuration(lambda planned: change(planned["architecture"]))


BAD: dict[str, tuple[Change, str]] = {
    "two dimensions": (_configuration(lambda c: c.update(patch_size=[512, 512])), "plans in two dimensions"),
    "cascade": (_configuration(lambda c: c.update(previous_stage="3d_lowres")), "second stage of a cascade"),
    "no such configuration": (lambda p: p["configurations"].pop("3d_fullres"), "and not 3d_fullres"),
    "no configurations": (lambda p: p.pop("configurations"), "these are no plans of nnU-Net"),
    "normalised for CT": (
        _configuration(lambda c: c.update(normalization_schemes=["CTNormalization"] * 3)), "normalises by CTNormalizat"
    ),
    "other channels": (
        _configuration(lambda c: c.update(normalization_schemes=["ZScoreNormalization"] * 4)),
        "for other channels: 3d_fullres has 4 image(s) and 0 label(s), the study's B has 2 image(s) and 0 label(s), D",
    ),
    "a label taken for an image": (
        _configuration(lambda c: c.update(normalization_schemes=["ZScoreNormalization"] * 3)), "for other channels"
    ),
    "strange class": (_architecture(lambda a: a.update(network_class_name="os.system")), "the network 'os.system'"),
    "class of another name": (
        _architecture(lambda a: a.update(network_class_name="my.unet.PlainConvUNet")), "'my.unet.PlainConvUNet'"
    ),
    "strange operation": (
        _architecture(lambda a: a["arch_kwargs"].update(norm_op="subprocess.run")), "norm_op is 'subprocess.run'"
    ),
    "another argument": (_architecture(lambda a: a["arch_kwargs"].update(squeeze_excitation=True)), "squeeze_excit"),
    "uneven levels": (
        _architecture(lambda a: a["arch_kwargs"].update(n_conv_per_stage=[1, 2, 2, 2, 2])), "n_conv_per_stage is [1, 2"
    ),
    "other resampling": (
        _configuration(lambda c: c.update(resampling_fn_data="resample_torch_fornnunet")), "resampling_fn_data is"
    ),
    "old plans": (_configuration(lambda c: c.pop("architecture")), "before 2.4"),
    "no batch": (_configuration(lambda c: c.pop("batch_size")), "3d_fullres.batch_size: Field required"),
    "spacing of nothing": (_configuration(lambda c: c.update(spacing=[0, 1, 1])), "3d_fullres.spacing.0"),
    "inherits from itself": (_configuration(lambda c: c.update(inherits_from="3d_fullres")), "no plans of nnU-Net"),
}  # fmt: skip


@pytest.mark.parametrize("bad", BAD)
def test_plans_that_cannot_be_followed_are_refused_with_file_and_reason(bad: str, tmp_path: Path) -> None:
    change, why = BAD[bad]
    plans = make_plans(settings(), CHANNELS)
    change(plans)
    file = written(tmp_path, plans)
    with pytest.raises(ResiduaError) as refused:
        numbers_of(file, "3d_fullres", INPUTS)
    assert str(refused.value).startswith(f"{file}: ")
    assert why in str(refused.value)


@pytest.mark.parametrize("content", ["", "[1", "[]", "7", '{"configurations": []}'])
def test_another_file_is_refused(content: str, tmp_path: Path) -> None:
    file = tmp_path / "plans.json"
    file.write_text(content)
    with pytest.raises(ResiduaError, match="these are no plans of nnU-Net"):
        numbers_of(file, "3d_fullres", INPUTS)


def with_nnunet(**changes: Any) -> dict[str, Any]:
    """The published configuration with changes to nnU-Net."""
    given = deepcopy(config())
    given["networks"]["nnunet"].update(changes)
    return given


def largest() -> list[Channel]:
    """The channels of the published configuration's inputs E."""
    given = config()
    return [Channel(name, name in given["labels"]) for name in given["inputs"]["E"]]


def test_a_plan_of_the_workflow_is_taken_once_it_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = with_nnunet(plans="resenc-m")
    study = planned_study(given)
    assert decided(NnUNetSettings.model_validate(study.settings_of("nnunet").model_dump())) == decided(settings())
    assert planning.plans_to_make(study) == ["results/plans/nnunet/resenc-m.json"]
    made = settings(**RESIDUAL, batch_size=3)
    write_json(plan_file("nnunet", "resenc-m"), make_plans(made, largest()))
    study = planned_study(given)
    assert planning.plans_to_make(study) == []
    taken = study.settings_of("nnunet").model_dump(mode="json")
    assert taken == {**made.model_dump(mode="json"), "plans": "resenc-m"}
    assert given["networks"]["nnunet"]["batch_size"] == 2


def test_a_plan_of_the_workflow_that_no_longer_fits_is_made_again_by_removing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_json(plan_file("nnunet", "auto"), make_plans(settings(), CHANNELS))
    with pytest.raises(ResiduaError, match=r"for other channels: .*rm results/plans/nnunet/auto\.json$"):
        planned_study(with_nnunet(plans="auto"))


def test_a_bundle_tells_the_name_of_a_plans_file_and_no_place(tmp_path: Path) -> None:
    plans = {"file": "/mnt/My Data/plans.json", "sha256": "0" * 64, "configuration": "3d_fullres"}
    loaded = loaded_study(tmp_path, networks=with_nnunet(plans=plans)["networks"])
    told = settings_of_model(loaded, "nnunet", "A")["networks"]["nnunet"]
    assert told["plans"] == {**plans, "file": "plans.json"}
    assert "initial_weights" not in told


def test_an_own_plan_counts_by_its_content(tmp_path: Path) -> None:
    made, trainings = settings(**RESIDUAL), []
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        file = written(tmp_path / folder, make_plans(made, largest()))
        study = planned_study(with_nnunet(plans={"file": str(file), "sha256": digest(file)}))
        own = study.settings_of("nnunet")
        assert isinstance(own, NnUNetSettings)
        trainings.append(describe_training("cases", 1, own.of_inputs("B")))
        assert own.residual_blocks == (1, 3, 4, 6, 6)
    assert trainings[0] == trainings[1]
    assert "those of a given plans file" in describe_network(own)[0]
    assert "with residual blocks (1, 3, 4, 6, 6) down" in describe_network(own)[0]


@pytest.mark.parametrize(
    ("plans", "why"),
    [
        ({"file": "plans.json", "sha256": "0" * 64}, "plans.json: its sha256 differs from the one in the config"),
        ({"file": "none.json", "sha256": "0" * 64}, "none.json: the plans are missing"),
        ({"file": "plans.json"}, "networks.nnunet.plans.PlansFile.sha256: Field required"),
        ("resenc-s", "networks.nnunet.plans"),
    ],
)
def test_a_wrong_name_of_a_plan_is_refused(
    plans: Any, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path, make_plans(settings(), largest()))
    with pytest.raises(ResiduaError, match=why):
        planned_study(with_nnunet(plans=plans))


def test_a_configuration_that_is_none_is_left_to_its_check() -> None:
    for given in ({}, {"networks": 3}, {"networks": {"nnunet": 3, 7: {"plans": "auto"}, "x": {"plans": []}}}):
        assert with_plans(given) == given


def test_what_differs_from_the_article_is_listed_while_it_applies() -> None:
    weights = {"file": "w.pth", "sha256": "0" * 64}
    listed = {
        name: {d.what for d in DEVIATIONS if d.applies(planned_study(with_nnunet(**changes)))}
        for name, changes in {"none": {}, "plan": {"plans": "auto"}, "start": {"initial_weights": weights}}.items()
    }
    assert listed["plan"] - listed["none"] == {"Plan of nnU-Net"}
    assert listed["start"] - listed["none"] == {"Start of nnU-Net"}
    (augmented,) = (d for d in DEVIATIONS if d.what == "Augmentation of nnU-Net" and d.applies(planned_study(config())))
    assert not augmented.applies(planned_study(with_nnunet(augmentation="article")))


def test_without_a_plan_a_training_is_described_as_before() -> None:
    described = settings().model_dump(mode="json")
    assert not {"plans", "residual_blocks", "initial_weights"} & set(described)


def test_a_bundle_of_a_residual_network_must_name_that_network_to_the_letter() -> None:
    own = settings(**RESIDUAL, augmentation="article")
    inference = {"mirror_axes": None, "tile_step": own.tile_step}
    plans = {**make_plans(own, CHANNELS), INFERENCE: inference}
    described = {"dataset.json": make_dataset(CHANNELS), PLANS_FILE: plans}
    assert misdescribed(described, own, CHANNELS) is None
    for name in ("dynamic_network_architectures.architectures.unet.PlainConvUNet", "my.ResidualEncoderUNet"):
        strange = deepcopy(described)
        strange[PLANS_FILE]["configurations"]["3d_fullres"]["architecture"]["network_class_name"] = name
        assert misdescribed(strange, own, CHANNELS) == PLANS_FILE


def test_a_plan_is_made_from_the_patients_of_the_folds_for_the_largest_inputs(tmp_path: Path) -> None:
    loaded = loaded_study(tmp_path, networks=with_nnunet(plans="auto")["networks"])
    held_out = set(loaded.split.holdout)
    assert held_out == {"AMS1", "AMS2"}
    assert set(planning.planned_patients(loaded)) == set(loaded.split.patients) - held_out
    batches = {Path(manifest).parent.name for manifest in planning.planned_brains(loaded)}
    assert batches == {batch for batch, members in loaded.cohort.batches.items() if not held_out & set(members)}
    assert [record["name"] for record in planning.planned_channels(loaded)] == ["post_t1ce", "pre_t1ce", "pre_tumor"]
    assert settings_of_training(loaded, "nnunet", "A")["plans"] == "auto"


def batch_of(folder: Path, sizes: dict[str, int]) -> Path:
    """A batch of brain masks, cubes of these sizes."""
    manifest = folder / "manifest.json"
    with stage(manifest) as part:
        for patient, size in sizes.items():
            mask = np.zeros((40, 40, 40), dtype=np.uint8)
            mask[3 : 3 + size, 4 : 4 + size, 5 : 5 + size] = 1
            volumes.save(Image(mask, Grid(mask.shape, np.diag([1.0, 1.0, 2.0, 1.0]))), part / f"{patient}.nii.gz")
            write_json(part / f"{patient}.json", {"problem": None})
    return manifest


def test_a_hold_out_in_the_same_batches_never_reaches_a_plan(tmp_path: Path) -> None:
    plans = []
    for name, poison in (("as it is", 11), ("poisoned", 39)):
        folder = tmp_path / name
        batches = [
            batch_of(folder / "a", {"P1": 10, "H1": poison}), batch_of(folder / "b", {"P2": 12, "P3": 14, "P4": 30})
        ]  # fmt: skip
        plans.append([crop.to_json() for crop in planned_crops(batches, ["P1", "P2", "P3", "P4"], {"P4"})])
    assert plans[0] == plans[1]
    assert [crop["box"][0] for crop in plans[0]] == [[3, 13], [3, 15], [3, 17]]
