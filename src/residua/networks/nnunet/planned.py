"""Take the numbers of a network from nnU-Net's plans, whoever made them; this imports no framework.

What the plans say beyond these numbers must be what Residua itself writes: nnU-Net imports and calls what its plans
name, and a plan that is followed in part only is no plan.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from residua.errors import ResiduaError
from residua.networks.nnunet.plans import (
    CONFIGURATION,
    PLAIN,
    PREPROCESSOR,
    RESAMPLED,
    RESIDUAL,
    make_architecture,
    normalisation_of,
)
from residua.networks.nnunet.resampling import zyx
from residua.networks.nnunet.settings import NnUNetSettings, PlansFile
from residua.publishing.publish import digest

_AXES = [0, 1, 2]
_LABELS = "LabelManager"
_ALIKE = {
    "preprocessor_name": PREPROCESSOR,
    **RESAMPLED,
}
_Three = Annotated[list[int], Field(min_length=3, max_length=3)]
_Numbers = Annotated[list[int], Field(min_length=1)]


class _Layers(BaseModel):
    features_per_stage: _Numbers
    kernel_sizes: list[_Three]
    strides: list[_Three]
    n_conv_per_stage_decoder: _Numbers
    n_blocks_per_stage: _Numbers | None = None


class _Architecture(BaseModel):
    network_class_name: str
    arch_kwargs: _Layers


class _Configuration(BaseModel):
    spacing: Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=3, max_length=3)]
    patch_size: _Three
    batch_size: int
    batch_dice: bool
    normalization_schemes: list[str]
    architecture: _Architecture


def with_plan(
    record: Mapping[str, Any], made_here: Path | None, inputs: Mapping[str, Sequence[bool]]
) -> dict[str, Any]:
    """Fulfil ``residua.networks.planning.WithPlan``."""
    if made_here is not None:
        return {**record, **_made_here(made_here, inputs)}
    try:
        plans = PlansFile.model_validate(record.get("plans"))
    except ValidationError:
        # The check of the settings says what is wrong with it.
        return dict(record)
    file = Path(plans.file)
    if not file.is_file():
        raise ResiduaError(f"{file}: the plans are missing; correct networks.nnunet.plans.file in the config")
    if digest(file) != plans.sha256:
        raise ResiduaError(f"{file}: its sha256 differs from the one in the config; correct the path or the digest")
    return {**record, **numbers_of(file, plans.configuration, inputs)}


def _made_here(file: Path, inputs: Mapping[str, Sequence[bool]]) -> dict[str, Any]:
    try:
        return numbers_of(file, CONFIGURATION, inputs) if file.is_file() else {}
    except ResiduaError as error:
        raise ResiduaError(f"{error}. Remove the file to plan again: rm {file}") from None


def numbers_of(file: Path, name: str, inputs: Mapping[str, Sequence[bool]]) -> dict[str, Any]:
    """Return the settings that the configuration ``name`` of nnU-Net's plans decides, as builtins.

    ``inputs`` hold, for each input configuration of the study, whether each channel is a label; empty: not to be
    compared. Raises ``ResiduaError`` when Residua cannot follow the plans.
    """
    try:
        plans = json.loads(file.read_text(encoding="utf-8"))
        given = _inherited(plans["configurations"], name)
        back = plans.get("transpose_backward", _AXES)
        faults = [*_faults(given, name, inputs), *_faults_of_all(plans.get("transpose_forward", _AXES), back, plans)]
        if faults:
            raise ResiduaError("; ".join([f"{file}: {faults[0]}", *faults[1:]]))
        plan = _Configuration.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, (name, *first["loc"])))
        raise ResiduaError(f"{file}: {where}: {first['msg']}; give plans of nnU-Net 2.4 or later") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        what = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
        raise ResiduaError(f"{file}: these are no plans of nnU-Net ({type(error).__name__}: {what})") from None
    numbers = _numbers(plan, back)
    _require_architecture(file, name, given["architecture"], numbers, back)
    return numbers


def _inherited(configurations: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a configuration with what it inherits from others, as nnU-Net reads it."""
    if name not in configurations:
        raise ValueError(f"they have the configurations {', '.join(configurations)}, and not {name}")
    own = dict(configurations[name])
    parent = own.pop("inherits_from", None)
    return {**_inherited(configurations, parent), **own} if parent else own


