"""The study's configuration: frozen models, checked once, before any job.

The JSON schema (``config.schema.json``) and ``docs/config.md`` are generated from these models by ``residua schema``.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from residua.errors import ResiduaError

IDENTIFIER = r"^[A-Za-z0-9]+$"
COLUMN = r"^[a-z][a-z0-9_]*$"

Identifier = Annotated[str, Field(pattern=IDENTIFIER)]
Column = Annotated[str, Field(pattern=COLUMN)]
Spacing = tuple[
    Annotated[float, Field(gt=0)],
    Annotated[float, Field(gt=0)],
    Annotated[float, Field(gt=0)],
]
Counts = tuple[
    Annotated[int, Field(ge=1)],
    Annotated[int, Field(ge=1)],
    Annotated[int, Field(ge=1)],
]
Probability = Annotated[float, Field(ge=0, le=1)]


class Frozen(BaseModel):
    """Base of all settings: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Sequences(Frozen):
    """Which columns of the cohort table hold images."""

    reference: Column = Field(description="The sequence whose grid is the reference space of the study.")
    moving: tuple[Column, ...] = Field(description="The sequences registered to the reference.")


class Registration(Frozen):
    """How the moving sequences are brought to the reference."""

    engine: Literal["ants"] = Field(description="The registration software.")
    transform: Literal["SyN"] = Field(description="Affine, then the symmetric diffeomorphism.")
    metric: Literal["mattes"] = Field(description="Similarity; mutual information works across contrasts.")
    metric_bins: int = Field(ge=8, description="Histogram bins of the mutual information.")
    iterations: tuple[int, ...] = Field(min_length=1, description="Iterations of SyN, from coarse to fine.")
    working_spacing_mm: float | None = Field(
        gt=0, description="Optimise on images of this spacing; null: on the images as they are."
    )
    interpolation: Literal["linear", "bSpline", "lanczosWindowedSinc"] = Field(
        description="Interpolation of images; labels always take a label interpolator."
    )
    seed: int = Field(ge=0, description="Seed of the metric's sampling.")


class BrainMask(Frozen):
    """Where the brain mask of the reference sequence comes from."""

    method: Literal["deepbet", "given"] = Field(
        description="deepbet: a pre-trained network; given: the column brain_mask of the cohort table."
    )


class NnUNetSettings(Frozen):
    """nnU-Net, as its plans file and its trainer say it."""

    environment: Literal["torch"] = Field(description="The software stack, a file in envs/.")
    spacing_mm: Spacing = Field(description="Voxel size along x, y, z to which every channel is resampled.")
    patch_size: Counts = Field(description="Patch in voxels along x, y, z.")
    batch_size: int = Field(ge=1, description="Patches per step.")
    features: tuple[int, ...] = Field(min_length=2, description="Filters of each level.")
    kernels: tuple[Counts, ...] = Field(description="Kernel of each level along x, y, z.")
    strides: tuple[Counts, ...] = Field(description="Downsampling into each level along x, y, z.")
    convolutions_per_level: int = Field(ge=1, description="Convolutions in each level.")
    epochs: int = Field(ge=1, description="Epochs of training.")
    iterations_per_epoch: int = Field(ge=1, description="Steps of one epoch.")
    validation_iterations_per_epoch: int = Field(ge=1, description="Validation patches drawn after each epoch.")
    learning_rate: float = Field(gt=0, description="Initial learning rate of SGD, decayed polynomially.")
    momentum: float = Field(ge=0, lt=1, description="Nesterov momentum.")
    weight_decay: float = Field(ge=0, description="Weight decay.")
    foreground_oversampling: Probability = Field(description="Share of patches forced to contain tumour.")
    loss: Literal["dice_and_cross_entropy"] = Field(description="The loss, with deep supervision.")
    batch_dice: bool = Field(description="Soft Dice over the whole batch rather than patch by patch.")
    augmentation: Literal["nnunet", "nnunet_without_mirroring"] = Field(description="nnU-Net's own augmentation.")
    tile_step: float = Field(gt=0, le=1, description="Step of the sliding window as a fraction of the patch.")
    save_every_epochs: int = Field(ge=1, description="Epochs between checkpoints.")
    seed: int = Field(ge=0, description="Seed of weights, sampling and augmentation.")

    def preparation(self) -> dict[str, Any]:
        """What the prepared channels depend on, as builtins; the rest concerns the training alone."""
        return self.model_dump(mode="json", include={"spacing_mm", "patch_size"})

    @model_validator(mode="after")
    def _levels_agree(self) -> NnUNetSettings:
        if not len(self.features) == len(self.kernels) == len(self.strides):
            raise ValueError("features, kernels and strides need one entry per level each")
        return self


