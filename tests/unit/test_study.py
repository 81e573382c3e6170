from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from pydantic import ValidationError

from cohort_tables import PUBLISHED, ROOT, config, study
from residua.errors import ResiduaError
from residua.networks.nnunet.settings import NnUNetSettings
from residua.settings.study import Study, load_study

NUMBERS = {
    "sequences.reference": "post_t1ce",
    "inputs.A": ("post_t1ce",),
    "inputs.B": ("post_t1ce", "post_t1"),
    "inputs.C": ("post_t1ce", "post_t1", "post_flair"),
    "inputs.D": ("post_t1ce", "post_t1", "pre_t1ce", "pre_tumor"),
    "inputs.E": ("post_t1ce", "post_t1", "post_flair", "pre_t1ce", "pre_tumor"),
    "holdout": ("AMS",),
    "folds": {0: ("STO",), 1: ("GRO", "MIL", "UTR"), 2: ("SFR", "VIE"), 3: ("PAR", "ZWO", "ALK", "HAG"), 4: ("GOT",)},
    "registration.engine": "ants",
    "registration.transform": "SyN",
    "networks.nnunet.spacing_mm": (0.5, 0.5, 1.0),
    "networks.nnunet.patch_size": (128, 192, 80),
    "networks.nnunet.batch_size": 2,
    "networks.nnunet.features": (32, 64, 128, 256, 320),
    "networks.nnunet.kernels": ((3, 3, 1), *[(3, 3, 3)] * 4),
    "networks.nnunet.epochs": 1000,
    "networks.nnunet.iterations_per_epoch": 250,
    "networks.nnunet.momentum": 0.99,
    "networks.nnunet.loss": "dice_and_cross_entropy",
    "networks.agunet.spacing_mm": (1.0, 1.0, 1.0),
    "networks.agunet.shape": (128, 128, 144),
    "networks.agunet.features": (16, 32, 128, 256, 256),
    "networks.agunet.batch_size": 2,
    "networks.agunet.effective_batch_size": 32,
    "networks.agunet.learning_rate": 1e-3,
    "networks.agunet.patience_epochs": 30,
    "networks.agunet.flip_probability": 0.5,
    "networks.agunet.rotation_degrees": 20.0,
    "networks.agunet.rotation_probability": 0.5,
    "networks.agunet.translation_fraction": 0.1,
    "networks.agunet.translation_probability": 0.5,
    "postprocessing.min_component_voxels": 20,
    "classification.residual_tumor_ml": 0.175,
    "classification.min_overlap_dice": 0.0,
    "statistics.alpha": 0.05,
    "statistics.interval_sd_multiplier": 1.96,
}


def changed(key: str, value: Any) -> dict[str, Any]:
    """The published configuration with one dotted key set."""
    changed = copy.deepcopy(PUBLISHED)
    *sections, name = key.split(".")
    section = changed
    for part in sections:
        section = section[part]
    section[name] = value
    return changed


def refusal(settings: dict[str, Any]) -> list[str]:
    before = copy.deepcopy(settings)
    with pytest.raises(ResiduaError) as raised:
        load_study(settings)
    assert settings == before
    title, *lines = str(raised.value).splitlines()
    assert title == "The configuration cannot be used:"
    return lines


@pytest.mark.parametrize(("key", "expected"), NUMBERS.items())
def test_the_published_configuration_has_the_articles_values(key: str, expected: Any) -> None:
    found: Any = load_study(PUBLISHED)
    for part in key.split("."):
        found = found[part] if isinstance(found, dict) else getattr(found, part)
    assert found == expected


def test_columns_follow_from_the_configuration() -> None:
    published = load_study(PUBLISHED)
    images = ("post_t1ce", "post_t1", "post_flair", "pre_t1ce")
    assert published.images == images
    assert published.file_columns == (*images, "residual", "pre_tumor")
    assert published.channels == (*images, "pre_tumor")
    assert study(brain_mask={"method": "given"}).file_columns[-1] == "brain_mask"
    assert study(inputs={"B": ["post_t1", "post_t1ce"]}).channels == ("post_t1ce", "post_t1")


def test_the_settings_of_a_network_are_found_by_its_name() -> None:
    assert isinstance(load_study(PUBLISHED).settings_of("nnunet"), NnUNetSettings)


def test_the_inputs_of_an_experiment_are_chosen_or_left_to_the_results() -> None:
    published = load_study(PUBLISHED)
    assert published.candidates("classification", "agunet") == ["E"]
    assert published.candidates("segmentation", "agunet") == ["B"]
    left = load_study(changed("statistics.best_inputs.raters.nnunet", "out_of_fold"))
    assert left.candidates("raters", "nnunet") == ["A", "B", "C", "D", "E"]


