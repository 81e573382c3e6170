"""The numbers and choices that the article states, and where a study's settings differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from residua.report.wording import plain
from residua.settings.study import Study


@dataclass(frozen=True)
class ArticleSetting:
    """A number or choice that the article states: its key in the configuration, its name in words and its value."""

    key: str
    what: str
    value: Any


ARTICLE_INPUTS = {
    "A": ["post_t1ce"],
    "B": ["post_t1ce", "post_t1"],
    "C": ["post_t1ce", "post_t1", "post_flair"],
    "D": ["post_t1ce", "post_t1", "pre_t1ce", "pre_tumor"],
    "E": ["post_t1ce", "post_t1", "post_flair", "pre_t1ce", "pre_tumor"],
}
"""The channels of the article's input configurations."""

ARTICLE_SETTINGS = (
    ArticleSetting("holdout", "Hold-out hospital", ["AMS"]),
    ArticleSetting(
        "folds",
        "Hospitals of the folds",
        {0: ["STO"], 1: ["GRO", "MIL", "UTR"], 2: ["SFR", "VIE"], 3: ["PAR", "ZWO", "ALK", "HAG"], 4: ["GOT"]},
    ),
    ArticleSetting("inputs", "Input configurations", ARTICLE_INPUTS),
    ArticleSetting("archs", "Networks", ["nnunet", "agunet"]),
    ArticleSetting("preparation", "Interpolations before a network", "paper"),
    ArticleSetting("networks.nnunet.spacing_mm", "nnU-Net: spacing (mm)", [0.5, 0.5, 1.0]),
    ArticleSetting("networks.nnunet.patch_size", "nnU-Net: patch (voxels)", [128, 192, 80]),
    ArticleSetting("networks.nnunet.batch_size", "nnU-Net: batch", 2),
    ArticleSetting("networks.nnunet.features", "nnU-Net: filters", [32, 64, 128, 256, 320]),
    ArticleSetting("networks.nnunet.kernels", "nnU-Net: kernels", [[3, 3, 1], *[[3, 3, 3]] * 4]),
    ArticleSetting("networks.nnunet.epochs", "nnU-Net: epochs", 1000),
    ArticleSetting("networks.nnunet.iterations_per_epoch", "nnU-Net: steps of an epoch", 250),
    ArticleSetting("networks.nnunet.momentum", "nnU-Net: momentum", 0.99),
    ArticleSetting("networks.agunet.spacing_mm", "AGU-Net: spacing (mm)", [1.0, 1.0, 1.0]),
    ArticleSetting("networks.agunet.shape", "AGU-Net: volume (voxels)", [128, 128, 144]),
    ArticleSetting("networks.agunet.features", "AGU-Net: filters", [16, 32, 128, 256, 256]),
    ArticleSetting("networks.agunet.batch_size", "AGU-Net: batch", 2),
    ArticleSetting("networks.agunet.effective_batch_size", "AGU-Net: accumulated batch", 32),
    ArticleSetting("networks.agunet.learning_rate", "AGU-Net: learning rate", 0.001),
    ArticleSetting("networks.agunet.patience_epochs", "AGU-Net: epochs without improvement", 30),
    ArticleSetting("networks.agunet.flip_probability", "AGU-Net: probability of flips", 0.5),
    ArticleSetting("networks.agunet.rotation_degrees", "AGU-Net: largest rotation (degrees)", 20.0),
    ArticleSetting("networks.agunet.rotation_probability", "AGU-Net: probability of a rotation", 0.5),
    ArticleSetting("networks.agunet.translation_fraction", "AGU-Net: largest shift (of the axis)", 0.1),
    ArticleSetting("networks.agunet.translation_probability", "AGU-Net: probability of a shift", 0.5),
    ArticleSetting("postprocessing.min_component_voxels", "Smallest component (voxels)", 20),
    ArticleSetting("classification.residual_tumor_ml", "Residual tumour from (ml)", 0.175),
    ArticleSetting("statistics.alpha", "Significance level", 0.05),
    ArticleSetting("statistics.folds_ddof", "Spread over n folds: divided by n less", 0),
    ArticleSetting("statistics.fold_weights", "Weight of a fold in pooled voxel-wise metrics", "with_metric"),
)


def differing(study: Study) -> list[tuple[ArticleSetting, str, str]]:
    """List the settings that differ from the article's, each with the article's value and the study's in words.

    Settings of networks that the study does not train are omitted.
    """
    untrained = [f"networks.{arch}." for arch in ("nnunet", "agunet") if arch not in study.archs]
    rows = []
    for setting in ARTICLE_SETTINGS:
        here = None if setting.key.startswith(tuple(untrained)) else value_of(study, setting.key)
        if here is not None and here != setting.value:
            rows.append((setting, plain(setting.value, setting.key), plain(here, setting.key)))
    return rows


def value_of(study: Study, key: str) -> Any:
    """Return the value of a dotted key of the configuration, as builtins."""
    value: Any = study.model_dump(mode="json")
    for part in key.split("."):
        value = value[part]
    if key != "folds":
        return value
    # Folds by their number; a method without the path, which is the place of a table.
    return {int(name) if name.isdigit() else name: item for name, item in value.items() if name != "path"}
