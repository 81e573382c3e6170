"""Plans of nnU-Net: what is taken from them, what is refused, and whose brains make them."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cohort_tables import config, row
from residua.cohort.commands.start import start_problems
from residua.errors import ResiduaError
from residua.images import volumes
from residua.images.volumes import Grid, Image
from residua.networks.cases import Channel
from residua.networks.model_card import describe_training
from residua.networks.nnunet.model_files import misdescribed
from residua.networks.nnunet.planned import numbers_of
from residua.networks.nnunet.plans import INFERENCE, PLANS_FILE, make_dataset, make_plans
from residua.networks.nnunet.settings import NnUNetSettings
from residua.networks.plan_origin import ORIGIN, made_from
from residua.networks.planning import plan_file, planned_study, with_plans
from residua.preparation.planned_crops import planned_crops
from residua.problems.problem import Problem
from residua.publishing.publish import digest, stage, write_json
from residua.report.deviations import DEVIATIONS
from residua.report.networks import describe_network
from residua.settings.study import load_study
from residua.wiring import planning
from residua.wiring.loaded import LoadedStudy
from residua.wiring.sharing import settings_of_model
from residua.wiring.training import settings_of_training
from test_wiring import HOSPITALS, loaded_study

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
    "normalised over the box": (
        _configuration(lambda c: c.update(use_mask_for_norm=[False] * 3)),
        "use_mask_for_norm is [False, False, False]; Residua has [True, True, False]",
    ),
    "normalised over the box in part": (
        _configuration(lambda c: c.update(use_mask_for_norm=[True, False, False])), "use_mask_for_norm is [True, False,"
    ),
    "masks of other channels": (_configuration(lambda c: c.update(use_mask_for_norm=[True])), "use_mask_for_norm is"),
    "other labels": (lambda p: p.update(label_manager="Foo"), "label_manager is 'Foo'; Residua has 'LabelManager'"),
    "an axis that is none": (lambda p: p.update(transpose_backward=[0, 1, 5]), "transpose_backward [0, 1, 5] do not"),
    "one axis three times": (lambda p: p.update(transpose_backward=[0, 0, 0]), "do not undo each other"),
    "two axes": (lambda p: p.update(transpose_backward=[0, 1], transpose_forward=[0, 1]), "do not undo each other"),
    "an axis that is no count": (lambda p: p.update(transpose_backward=[0.0, 1, 2]), "do not undo each other"),
    "forward alone": (lambda p: p.update(transpose_forward=[2, 0, 1]), "do not undo each other"),
    "forward instead of back": (
        lambda p: p.update(transpose_forward=[2, 0, 1], transpose_backward=[2, 0, 1]), "do not undo each other"
    ),
    "no axes": (lambda p: p.update(transpose_backward=None), "these are no plans of nnU-Net"),
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


def kept_plan(folder: Path, **changes: Any) -> Any:
    """A study with a plan, made as the rule makes it, and the same study after changes to the configuration."""
    networks = with_nnunet(plans="auto")["networks"]
    before = loaded_study(folder, networks=networks)
    origin = made_from(planning.planned_patients(before), planning.plan_source(before))
    plan = {**make_plans(settings(), CHANNELS), ORIGIN: origin}
    write_json(plan_file("nnunet", "auto"), plan)
    return loaded_study(folder, **{"networks": networks, **changes})


def judged(loaded: LoadedStudy) -> list[Problem]:
    return [p for p in start_problems(loaded.study, loaded.cohort, None, False) if p.check.startswith("plan-")]


def test_a_plan_says_from_whom_it_was_made_and_names_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    after = kept_plan(tmp_path)
    text = (tmp_path / plan_file("nnunet", "auto")).read_text()
    assert len(json.loads(text)[ORIGIN]["patients"]) == 6
    assert not [patient for patient in after.cohort.patients if patient in text]
    assert judged(after) == []
    assert numbers_of(Path(plan_file("nnunet", "auto")), "3d_fullres", INPUTS) == decided(settings())


def test_a_plan_that_knows_the_hold_out_of_now_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    placed = list(config()["folds"].values())
    assert any("PAR" in hospitals for hospitals in placed)
    folds = {fold: [h for h in hospitals if h != "PAR"] for fold, hospitals in config()["folds"].items()}
    after = kept_plan(tmp_path, folds=folds, holdout=[*config()["holdout"], "PAR"])
    refused, kept = judged(after)
    assert (refused.check, refused.is_error) == ("plan-of-held-out", True)
    assert "the brains of 2 patient(s) who are in the hold-out now (PAR1, PAR2)" in str(refused)
    assert "rm results/plans/nnunet/auto.json" in refused.remedy
    assert (kept.check, kept.is_error) == ("plan-of-other-data", False)
    assert "2 patient(s) left the folds" in kept.what
    Path(plan_file("nnunet", "auto")).unlink()
    assert judged(after) == []


@pytest.mark.parametrize("origin", [None, {}, {"patients": 3}], ids=str)
def test_a_plan_that_does_not_say_from_whom_it_was_made_is_refused(
    origin: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    after = kept_plan(tmp_path)
    write_json(plan_file("nnunet", "auto"), {**make_plans(settings(), CHANNELS), ORIGIN: origin})
    (refused,) = judged(after)
    assert refused.is_error
    assert "does not say from whose brains" in refused.what


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"brain_mask": {"method": "template"}}, "brain_mask differs"),
        ({"inputs": {"A": ["post_t1ce"]}}, "channels differs"),
    ],
    ids=["masks", "channels"],
)
def test_a_plan_of_other_data_is_kept_and_told(
    changes: dict[str, Any], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (kept,) = judged(kept_plan(tmp_path, **changes))
    assert not kept.is_error
    assert kept.what == f"the plan is kept, and was made from other data: {told}"


def test_patients_who_joined_or_left_are_counted_and_the_plan_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    kept_plan(tmp_path)
    records = [row(f"{hospital}{number}", hospital) for hospital in HOSPITALS for number in (1, 3, 4)]
    after = loaded_study(tmp_path, records, networks=with_nnunet(plans="auto")["networks"])
    (kept,) = judged(after)
    assert not kept.is_error
    assert "6 patient(s) joined the folds; 3 patient(s) left the folds" in kept.what


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