def test_a_brain_mask_depends_on_the_settings_of_its_method_alone() -> None:
    slabs = {"weights": "brain.safetensors", "weights_sha256": "a" * 64}
    methods = {
        "deepbet": ("torch", {}),
        "hd-bet": ("hdbet", {"hd_bet_mode": "accurate"}),
        "agunet": ("tensorflow", {**slabs, "features": [16, 32, 128, 256, 256]}),
        "raidionics": ("raidionics", slabs),
        "template": ("core", {}),
        "stripped": ("core", {}),
        "given": ("core", {}),
    }
    packaged = study(brain_mask={"method": "agunet"}).brain_mask
    assert packaged.extraction() == {"method": "agunet"}
    assert packaged.has_packaged_network
    for method, (environment, used) in methods.items():
        found = study(brain_mask={"method": method, **(slabs if method in ("agunet", "raidionics") else {})}).brain_mask
        assert found.environment == environment
        assert found.extraction() == {"method": method, **used}
        assert (ROOT / "envs" / f"{environment}.yaml").is_file()
        assert all((ROOT / "src" / f"{name.replace('.', '/')}.py").is_file() for name in found.modules)
        assert len(found.modules) == (method != "given")


def test_weights_of_a_brain_mask_are_for_methods_that_need_both() -> None:
    (line,) = refusal(changed("brain_mask", {"method": "agunet", "weights": "brain.safetensors"}))
    own = "method agunet needs both weights and weights_sha256, or neither for the package's"
    assert line == f"  brain_mask: {own}"
    (line,) = refusal(changed("brain_mask", {"method": "raidionics", "weights_sha256": "a" * 64}))
    assert line.startswith("  brain_mask: method raidionics needs the authors' model under weights, and weights_sha256")
    (line,) = refusal(changed("brain_mask", {"method": "template", "weights_sha256": "a" * 64}))
    assert line == "  brain_mask: weights_sha256 are for method agunet and raidionics, not template"


