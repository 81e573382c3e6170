"""Settings of nnU-Net."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, TypeAdapter, model_validator

from residua.settings.base import AxisCounts, Frozen, Probability, Spacing
from residua.settings.case_sampling import SamplingCases
from residua.settings.defaults import is_default
from residua.settings.first_level import FirstLevel
from residua.settings.initial_bundle import StartingFromBundles
from residua.settings.region import WithRegion


class NnUNetPreparation(WithRegion):
    """The settings on which channels prepared for nnU-Net depend."""

    spacing_mm: Spacing = Field(description="Voxel size along x, y, z to which every channel is resampled.")
    patch_size: AxisCounts = Field(description="Patch in voxels along x, y, z.")


class PlansFile(Frozen):
    """nnU-Net's plans in a file of one's own."""

    file: str = Field(min_length=1, description="nnU-Net's plans (JSON), relative to the working directory.")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Digest of the file, checked before it is read.")
    configuration: str = Field(
        default="3d_fullres", pattern=r"^[A-Za-z0-9_]+$", description="Configuration among them, in three dimensions."
    )

    def by_digest(self) -> PlansFile:
        """Return the same without the place of the file: plans count by their content."""
        return self.model_copy(update={"file": f"{self.sha256}.json"})


class PretrainedWeights(Frozen):
    """The checkpoint of an nnU-Net from which every training starts; the segmentation layers start at random."""

    at_random: ClassVar[str] = "the segmentation layers"

    file: str = Field(
        min_length=1, description="Checkpoint of nnU-Net (checkpoint_final.pth), relative to the working directory."
    )
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Digest of the file, checked before it is read.")


class IterationsByCohort(Frozen):
    """Steps of an epoch by the number of training cases."""

    patches_per_case: float = Field(
        gt=0, description="Patches that an epoch draws for each training case, on average; it may be below 1."
    )


Count = Annotated[int, Field(ge=1)]
_COUNT: TypeAdapter[int] = TypeAdapter(Count)


def _steps(value: Any) -> Any:
    """Validate the kind of steps that the value names; a plain union would report errors of the other kind, too."""
    return IterationsByCohort.model_validate(value) if isinstance(value, Mapping) else _COUNT.validate_python(value)


Iterations = Annotated[Count | IterationsByCohort, BeforeValidator(_steps)]


class NnUNetSettings(NnUNetPreparation, FirstLevel, SamplingCases, StartingFromBundles):
    """nnU-Net, by the terms of its plans file and its trainer."""

    label: ClassVar[str] = "nnU-Net"
    preparation_model: ClassVar[type[Frozen]] = NnUNetPreparation
    plans_made_here: ClassVar[tuple[str, ...]] = ("auto", "resenc-m", "resenc-l", "resenc-xl")
    prepared_bytes: ClassVar[float] = 1.2
    prepared_label_bytes: ClassVar[float] = 0.02
    fitted: ClassVar[tuple[str, ...]] = (
        *("spacing_mm", "patch_size"),
        *("features", "filters_per_channel", "kernels", "strides", "convolutions_per_level", "residual_blocks"),
    )

    environment: Literal["torch"] = Field(description="The software stack, a file in envs/.")
    plans: Literal["article", "auto", "resenc-m", "resenc-l", "resenc-xl"] | PlansFile = Field(
        default="article",
        exclude_if=is_default("article"),
        description="Plan of spacing, patch, batch and layers: the numbers that stand here (article), nnU-Net's own "
        "planner for the patients of the folds (auto, resenc-m, resenc-l, resenc-xl), or a file of nnU-Net's plans.",
    )
    initial_weights: PretrainedWeights | None = Field(
        default=None,
        exclude_if=is_default(None),
        description="Checkpoint of nnU-Net from which trainings start; null: random weights.",
    )
    batch_size: int = Field(ge=1, description="Patches per step.")
    features: tuple[Annotated[int, Field(ge=1)], ...] = Field(min_length=2, description="Filters of each level.")
    kernels: tuple[AxisCounts, ...] = Field(description="Kernel of each level along x, y, z.")
    strides: tuple[AxisCounts, ...] = Field(description="Downsampling into each level along x, y, z.")
    convolutions_per_level: int = Field(
        ge=1, description="Convolutions in each level; with residual_blocks, in each level upwards."
    )
    residual_blocks: tuple[Annotated[int, Field(ge=1)], ...] | None = Field(
        default=None,
        exclude_if=is_default(None),
        description="Residual blocks in each level downwards (ResEnc); null: plain convolutions.",
    )
    epochs: int = Field(ge=1, description="Epochs of training.")
    iterations_per_epoch: Iterations = Field(
        description="Steps of one epoch; {patches_per_case: 4}: as many as the training cases need."
    )
    validation_iterations_per_epoch: int = Field(ge=1, description="Validation patches drawn after each epoch.")
    learning_rate: float = Field(gt=0, description="Initial learning rate of SGD, decayed polynomially.")
    momentum: float = Field(ge=0, lt=1, description="Nesterov momentum.")
    weight_decay: float = Field(ge=0, description="Weight decay.")
    foreground_oversampling: Probability = Field(description="Share of patches that must contain tumour.")
    loss: Literal["dice_and_cross_entropy"] = Field(description="The loss, with deep supervision.")
    batch_dice: bool = Field(description="Soft Dice over the whole batch instead of each patch.")
    augmentation: Literal["nnunet", "nnunet_without_mirroring", "article"] = Field(
        description="nnU-Net's own augmentation, without mirroring, or as the article lists it, also without low "
        "resolution."
    )
    tile_step: float = Field(gt=0, le=1, description="Step of the sliding window as a fraction of the patch.")
    save_every_epochs: int = Field(ge=1, description="Epochs between checkpoints.")
    seed: int = Field(
        ge=0,
        description="Seed of weights, sampling and augmentation. The same bits come with one thread on the same kind "
        "of processor; with more threads or on a GPU they differ.",
    )

    def steps_of_epoch(self, cases: int) -> int:
        """Return the steps of an epoch of a training on so many cases."""
        steps = self.iterations_per_epoch
        if isinstance(steps, int):
            return steps
        return math.ceil(steps.patches_per_case * cases / self.batch_size)

    @property
    def mirrors(self) -> bool:
        """Whether training samples are mirrored, and predictions then averaged over mirrorings."""
        return self.augmentation == "nnunet"

    @property
    def plan_made_here(self) -> str | None:
        """Fulfil ``NetworkSettings.plan_made_here``."""
        return self.plans if isinstance(self.plans, str) and self.plans in self.plans_made_here else None

    def of_inputs(self, inputs: str) -> Self:
        """Return the settings of the trainings on one input configuration, whatever the place of the plans."""
        own = super().of_inputs(inputs)
        return own.model_copy(update={"plans": own.plans.by_digest()}) if isinstance(own.plans, PlansFile) else own

    @model_validator(mode="after")
    def _planned_over_the_brain(self) -> NnUNetSettings:
        if self.plan_made_here and self.region:
            raise ValueError(
                f"plans: {self.plans} is made for the whole brain, and region confines the network; leave one out"
            )
        return self

    @model_validator(mode="after")
    def _one_start(self) -> NnUNetSettings:
        if self.initial_weights and self.initial_bundles:
            raise ValueError("trainings start from initial_weights or from initial_bundles; give one of them")
        return self

    @model_validator(mode="after")
    def _levels_agree(self) -> NnUNetSettings:
        if not len(self.features) == len(self.kernels) == len(self.strides):
            raise ValueError("features, kernels and strides need one entry per level each")
        if self.residual_blocks is not None and len(self.residual_blocks) != len(self.features):
            raise ValueError("residual_blocks needs one entry per level, as features has")
        if any(size % 2 == 0 for kernel in self.kernels for size in kernel):
            raise ValueError("kernels must have odd sizes: others would shift the image")
        if any(step > 1 for step in self.strides[0]):
            raise ValueError("strides must begin with [1, 1, 1]: the first level has the patch's own size")
        steps = [math.prod(level[axis] for level in self.strides) for axis in range(3)]
        if any(size % step for size, step in zip(self.patch_size, steps, strict=True)):
            raise ValueError(f"patch_size must be a multiple of {steps} along x, y, z, the product of the strides")
        return self


SETTINGS = NnUNetSettings
