"""Settings of AGU-Net."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from residua.networks.agunet.grid import level_shapes
from residua.settings.base import AxisCounts, Frozen, Probability, Spacing
from residua.settings.case_sampling import SamplingCases
from residua.settings.defaults import is_default
from residua.settings.first_level import FirstLevel
from residua.settings.initial_bundle import StartingFromBundles
from residua.settings.preoperative import PreoperativeTraining
from residua.settings.region import WithRegion


class InitialWeights(Frozen):
    """Trained weights from which every training starts; the layers that read the channels start at random."""

    at_random: ClassVar[str] = "the input layers"

    file: str = Field(
        min_length=1,
        description="Weights (safetensors, or ONNX of the same architecture), relative to the working directory.",
    )
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Digest of the file, checked before it is read.")

    @property
    def is_onnx(self) -> bool:
        """Whether the file is ONNX, by its name; else it is in the network's own format."""
        return self.file.lower().endswith(".onnx")


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
    init: Literal["none", "file", "preoperative"] = Field(
        default="none",
        # Trainings that start otherwise are described as they were before there was a choice.
        exclude_if=lambda init: init != "preoperative",
        description="Weights from which trainings start. none: random ones; file: those of initial_weights; "
        "preoperative: those of a network that is trained before, in each fold, on the scans before surgery of its "
        "training patients. The convolutions that read the channels always start at random.",
    )
    initial_weights: InitialWeights | None = Field(
        default=None, description="The file from which trainings start; null: there is none."
    )
    preoperative: PreoperativeTraining = Field(
        default=PreoperativeTraining(),
        exclude_if=lambda training: training == PreoperativeTraining(),
        description="The training on scans before surgery (init: preoperative).",
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

    @property
    def before_surgery(self) -> Self | None:
        """Fulfil ``NetworkSettings.before_surgery``; that network sees the whole brain, and every patient equally."""
        if self.init != "preoperative":
            return None
        own = {
            "stopping_fraction": self.preoperative.stopping_fraction,
            "epochs": self.preoperative.epochs or self.epochs,
        }
        plain = {"sampling": "uniform", "sampling_residual_ml": None, "region": None}
        return self.model_copy(update={"init": "none", "preoperative": PreoperativeTraining(), **own, **plain})

    @model_validator(mode="before")
    @classmethod
    def _file_is_a_start(cls, values: Any) -> Any:
        """Weights that are named are the start, also where ``init`` is not."""
        if isinstance(values, dict) and values.get("initial_weights") and "init" not in values:
            return {**values, "init": "file"}
        return values

    @model_validator(mode="after")
    def _one_start(self) -> Self:
        if (self.init == "file") != (self.initial_weights is not None):
            raise ValueError("init: file needs initial_weights, and initial_weights need init: file")
        if self.init != "none" and self.initial_bundles:
            what = "initial_weights" if self.init == "file" else "init: preoperative"
            raise ValueError(f"trainings start from {what} or from initial_bundles; give one of them")
        if self.init == "preoperative" and self.filters_per_channel is not None:
            raise ValueError(
                "init: preoperative trains a network of one channel, whose first level would have other filters: leave "
                "out filters_per_channel, or set init to none"
            )
        return self

    @model_validator(mode="after")
    def _consistent(self) -> AGUNetSettings:
        level_shapes(self.shape, len(self.features))
        if self.effective_batch_size % self.batch_size:
            raise ValueError("effective_batch_size must be a multiple of batch_size")
        return self


SETTINGS = AGUNetSettings