def test_a_study_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load_study(PUBLISHED).version = 2


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("thresholds", 1, "thresholds: unknown key; see docs/reference/config.md for the known keys"),
        (
            "networks.nnunet.epoch",
            5,
            "networks.nnunet.epoch: unknown key; see docs/reference/config.md for the known keys",
        ),
        ("folds.1", ["STO", "GRO"], "study: hospital STO is in more than one fold"),
        ("holdout", ["AMS", "GOT"], "study: hospital GOT is both held out and in a fold"),
        ("folds.1", [], "study: fold 1 names no hospital"),
        ("folds", {0: ["STO"], 2: ["GOT"]}, "study: folds are numbered [0, 2], expected 0 to 1"),
        (
            "inputs.F",
            ["post_t1ce", "post_t2"],
            "study: input configuration F names post_t2, which is not a sequence, label or derived channel",
        ),
        ("inputs.F", [], "study: input configuration F must name at least one channel"),
        ("inputs.F", ["post_t1", "post_t1"], "inputs.F: post_t1 stands more than once; write it once"),
        ("archs", ["nnunet", "agunet", "nnunet"], "archs: nnunet stands more than once; write it once"),
        ("holdout", ["AMS", "AMS"], "holdout: AMS stands more than once; write it once"),
        ("folds.1", ["GRO", "MIL", "GRO", "MIL"], "folds.1: GRO, MIL stands more than once; write it once"),
        ("sequences.moving", ["post_t1", "post_t1"], "sequences.moving: post_t1 stands more than once; write it once"),
        (
            "sequences.before_surgery",
            ["pre_t1ce", "pre_t1ce"],
            "sequences.before_surgery: pre_t1ce stands more than once; write it once",
        ),
        ("postprocessing.thresholds", [0.5, 0.6, 0.50], "postprocessing.thresholds: 0.5 stands more than once"),
        (
            "inputs.F",
            ["post_t1ce", "residual"],
            "study: input configuration F names residual, the reference standard; remove it",
        ),
        ("labels.edema", "post_t2", "study: label edema is drawn on post_t2, which is not a sequence"),
        ("labels.residual", "post_t1", "study: labels must hold residual, drawn on the reference sequence"),
        ("sequences.moving", ["post_t1ce"], "a column is named twice among sequences and labels"),
        (
            "sequences.moving",
            ["post_t1", "post_flair", "pre_t1ce", "post_t1_warp"],
            "post_t1_warp is the name of the file that holds the deformation of post_t1; give that column another name",
        ),
        (
            "labels.pre_t1ce_warp",
            "pre_t1ce",
            "pre_t1ce_warp is the name of the file that holds the deformation of pre_t1ce; give that column another",
        ),
        ("cohort", "{old}/cohort.tsv", "cohort: '{old}/cohort.tsv' holds { or }, which the workflow takes"),
        (
            "brain_mask.weights",
            "w}.safetensors",
            "weights: 'w}.safetensors' holds { or }, which the workflow takes for a placeholder: rename it",
        ),
        (
            "sequences.before_surgery",
            ["post_t1ce"],
            "sequences.before_surgery names post_t1ce, which is missing under sequences.moving",
        ),
        (
            "registration.resected",
            "residual",
            "study: registration.resected names residual, which is not a label of a sequence from before surgery",
        ),
        ("networks.nnunet", None, "study: archs names nnunet, which is missing under networks"),
        ("archs", ["vnet"], "archs names vnet, which is missing under networks"),
        ("networks.vnet", {}, "networks.vnet: unknown key"),
        (
            "statistics.best_inputs.raters",
            {"nnunet": "Z", "agunet": "B"},
            "study: statistics.best_inputs.raters.nnunet names Z, which is missing under inputs",
        ),
        (
            "statistics.best_inputs.raters",
            {"nnunet": "out_of_fold"},
            "study: statistics.best_inputs.raters does not name the network agunet",
        ),
        ("networks.nnunet.strides", [[1, 1, 1]], "networks.nnunet: features, kernels and strides need one entry per"),
        (
            "networks.nnunet.patch_size",
            [128, 190, 80],
            "networks.nnunet: patch_size must be a multiple of [16, 16, 8] along x, y, z, the product of the strides",
        ),
        (
            "networks.nnunet.strides",
            [[2, 2, 1], [2, 2, 1], [2, 2, 2], [2, 2, 2], [2, 2, 2]],
            "networks.nnunet: strides must begin with [1, 1, 1]",
        ),
        ("networks.nnunet.kernels", [[3, 3, 2], *[[3, 3, 3]] * 4], "networks.nnunet: kernels must have odd sizes"),
        ("networks.nnunet.features", [32, 64, 128, 256, 0], "networks.nnunet.features.4: Input should be greater than"),
        (
            "registration.within_session.iterations",
            [40, -1],
            "registration.within_session.iterations.1: Input should be greater than or equal to 0",
        ),
        ("networks.nnunet.epochs", "many", "networks.nnunet.epochs: Input should be a valid integer"),
        ("networks.nnunet.spacing_mm", [1.0, 0.0, 1.0], "networks.nnunet.spacing_mm.1: Input should be greater than 0"),
        ("statistics.alpha", 5, "statistics.alpha: Input should be less than 1 (found 5)"),
        (
            "folds",
            {"method": "balancd"},
            "folds.method: Input should be 'balanced', 'leave_one_hospital_out' or 'file' (found 'balancd')",
        ),
        ("folds", {"metod": "balanced"}, "folds.method: Field required"),
        ("folds", {"method": "balanced"}, "folds.number: Field required"),
        ("folds", {"method": "balanced", "number": 1}, "folds.number: Input should be greater than or equal to 2"),
        (
            "folds",
            {"method": "balanced", "number": 5, 0: ["STO"]},
            "folds.0: unknown key; see docs/reference/config.md",
        ),
        ("folds", {"method": "leave_one_hospital_out", "number": 5}, "folds.number: unknown key"),
        ("folds", {"method": "file"}, "folds.path: Field required"),
        (
            "folds",
            "balanced",
            "folds: give the hospitals of each fold, or method: balanced, leave_one_hospital_out, file",
        ),
        ("folds", {0: ["STO"]}, "folds: Dictionary should have at least 2 items after validation, not 1"),
        ("folds.1", ["A-1"], "folds.1.0: String should match pattern '^[A-Za-z0-9]+$' (found 'A-1')"),
        ("postprocessing.connectivity", 8, "postprocessing.connectivity: Input should be 6, 18 or 26 (found 8)"),
    ],
)
def test_a_wrong_setting_is_reported_with_its_key(key: str, value: Any, line: str) -> None:
    (told,) = refusal(changed(key, value))
    assert line in told


