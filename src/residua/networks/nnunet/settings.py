"""Settings of nnU-Net."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from residua.settings.base import AxisCounts, Frozen, Probability, Spacing
from residua.settings.initial_bundle import StartingFromBundles


class NnUNetPreparation(Frozen):
    """The settings on which channels prepared for nnU-Net depend."""

    spacing_mm: Spacing = Field(description="Voxel size along x, y, z to which every channel is resampled.")
    patch_size: AxisCounts = Field(description="Patch in voxels along x, y, z.")


class NnUNetSettings(NnUNetPreparation, StartingFromBundles):
    """nnU-Net, by the terms of its plans file and its trainer."""

    label: ClassVar[str] = "nnU-Net"
    preparation_model: ClassVar[type[Frozen]] = NnUNetPreparation
    fitted: ClassVar[tuple[str, ...]] = (
        *NnUNetPreparation.model_fields,
        *("features", "kernels", "strides", "convolutions_per_level"),
    )

    environment: Literal["torch"] = Field(description="The software stack, a file in envs/.")
    batch_size: int = Field(ge=1, description="Patches per step.")
    features: tuple[Annotated[int, Field(ge=1)], ...] = Field(min_length=2, description="Filters of each level.")
    kernels: tuple[AxisCounts, ...] = Field(description="Kernel of each level along x, y, z.")
    strides: tuple[AxisCounts, ...] = Field(description="Downsampling into each level along x, y, z.")
    convolutions_per_level: int = Field(ge=1, description="Convolutions in each level.")
    epochs: int = Field(ge=1, description="Epochs of training.")
    iterations_per_epoch: int = Field(ge=1, description="Steps of one epoch.")
    validation_iterations_per_epoch: int = Field(ge=1, description="Validation patches drawn after each epoch.")
    learning_rate: float = Field(gt=0, description="Initial learning rate of SGD, decayed polynomially.")
    momentum: float = Field(ge=0, lt=1, description="Nesterov momentum.")
    weight_decay: float = Field(ge=0, description="Weight decay.")
    foreground_oversampling: Probability = Field(description="Share of patches that must contain tumour.")
    loss: Literal["dice_and_cross_entropy"] = Field(description="The loss, with deep supervision.")
    batch_dice: bool = Field(description="Soft Dice over the whole batch instead of each patch.")
    augmentation: Literal["nnunet", "nnunet_without_mirroring"] = Field(description="nnU-Net's own augmentation.")
    tile_step: float = Field(gt=0, le=1, description="Step of the sliding window as a fraction of the patch.")
    save_every_epochs: int = Field(ge=1, description="Epochs between checkpoints.")
    seed: int = Field(ge=0, description="Seed of weights, sampling and augmentation.")

    @model_validator(mode="after")
    def _levels_agree(self) -> NnUNetSettings:
        if not len(self.features) == len(self.kernels) == len(self.strides):
            raise ValueError("features, kernels and strides need one entry per level each")
        if any(size % 2 == 0 for kernel in self.kernels for size in kernel):
            raise ValueError("kernels must have odd sizes: others would shift the image")
        if any(step > 1 for step in self.strides[0]):
            raise ValueError("strides must begin with [1, 1, 1]: the first level has the patch's own size")
        steps = [math.prod(level[axis] for level in self.strides) for axis in range(3)]
        if any(size % step for size, step in zip(self.patch_size, steps, strict=True)):
            raise ValueError(f"patch_size must be a multiple of {steps} along x, y, z, the product of the strides")
        return self


SETTINGS = NnUNetSettings