class AGUNetSettings(Frozen):
    """AGU-Net, as the article and its authors' code describe it."""

    environment: Literal["tensorflow"] = Field(description="The software stack, a file in envs/.")
    spacing_mm: Spacing = Field(description="Voxel size along x, y, z.")
    shape: Counts = Field(description="The whole volume in voxels along x, y, z.")
    features: tuple[int, ...] = Field(min_length=2, description="Filters of each level.")
    batch_size: int = Field(ge=1, description="Volumes per step.")
    effective_batch_size: int = Field(ge=1, description="Volumes per weight update, by gradient accumulation.")
    learning_rate: float = Field(gt=0, description="Initial learning rate of Adam.")
    patience_epochs: int = Field(ge=1, description="Stop after so many epochs without a better validation loss.")
    loss: Literal["dice_without_background"] = Field(description="Class-averaged soft Dice.")
    flip_probability: Probability = Field(description="Horizontal and vertical flips.")
    rotation_degrees: float = Field(ge=0, description="Largest rotation either way.")
    rotation_probability: Probability = Field(description="Share of samples rotated.")
    translation_fraction: Probability = Field(description="Largest shift as a fraction of the axis.")
    translation_probability: Probability = Field(description="Share of samples shifted.")
    seed: int = Field(ge=0, description="Seed of weights, order and augmentation.")

    def preparation(self) -> dict[str, Any]:
        """What the prepared channels depend on, as builtins."""
        return self.model_dump(mode="json", include={"spacing_mm", "shape"})


class Networks(Frozen):
    """The networks that the study knows how to describe."""

    nnunet: NnUNetSettings | None = Field(default=None, description="nnU-Net (PyTorch).")
    agunet: AGUNetSettings | None = Field(default=None, description="AGU-Net (TensorFlow).")


class Postprocessing(Frozen):
    """From a probability map to a mask."""

    thresholds: tuple[Annotated[float, Field(gt=0, le=1)], ...] = Field(
        min_length=1, description="Candidates; the best out-of-fold one is chosen per network and inputs."
    )
    min_component_voxels: int = Field(ge=0, description="Components with fewer voxels are removed.")
    connectivity: Literal[6, 18, 26] = Field(description="Which neighbours make a component.")


class Classification(Frozen):
    """Gross total resection against residual tumour."""

    residual_tumor_ml: float = Field(gt=0, description="Residual tumour from this volume on.")
    min_overlap_dice: Probability = Field(description="Dice that a true positive needs; 0: volumes decide.")


class Statistics(Frozen):
    """Significance and intervals."""

    alpha: float = Field(gt=0, lt=1, description="Significance level.")
    bootstrap_resamples: int = Field(ge=100, description="Resamples of every bootstrap interval.")
    interval_sd_multiplier: float = Field(gt=0, description="Normal interval: mean ± this many sd.")


