"""Express the settings of the study as nnU-Net's plans and dataset description."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from residua.networks.cases import Channel
from residua.networks.nnunet.resampling import (
    RESAMPLING_OF_IMAGES,
    RESAMPLING_OF_LABELS,
    RESAMPLING_OF_PROBABILITIES,
    zyx,
)
from residua.networks.nnunet.settings import NnUNetSettings

CONFIGURATION = "3d_fullres"
DATASET = "Dataset001_Residua"
PLANS_FILE, DATASET_FILE, WEIGHTS_FILE = "plans.json", "dataset.json", "weights.safetensors"
INFERENCE = "residua_inference"
"""Key of a trained model's plans: how it predicts."""
PLAIN = "dynamic_network_architectures.architectures.unet.PlainConvUNet"
RESIDUAL = "dynamic_network_architectures.architectures.unet.ResidualEncoderUNet"
RESAMPLING, PREPROCESSOR = "resample_data_or_seg_to_shape", "DefaultPreprocessor"

RESAMPLED: dict[str, Any] = {
    "resampling_fn_data": RESAMPLING,
    "resampling_fn_data_kwargs": RESAMPLING_OF_IMAGES,
    "resampling_fn_seg": RESAMPLING,
    "resampling_fn_seg_kwargs": RESAMPLING_OF_LABELS,
    "resampling_fn_probabilities": RESAMPLING,
    "resampling_fn_probabilities_kwargs": RESAMPLING_OF_PROBABILITIES,
}
"""What a plan says of resampling, by its keys."""


def normalisation_of(is_label: bool) -> str:
    """Return nnU-Net's name of how a channel is normalised."""
    return "NoNormalization" if is_label else "ZScoreNormalization"


def make_plans(settings: NnUNetSettings, channels: Sequence[Channel]) -> dict[str, Any]:
    """Return nnU-Net's plans for the study's settings and channels."""
    spacing = zyx(settings.spacing_mm)
    return {
        "dataset_name": DATASET,
        "plans_name": "residua",
        "original_median_spacing_after_transp": spacing,
        "original_median_shape_after_transp": zyx(settings.patch_size),
        "image_reader_writer": "NibabelIOWithReorient",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "experiment_planner_used": "residua",
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": {},
        "continue_training": False,
        "configurations": {CONFIGURATION: _configuration(settings, channels)},
    }


def _configuration(settings: NnUNetSettings, channels: Sequence[Channel]) -> dict[str, Any]:
    return {
        "data_identifier": f"residua_{CONFIGURATION}",
        "preprocessor_name": PREPROCESSOR,
        "batch_size": settings.batch_size,
        "patch_size": zyx(settings.patch_size),
        "median_image_size_in_voxels": zyx(settings.patch_size),
        "spacing": zyx(settings.spacing_mm),
        "normalization_schemes": [normalisation_of(channel.is_label) for channel in channels],
        "use_mask_for_norm": [not channel.is_label for channel in channels],
        **RESAMPLED,
        "batch_dice": settings.batch_dice,
        "architecture": make_architecture(settings, settings.features_for(len(channels))),
    }


def make_architecture(settings: NnUNetSettings, features: Sequence[int]) -> dict[str, Any]:
    """Return the part of the plans from which nnU-Net builds the network, with so many filters in each level."""
    levels, blocks = len(features), settings.residual_blocks
    down = {"n_conv_per_stage": [settings.convolutions_per_level] * levels}
    if blocks is not None:
        down = {"n_blocks_per_stage": list(blocks)}
    return {
        "network_class_name": PLAIN if blocks is None else RESIDUAL,
        "arch_kwargs": {
            "n_stages": levels,
            "features_per_stage": list(features),
            "conv_op": "torch.nn.modules.conv.Conv3d",
            "kernel_sizes": [zyx(kernel) for kernel in settings.kernels],
            "strides": [zyx(stride) for stride in settings.strides],
            **down,
            "n_conv_per_stage_decoder": [settings.convolutions_per_level] * (levels - 1),
            "conv_bias": True,
            "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
            "norm_op_kwargs": {"eps": 1e-05, "affine": True},
            "dropout_op": None,
            "dropout_op_kwargs": None,
            "nonlin": "torch.nn.LeakyReLU",
            "nonlin_kwargs": {"inplace": True},
        },
        "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
    }


def make_dataset(channels: Sequence[Channel]) -> dict[str, Any]:
    """Return nnU-Net's dataset description: the channels' names in order and the one foreground label."""
    return {
        "channel_names": {str(index): channel.name for index, channel in enumerate(channels)},
        "labels": {"background": 0, "residual": 1},
        "file_ending": ".nii.gz",
    }
