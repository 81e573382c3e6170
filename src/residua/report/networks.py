"""Describe the training of a network from its settings."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from residua.networks.agunet.settings import AGUNetSettings
from residua.networks.nnunet.settings import NnUNetSettings
from residua.report.wording import counted, listed, name_of, plain, share
from residua.settings.base import Frozen
from residua.settings.case_sampling import SamplingCases
from residua.settings.first_level import FirstLevel
from residua.settings.initial_bundle import StartingFromBundles
from residua.settings.network import NetworkSettings
from residua.settings.region import WithRegion

_LEFT_OUT = {
    "nnunet": "",
    "nnunet_without_mirroring": " without mirroring",
    "article": " without mirroring and without the simulation of low resolution",
}


def describe_network(settings: NetworkSettings) -> tuple[str, ...]:
    """Describe preparation, architecture and training in paragraphs; none for a network without a description here."""
    if isinstance(settings, NnUNetSettings):
        return _nnunet(settings)
    if isinstance(settings, AGUNetSettings):
        return _agunet(settings)
    return _by_itself(settings)


def _by_itself(settings: NetworkSettings) -> tuple[str, ...]:
    """Let a network's package describe it by ``methods``, if it has that module."""
    module = f"{type(settings).__module__.rpartition('.')[0]}.methods"
    if find_spec(module) is None:
        return ()
    paragraphs: list[str] = list(import_module(module).methods(settings))
    if region := _region(settings) if isinstance(settings, WithRegion) else "":
        paragraphs[0] += f" What it sees was{region.removeprefix(',')}."
    paragraphs[-1] += _drawn(settings) if isinstance(settings, SamplingCases) else ""
    paragraphs[-1] += _starts(settings, "random weights") if isinstance(settings, StartingFromBundles) else ""
    return tuple(paragraphs)


def settings_table(settings: NetworkSettings) -> tuple[tuple[str, str], ...]:
    """List every setting as (description, value); a file is named by its digest, never by its path."""
    rows = []
    for name, field in type(settings).model_fields.items():
        value: Any = getattr(settings, name)
        rows.append(((field.description or name).removesuffix("."), plain(_by_digest(value), name)))
    return tuple(rows)


def _by_digest(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _by_digest(item) for name, item in value.items()}
    if hasattr(value, "sha256"):
        return value.sha256
    return value.model_dump(mode="json") if isinstance(value, Frozen) else value


def _starts(settings: StartingFromBundles, otherwise: str) -> str:
    """Say from which models the trainings start; ``otherwise`` says from what those without a bundle start."""
    bundles = settings.initial_bundles
    if not bundles:
        return ""
    each = listed([f"inputs {name} (learning rate {settings.learning_rate_of(name):g})" for name in bundles])
    return (
        f" Trainings on {each} started from the models of a bundle, named below by its digest; any other input "
        f"configuration, from {otherwise}. A bundle names no patient: whether its models knew patients of this study "
        "cannot be told."
    )


def _filters(settings: FirstLevel) -> str:
    first = settings.filters_per_channel
    widened = "" if first is None else f", the first of at least {first} for each channel"
    return f"{listed([str(n) for n in settings.features])} filters{widened}"


def _steps(settings: NnUNetSettings) -> str:
    steps = settings.iterations_per_epoch
    if isinstance(steps, int):
        return counted(steps, "step")
    return f"as many steps as draw {steps.patches_per_case:g} patches for each training case"


def _volume_of_agunet(settings: AGUNetSettings) -> str:
    sizes = f"{plain(settings.spacing_mm, 'spacing_mm')} mm, resized to {plain(settings.shape, 'shape')} voxels"
    if settings.region is None:
        return (
            f"Every channel was cropped to the brain, resampled to {sizes} and normalised to mean 0 and sd 1 over that "
            "volume"
        )
    return (
        "Every channel was cropped to the brain's box, normalised to mean 0 and sd 1 over it"
        f"{_region(settings)} and resampled to {sizes}"
    )


def _region(settings: WithRegion) -> str:
    region = settings.region
    if region is None:
        return ""
    return (
        f", cropped to the box that reaches {region.margin_mm:g} mm beyond the {name_of(region.label)} (where there is "
        "one)"
    )


def _drawn(settings: SamplingCases) -> str:
    if settings.sampling == "uniform":
        return ""
    return " Training patients with residual tumour and after gross total resection are drawn equally often."