@pytest.mark.parametrize(
    "folds",
    [
        {"method": "balanced", "number": 5},
        {"method": "leave_one_hospital_out"},
        {"method": "file", "path": "folds.tsv"},
        {0: ["STO"], 1: ["GOT"]},
    ],
)
def test_folds_are_named_or_placed_by_a_method_and_survive_json(folds: dict[Any, Any]) -> None:
    settings = json.loads(json.dumps(study(folds=folds).model_dump(mode="json")))
    assert settings["folds"] == json.loads(json.dumps(folds))
    assert load_study(settings) == study(folds=folds)


def test_a_missing_key_is_reported() -> None:
    settings = config()
    del settings["statistics"]["alpha"]
    assert refusal(settings) == ["  statistics.alpha: Field required"]


def test_all_wrong_settings_are_reported_together() -> None:
    told = refusal(config(version=0, typo=1, title=""))
    assert [line.split(":")[0].strip() for line in told] == ["version", "title", "typo"]
    (split,) = refusal(config(folds={0: ["STO"], 1: ["STO"]}, holdout=["STO"]))
    assert "more than one fold; hospital STO is both held out" in split


def test_contradictions_are_told_beside_values_that_cannot_be_read() -> None:
    settings = config(title="")
    settings["registration"] |= {"resected": "residual", "seed": -1, "transform": "diffeomorphic"}
    settings["networks"]["nnunet"]["epochs"] = "many"
    settings["networks"]["agunet"] = None
    settings["holdout"] = ["STO"]
    settings["statistics"]["alpha"] = 5
    settings["statistics"]["best_inputs"]["raters"] = {"nnunet": "Z", "agunet": "A"}
    told = refusal(settings)
    keys = ("title", "registration.seed", "networks.nnunet.epochs", "statistics.alpha", "registration", "study")
    assert [line.split(":")[0].strip() for line in told] == list(keys)
    assert told[4:] == [
        "  registration: transform diffeomorphic is not one of the engine ants",
        "  study: hospital STO is both held out and in a fold; "
        "registration.resected names residual, which is not a label of a sequence from before surgery; "
        "archs names agunet, which is missing under networks; "
        "statistics.best_inputs.raters.nnunet names Z, which is missing under inputs",
    ]


def test_what_depends_on_an_unreadable_value_is_not_judged() -> None:
    labels = {"residual": "post_t1ce", "pre_tumor": 5}
    settings = config("A", labels=labels, inputs={"A-1": ["post_t1ce"]}, archs="nnunet")
    told = refusal(settings)
    assert [line.split(":")[0].strip() for line in told] == ["labels.pre_tumor", "inputs.A-1.[key]", "archs"]


def test_only_scans_from_before_surgery_are_registered_across_it() -> None:
    study = load_study(PUBLISHED)
    across, within = study.registration_of("pre_t1ce"), study.registration_of("post_flair")
    assert across.deformation == study.registration.across_surgery != within.deformation
    assert within.deformation == study.registration.within_session
    alike = study.registration.model_copy(update={"across_surgery": None})
    assert alike.of(before_surgery=True).deformation == alike.within_session


def test_lists_of_numbers_that_may_repeat_do() -> None:
    study = load_study(changed("registration.within_session.iterations", [40, 40, 20]))
    assert study.registration.within_session.iterations == (40, 40, 20)
    assert len(set(study.networks.nnunet.kernels)) < len(study.networks.nnunet.kernels)  # type: ignore[attr-defined]


LISTS_THAT_MAY_REPEAT = {"iterations", "features", "kernels", "strides", "residual_blocks", "blocks_down", "blocks_up"}
"""Numbers of levels, from coarse to fine or along the network."""


def lists_of(schema: Any, name: str = "") -> dict[str, Any]:
    """The lists of a JSON schema by the name of their key; a list of fixed length is a vector."""
    found = {name: schema} if isinstance(schema, dict) and "items" in schema else {}
    parts = schema.items() if isinstance(schema, dict) else enumerate(schema) if isinstance(schema, list) else ()
    for key, part in parts:
        inner = key if isinstance(schema, dict) and key not in WRAPPERS else name
        found |= lists_of(part, str(inner))
    return found


WRAPPERS = ("anyOf", "additionalProperties", "patternProperties", "properties", "$defs", "items", r"^[A-Za-z0-9]+$")


def test_every_other_list_of_the_settings_refuses_a_repeat() -> None:
    lists = lists_of(Study.model_json_schema())
    assert {"archs", "holdout", "moving", "thresholds", "inputs"} <= set(lists)
    may_repeat = {name for name, found in lists.items() if not found.get("uniqueItems")}
    assert may_repeat == LISTS_THAT_MAY_REPEAT