class Study(Frozen):
    """The whole study: one cohort, one split, the inputs and networks to compare, and how to judge them."""

    version: int = Field(ge=1, description="Version of the trainings; raise it to train again on purpose.")
    title: str = Field(min_length=1, description="Printed on every table.")
    cohort: str = Field(min_length=1, description="The cohort table (TSV), relative to the working directory.")
    sequences: Sequences = Field(description="Images of the cohort table.")
    labels: dict[Column, Column] = Field(description="Label column: the sequence on whose grid it was drawn.")
    inputs: dict[Identifier, tuple[Column, ...]] = Field(
        min_length=1, description="Input configurations: a name and its channels."
    )
    holdout: tuple[Identifier, ...] = Field(min_length=1, description="Hospitals of the hold-out (test) set.")
    folds: dict[int, tuple[Identifier, ...]] = Field(
        min_length=2, description="Hospitals that each fold validates; all others of the folds train it."
    )
    registration: Registration = Field(description="Moving sequences to the reference.")
    brain_mask: BrainMask = Field(description="Skull stripping.")
    archs: tuple[Literal["nnunet"], ...] = Field(min_length=1, description="Networks that are trained.")
    networks: Networks = Field(description="Settings of each network.")
    postprocessing: Postprocessing = Field(description="From probabilities to a mask.")
    classification: Classification = Field(description="Gross total resection or residual tumour.")
    statistics: Statistics = Field(description="Significance and intervals.")

    @property
    def channels(self) -> tuple[str, ...]:
        """Every column that some inputs use, in the table's order: images first, then labels."""
        used = {channel for channels in self.inputs.values() for channel in channels}
        return tuple(column for column in (*self.images, *self.labels) if column in used)

    @property
    def images(self) -> tuple[str, ...]:
        """All image columns, the reference first."""
        return (self.sequences.reference, *self.sequences.moving)

    @property
    def file_columns(self) -> tuple[str, ...]:
        """All columns of the cohort table that name a file which this study reads."""
        given = ("brain_mask",) if self.brain_mask.method == "given" else ()
        return (*self.images, *self.labels, *given)

    def settings_of(self, arch: str) -> NnUNetSettings | AGUNetSettings:
        """The settings of a network that ``archs`` names."""
        settings: NnUNetSettings | AGUNetSettings = getattr(self.networks, arch)
        return settings

    @model_validator(mode="after")
    def _consistent(self) -> Study:
        problems = [*self._split_problems(), *self._channel_problems(), *self._network_problems()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _split_problems(self) -> list[str]:
        in_folds = [hospital for hospitals in self.folds.values() for hospital in hospitals]
        problems = [f"fold {fold} names no hospital" for fold, hospitals in self.folds.items() if not hospitals]
        problems += [f"hospital {h} is in more than one fold" for h, n in Counter(in_folds).items() if n > 1]
        problems += [f"hospital {h} is both held out and in a fold" for h in self.holdout if h in in_folds]
        if sorted(self.folds) != list(range(len(self.folds))):
            problems.append(f"folds are numbered {sorted(self.folds)}, expected 0 to {len(self.folds) - 1}")
        return problems

    def _channel_problems(self) -> list[str]:
        known = (*self.images, *self.labels)
        drawn_on = self.labels.items()
        problems = [f"label {label} was drawn on {on}, no sequence" for label, on in drawn_on if on not in self.images]
        if self.labels.get("residual") != self.sequences.reference:
            problems.append("labels needs residual, drawn on the reference sequence")
        for name, channels in self.inputs.items():
            problems += [f"inputs {name} names {c}, no sequence or label" for c in channels if c not in known]
            if not channels or len(set(channels)) < len(channels):
                problems.append(f"inputs {name} needs channels, each once")
            if "residual" in channels:
                problems.append(f"inputs {name} would show the network the reference standard (residual)")
        if len(set(known)) < len(known):
            problems.append("a column is named twice among sequences and labels")
        return problems

    def _network_problems(self) -> list[str]:
        undescribed = [arch for arch in self.archs if getattr(self.networks, arch) is None]
        return [f"archs names {arch}, which networks does not describe" for arch in undescribed]


def load_study(config: dict[str, Any]) -> Study:
    """The checked study of a configuration read from YAML.

    Raises ``ResiduaError`` with one line per problem, each naming the key and what is wrong.
    """
    try:
        return Study.model_validate(config)
    except ValidationError as error:
        lines = [f"  {_key(problem['loc'])}: {_plain(problem)}" for problem in error.errors()]
        raise ResiduaError("The configuration cannot be used:\n" + "\n".join(lines)) from None


def _key(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) or "study"


def _plain(problem: Any) -> str:
    if problem["type"] == "extra_forbidden":
        return "unknown key; see docs/config.md for those that exist"
    message = re.sub(r"^Value error, ", "", problem["msg"])
    return message if problem["type"] in ("missing", "value_error") else f"{message} (found {problem['input']!r})"
