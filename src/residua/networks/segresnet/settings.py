"""Settings of SegResNet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from residua.settings.base import AxisCounts, Frozen, Probability, Spacing
from residua.settings.case_sampling import SamplingCases
from residua.settings.initial_bundle import StartingFromBundles
from residua.settings.region import WithRegion

GROUPS = 8
"""Groups of the normalisation in MONAI's SegResNet, among which it divides the filters."""

Blocks = tuple[Annotated[int, Field(ge=1)], ...]


_NAMED_OTHERWISE = {
    "filters_per_channel": "all its levels double the filters of the first; give those of the first as init_filters",
    "iterations_per_epoch": "an epoch of it draws patches_per_patient patches of each training patient; give that",
}
"""Settings of the other networks that this one has in another form, and which."""


class SegResNetPreparation(WithRegion):
    """The settings on which channels prepared for SegResNet depend."""

    spacing_mm: Spacing = Field(description="Voxel size along x, y, z to which every channel is resampled.")


class SegResNetSettings(SegResNetPreparation, SamplingCases, StartingFromBundles):
    """SegResNet, by the names of MONAI."""

    label: ClassVar[str] = "SegResNet"
    preparation_model: ClassVar[type[Frozen]] = SegResNetPreparation
    fitted: ClassVar[tuple[str, ...]] = ("spacing_mm", "init_filters", "blocks_down", "blocks_up")

    environment: Literal["monai"] = Field(description="The software stack, a file in envs/.")
    patch_size: AxisCounts = Field(description="Patch in voxels along x, y, z.")
    init_filters: int = Field(
        ge=GROUPS, multiple_of=GROUPS, description="Filters of the first level, doubled from level to level."
    )
    blocks_down: Blocks = Field(min_length=2, description="Residual blocks of each level on the way down.")
    blocks_up: Blocks = Field(description="Residual blocks of each level on the way up, the lowest first.")
    dropout: float = Field(ge=0, lt=1, description="Share of the first layer's features left out in training.")
    batch_size: int = Field(ge=1, description="Patches per step.")
    patches_per_patient: int = Field(ge=1, description="Patches drawn of every training patient in one epoch.")
    epochs: int = Field(ge=1, description="Epochs of training.")
    warmup_epochs: int = Field(ge=0, description="Epochs in which the learning rate grows linearly.")
    learning_rate: float = Field(gt=0, description="Largest learning rate of AdamW; it falls as a cosine.")
    weight_decay: float = Field(ge=0, description="Weight decay.")
    foreground_oversampling: Probability = Field(
        description="Share of patches around a tumour voxel, in patients who have any."
    )
    loss: Literal["dice_and_cross_entropy"] = Field(description="The loss, of background and tumour.")
    augmentation: Literal["auto3dseg", "auto3dseg_without_mirroring"] = Field(
        description="Augmentation of Auto3DSeg, with or without flips along all axes."
    )
    window_overlap: float = Field(ge=0, lt=1, description="Overlap of neighbouring windows in prediction.")
    save_every_epochs: int = Field(ge=1, description="Epochs between checkpoints.")
    seed: int = Field(ge=0, description="Seed of weights, order, patches and augmentation.")

    @model_validator(mode="before")
    @classmethod
    def _named_here(cls, given: Any) -> Any:
        for name, instead in _NAMED_OTHERWISE.items():
            if isinstance(given, Mapping) and name in given:
                raise ValueError(f"{name} is no setting of SegResNet: {instead}")
        return given

    @model_validator(mode="after")
    def _consistent(self) -> SegResNetSettings:
        if len(self.blocks_up) != len(self.blocks_down) - 1:
            raise ValueError("blocks_up needs one entry per level but the lowest: one less than blocks_down")
        step = 2 ** len(self.blocks_up)
        if any(size % step for size in self.patch_size):
            raise ValueError(f"patch_size must be a multiple of {step} along x, y, z: each level halves it")
        if self.warmup_epochs >= self.epochs:
            raise ValueError("warmup_epochs must be fewer than epochs")
        return self


SETTINGS = SegResNetSettings