def _faults(given: Mapping[str, Any], name: str, inputs: Mapping[str, Sequence[bool]]) -> Iterator[str]:
    if given.get("previous_stage"):
        yield f"{name} is the second stage of a cascade, which Residua does not train; name {CONFIGURATION}"
        return
    if len(given["patch_size"]) == 2:
        yield f"{name} plans in two dimensions; name one in three, such as {CONFIGURATION}"
        return
    if "architecture" not in given:
        yield "these plans are of an nnU-Net before 2.4, or have no architecture; plan again with a later one"
        return
    class_name = given["architecture"]["network_class_name"]
    if class_name not in (PLAIN, RESIDUAL):
        yield f"{name} names the network {class_name!r}; Residua trains {_last(PLAIN)} and {_last(RESIDUAL)}"
    schemes = given["normalization_schemes"]
    known = (normalisation_of(is_label=False), normalisation_of(is_label=True))
    unknown = [scheme for scheme in schemes if scheme not in known]
    if unknown:
        yield f"{name} normalises by {unknown[0]}; Residua normalises images by {known[0]} and labels by {known[1]}"
    elif inputs and not any(sorted(schemes) == sorted(map(normalisation_of, labels)) for labels in inputs.values()):
        each = ", ".join(f"{key} has {_counted(labels)}" for key, labels in inputs.items())
        found = _counted([scheme == known[1] for scheme in schemes])
        yield f"the plans are for other channels: {name} has {found}, the study's {each}; plan for one of these"
    masked = {"use_mask_for_norm": [scheme == known[0] for scheme in schemes]}
    for key, wanted in (_ALIKE if unknown else {**_ALIKE, **masked}).items():
        if key in given and given[key] != wanted:
            yield f"{name}.{key} is {given[key]!r}; Residua has {wanted!r}"


def _faults_of_all(forward: Sequence[int], back: Sequence[int], plans: Mapping[str, Any]) -> Iterator[str]:
    """Yield what Residua cannot follow in what holds for all configurations: the order of the axes, and the labels."""
    counted = all(type(axis) is int for axis in (*forward, *back)) and sorted(forward) == sorted(back) == _AXES
    if not counted or [forward[axis] for axis in back] != _AXES:
        yield (
            f"transpose_forward {forward!r} and transpose_backward {back!r} do not undo each other: each must hold "
            "0, 1 and 2 once, as nnU-Net's planner writes them"
        )
    if (labels := plans.get("label_manager", _LABELS)) != _LABELS:
        yield f"label_manager is {labels!r}; Residua has {_LABELS!r}"


def _counted(labels: Sequence[bool]) -> str:
    return f"{len(labels) - sum(labels)} image(s) and {sum(labels)} label(s)"


def _last(class_name: str) -> str:
    return class_name.rpartition(".")[2]


def _numbers(plan: _Configuration, back: Sequence[int]) -> dict[str, Any]:
    layers = plan.architecture.arch_kwargs

    def xyz(along: Sequence[Any]) -> list[Any]:
        # nnU-Net may have moved the axis of the thickest slices to the front.
        return zyx([along[axis] for axis in back])

    return {
        "spacing_mm": xyz(plan.spacing),
        "patch_size": xyz(plan.patch_size),
        "batch_size": plan.batch_size,
        "features": layers.features_per_stage,
        "kernels": [xyz(kernel) for kernel in layers.kernel_sizes],
        "strides": [xyz(stride) for stride in layers.strides],
        "convolutions_per_level": layers.n_conv_per_stage_decoder[0],
        "residual_blocks": layers.n_blocks_per_stage,
        "batch_dice": plan.batch_dice,
    }


def _require_architecture(
    file: Path, name: str, given: Mapping[str, Any], numbers: Mapping[str, Any], back: Sequence[int]
) -> None:
    """Raise ``ResiduaError`` unless the network of these numbers is the one that the plans describe, to the letter."""
    built = make_architecture(NnUNetSettings.model_construct(**numbers), numbers["features"])
    theirs = dict(given["arch_kwargs"])
    for key in ("kernel_sizes", "strides"):
        theirs[key] = [[along[axis] for axis in back] for along in theirs[key]]
    ours = {"network_class_name": built["network_class_name"], **built["arch_kwargs"]}
    found = {"network_class_name": given["network_class_name"], **theirs}
    # Left out, nnU-Net's networks have none of either.
    ours, found = ({key: value for key, value in each.items() if value is not None} for each in (ours, found))
    for key in sorted({*ours, *found}):
        if ours.get(key) != found.get(key):
            raise ResiduaError(
                f"{file}: {name}.architecture: {key} is {found.get(key)!r}, where a network of Residua has "
                f"{ours.get(key)!r}; give plans of nnU-Net's own planners"
            )
