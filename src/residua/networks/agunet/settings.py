"""Settings of AGU-Net."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from residua.networks.agunet.grid import level_shapes
from residua.settings.base import AxisCounts, Frozen, Probability, Spacing
from residua.settings.case_sampling import SamplingCases
from residua.settings.defaults import is_default
from residua.settings.first_level import FirstLevel
from residua.settings.initial_bundle import StartingFromBundles
from residua.settings.region import WithRegion


class InitialWeights(Frozen):
    """Trained weights from which every training starts; the layers that read the channels start at random."""

    at_random: ClassVar[str] = "the input layers"

    file: str = Field(min_length=1, description="Weights (safetensors), relative to the working directory.")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Digest of the file, checked before it is read.")


class AGUNetPreparation(WithRegion):
    """The settings on which channels prepared for AGU-Net depend."""

    spacing_mm: Spacing = Field(description="Voxel size along x, y, z to which every channel is resampled first.")
    shape: AxisCounts = Field(description="Voxels along x, y, z to which the resampled brain is resized.")


class AGUNetSettings(AGUNetPreparation, FirstLevel, SamplingCases, StartingFromBundles):
    """AGU-Net, as the article and its authors' code describe it."""

    label: ClassVar[str] = "AGU-Net"
    preparation_model: ClassVar[type[Frozen]] = AGUNetPreparation
    fitted: ClassVar[tuple[str, ...]] = ("spacing_mm", "shape", "features", "filters_per_channel")

    environment: Literal["tensorflow"] = Field(description="The software stack, a file in envs/.")
    features: tuple[Annotated[int, Field(ge=2)], ...] = Field(min_length=3, description="Filters of each level.")
    batch_normalization_momentum: float = Field(gt=0, lt=1, description="Momentum of the running statistics.")
    initial_weights: InitialWeights | None = Field(
        default=None, description="Weights from which trainings start; null: random ones."
    )
    batch_size: int = Field(ge=1, description="Volumes per step.")
    effective_batch_size: int = Field(ge=1, description="Volumes per weight update, by gradient accumulation.")
    learning_rate: float = Field(gt=0, description="Initial learning rate of Adam.")
    epochs: int = Field(ge=1, description="Largest number of epochs.")
    patience_epochs: int = Field(
        ge=1, description="Epochs without a better validation loss after which a training stops."
    )
    stopping_fraction: float = Field(
        ge=0,
        lt=1,
        description="Share of the training patients held out for early stopping; 0 uses the validation fold.",
    )
    loss: Literal["dice_without_background"] = Field(description="Class-averaged soft Dice.")
    flip_probability: Probability = Field(description="Probability of a horizontal and of a vertical flip.")
    rotation_degrees: float = Field(ge=0, description="Largest rotation in the axial plane, in either direction.")
    rotation_probability: Probability = Field(description="Share of samples rotated.")
    translation_fraction: Probability = Field(description="Largest shift as a fraction of the axis.")
    translation_probability: Probability = Field(description="Share of samples shifted.")
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = Field(
        default="float32",
        exclude_if=is_default("float32"),
        description="Bits in which a training computes; weights, loss and prediction keep 32. mixed_float16, with a "
        "scaled loss, needs a GPU or XLA; mixed_bfloat16 has fewer digits. When to take it: docs/explanation/cost.md.",
    )
    compile_to_xla: bool = Field(
        default=False,
        exclude_if=is_default(False),
        description="Compile the steps of a training with XLA, which gives other last digits. On a processor, steps "
        "then take several times as long.",
    )
    save_every_epochs: int = Field(ge=1, description="Epochs between checkpoints.")
    seed: int = Field(
        ge=0,
        description="Seed of weights, order and augmentation. The same bits come with the same number of threads, "
        "precision and XLA on the same kind of processor; on a GPU they may differ.",
    )

    @property
    def early_stopping_on_validation(self) -> bool:
        """Whether the reported validation fold also ends the training, which makes its numbers optimistic."""
        return self.stopping_fraction == 0

    @model_validator(mode="after")
    def _consistent(self) -> AGUNetSettings:
        level_shapes(self.shape, len(self.features))
        if self.effective_batch_size % self.batch_size:
            raise ValueError("effective_batch_size must be a multiple of batch_size")
        if self.initial_weights and self.initial_bundles:
            raise ValueError("trainings start from initial_weights or from initial_bundles; give one of them")
        return self


SETTINGS = AGUNetSettings
