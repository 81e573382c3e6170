"""What a bundle says of a model before its trained files are read: its settings, channels and folds."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from residua.bundle.names import BRAIN_WEIGHTS
from residua.settings.initial_bundle import initial_bundles_of
from residua.settings.regions import labels_of_regions
from residua.wiring.files import is_moving
from residua.wiring.loaded import LoadedStudy
from residua.wiring.preparation import channel_records

TOLD = frozenset(
    {
        *("version", "title", "sequences", "labels", "protocol", "eligibility", "on_invalid", "on_fault"),
        *("most_excluded", "inputs", "derived_channels", "channel_dropout", "holdout", "folds", "registration"),
        *("brain_mask", "preparation", "archs", "networks", "postprocessing", "classification", "lesions"),
        *("statistics", "sharing"),
    }
)
"""The settings of a study that a bundle tells: by these its models were made and judged."""
UNTOLD = frozenset({"cohort", "raters", "elsewhere", "combinations", "conventions", "report", "figures", "machine"})
"""Places of tables, what is compared or shown beside a model, the machine: a bundle is the same whatever they are."""


def descriptions(loaded: LoadedStudy) -> list[str]:
    """Return the descriptions of all models."""
    return [f"results/bundles/{arch}/{inputs}.json" for arch, inputs in loaded.models]


def settings_of_model(loaded: LoadedStudy, arch: str, inputs: str) -> dict[str, Any]:
    """Return the settings of the study as builtins, for one network and input configuration, without paths."""
    whole = loaded.study.model_dump(mode="json", include=set(TOLD))
    network = dict(whole["networks"][arch])
    if start := initial_bundles_of(loaded.study.settings_of(arch)).get(inputs):
        network["initial_bundles"] = {inputs: start.by_digest().model_dump(mode="json")}
    else:
        network.pop("initial_bundles", None)
    if network.get("initial_weights"):
        network["initial_weights"] = {**network["initial_weights"], "file": _name(network["initial_weights"]["file"])}
    if isinstance(plans := network.get("plans"), dict):
        network["plans"] = {**plans, "file": _name(plans["file"])}
    mask = whole["brain_mask"]
    if mask["weights"]:
        # The models of raidionics are their authors' to give: a bundle states the name and the digest.
        mask = {**mask, "weights": BRAIN_WEIGHTS if mask["method"] == "agunet" else _name(mask["weights"])}
    best = {experiment: {arch: inputs} for experiment in whole["statistics"]["best_inputs"]}
    derived = whole.pop("derived_channels", {})
    return {
        **whole,
        "archs": [arch],
        "networks": {arch: network},
        "inputs": {inputs: whole["inputs"][inputs]},
        "channel_dropout": {name: share for name, share in whole["channel_dropout"].items() if name == inputs},
        **_derived(derived, whole["inputs"][inputs]),
        "folds": whole["folds"] if loaded.split.unit == "person" else hospitals_of_folds(loaded),
        "brain_mask": mask,
        "statistics": {**loaded.study.statistics.without_subgroups(), "best_inputs": best},
    }


def hospitals_of_folds(loaded: LoadedStudy) -> dict[str, list[str]]:
    """Return the hospitals that validate each fold."""
    hospitals, folds = loaded.split.hospitals, loaded.split.folds
    return {str(fold): sorted({hospitals[patient] for patient in folds[fold]}) for fold in loaded.folds}


def identity_of_model(loaded: LoadedStudy, arch: str, inputs: str) -> dict[str, Any]:
    """Return which model it is, and where the weights of the brain mask's network lie if the study brought its own."""
    channels = channel_records(loaded, inputs)
    mask = loaded.study.brain_mask
    own = {"brain_weights": mask.weights} if mask.has_own_network else {}
    return {"arch": arch, "inputs": inputs, "channels": channels, "folds": list(loaded.folds), **own}


def images_of_model(loaded: LoadedStudy, arch: str, inputs: str) -> list[str]:
    """Return the image columns of a model: the reference, and what its channels and its region are or were drawn on."""
    study = loaded.study
    columns = (*study.columns_of(study.inputs[inputs]), *labels_of_regions(study, [arch]))
    drawn_on = [study.labels.get(column, column) for column in columns]
    return list(dict.fromkeys([study.sequences.reference, *(each for each in drawn_on if is_moving(loaded, each))]))


def _derived(definitions: dict[str, Any], channels: list[str]) -> dict[str, Any]:
    """Return the section of a model's derived channels; none where it has none."""
    used = {name: definition for name, definition in definitions.items() if name in channels}
    return {"derived_channels": used} if used else {}


def _name(path: str) -> str:
    return PurePath(path).name