def _nnunet(settings: NnUNetSettings) -> tuple[str, ...]:
    given = settings.initial_weights
    start = f" from trained weights, except for {given.at_random}" if given else " from scratch"
    scratch = "" if settings.initial_bundles else start
    return (
        f"Every channel was cropped to the brain, normalised to mean 0 and sd 1 within it{_region(settings)} and "
        f"resampled to {plain(settings.spacing_mm, 'spacing_mm')} mm. The network, nnU-Net [@isensee2021], sees "
        f"patches of {plain(settings.patch_size, 'patch_size')} voxels and has "
        f"{counted(len(settings.features), 'level')} of {_filters(settings)}, "
        f"{_nnunet_layers(settings)}.{_nnunet_plan(settings)}",
        f"It was trained{scratch} for {counted(settings.epochs, 'epoch')} of "
        f"{_steps(settings)} with a batch of {settings.batch_size}, by stochastic "
        f"gradient descent with Nesterov momentum {settings.momentum:g} and a learning rate of "
        f"{settings.learning_rate:g} that decays polynomially, on the sum of soft Dice and cross-entropy with deep "
        f"supervision. {share(settings.foreground_oversampling)} of the patches are forced to contain "
        f"tumour.{_drawn(settings)} "
        f"Augmentation is nnU-Net's own{_LEFT_OUT[settings.augmentation]}. Predictions come from windows that overlap "
        f"by {share(1 - settings.tile_step)} of the patch.{_starts(settings, 'random weights')}",
    )


def _nnunet_layers(settings: NnUNetSettings) -> str:
    blocks = settings.residual_blocks
    down = "strided convolutions" if blocks is None else f"residual blocks ({', '.join(map(str, blocks))})"
    return f"with {down} down and transposed convolutions up"


def _nnunet_plan(settings: NnUNetSettings) -> str:
    if settings.plan_made_here:
        planner = f"nnU-Net's own planner ({settings.plans})"
        return f" Spacing, patch, batch and layers were chosen by {planner} from the patients of the folds."
    return "" if settings.plans == "article" else " Spacing, patch, batch and layers are those of a given plans file."


def _agunet(settings: AGUNetSettings) -> tuple[str, ...]:
    return (
        f"{_volume_of_agunet(settings)}. The network, AGU-Net [@bouget2021], sees the whole volume and "
        f"has {counted(len(settings.features), 'level')} of {_filters(settings)}, "
        "with attention gates, multi-scale input and deep supervision.",
        _agunet_training(settings),
        f"Augmentation: horizontal and vertical flips ({share(settings.flip_probability)} of the samples each), "
        f"rotation up to ±{settings.rotation_degrees:g}° ({share(settings.rotation_probability)}), shifts up to "
        f"{share(settings.translation_fraction)} of the axis ({share(settings.translation_probability)}).",
    )


def _start_of_agunet(settings: AGUNetSettings) -> str:
    if settings.before_surgery:
        return (
            "the weights, except for the input layers, of a network of the same layers that was trained before, in "
            "each fold, to find the tumour in the scans before surgery of the fold's training patients (those who have "
            f"scan and mask; {share(settings.preoperative.stopping_fraction)} of them ended that training and chose "
            "its best epoch)"
        )
    return "trained weights, except for the input layers" if settings.initial_weights else "random weights"


def _agunet_training(settings: AGUNetSettings) -> str:
    start = _start_of_agunet(settings)
    from_start = "" if settings.initial_bundles else f" from {start}"
    if settings.early_stopping_on_validation:
        judges = "the validation fold"
        optimism = " Because that fold is also reported, the validation rows of this network are optimistic."
    else:
        judges, optimism = f"{share(settings.stopping_fraction)} of the training patients, set aside for this", ""
    return (
        f"It was trained{from_start} by Adam [@kingma2015] with a learning rate of {settings.learning_rate:g} and "
        f"batches of {settings.batch_size} accumulated to {settings.effective_batch_size}, on the class-averaged soft "
        f"Dice without background, for at most {counted(settings.epochs, 'epoch')}.{_drawn(settings)} "
        "Training stops after "
        f"{counted(settings.patience_epochs, 'epoch')} without a lower loss on {judges}; the weights of the best epoch "
        f"are kept.{optimism}{_starts(settings, start)}"
    )
