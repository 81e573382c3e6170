"""Settings of the brain model's training heads and of its training."""

from __future__ import annotations

from collections.abc import Mapping
from math import cos, pi
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from residua.brain.slabs import flat_levels
from residua.errors import ResiduaError
from residua.networks.agunet.grid import halvings
from residua.networks.agunet.settings import InitialWeights
from residua.settings.base import AxisCounts, Frozen, Probability
from residua.settings.machine import MACHINE, machine_of
from residua.settings.messages import problem_lines

BRAIN_MODEL = "brain_model"
"""The section of a configuration that makes a brain model, and is no study."""


class HeadsSettings(Frozen):
    """The heads that are made for the training."""

    heads: int = Field(ge=1, description="Heads to train on.")
    held_out_heads: int = Field(ge=1, description="Other heads, which choose the best epoch.")
    heads_per_job: int = Field(ge=1, description="Heads that one job makes.")
    views: int = Field(
        ge=1, description="Slabs of each head, every one with a shape, a contrast and a scan of its own."
    )
    world_mm: float = Field(gt=0, description="Step of the grid on which heads are built.")
    random_contrast: Probability = Field(description="Share of the scans whose contrast follows no physics.")
    real_brain: Probability = Field(description="Share of the scans whose brain is that of the template's T1w map.")
    seed: int = Field(ge=0, description="Seed of the heads.")


class BrainModelSettings(Frozen):
    """The slab-wise AGU-Net of brain masks, and how it is trained."""

    slab: AxisCounts = Field(description="Voxels of a slab along x, y, z.")
    crop: AxisCounts | None = Field(
        default=None,
        description="Voxels that a training sees of a slab at a time, anywhere in it; null: all.",
    )
    features: tuple[Annotated[int, Field(ge=2)], ...] = Field(min_length=3, description="Filters of each level.")
    batch_normalization_momentum: float = Field(gt=0, lt=1, description="Momentum of the running statistics.")
    training: HeadsSettings
    batch_size: int = Field(ge=1, description="Slabs per step.")
    steps_per_epoch: int = Field(ge=1, description="Steps of an epoch, after which the held-out heads are looked at.")
    epochs: int = Field(ge=1, description="Epochs.")
    learning_rate: float = Field(gt=0, description="Learning rate of Adam; it falls to 0 along a cosine.")
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = Field(
        default="float32", description="Bits in which the training computes."
    )
    initial_weights: Literal["shipped"] | InitialWeights | None = Field(
        default=None, description="Start: null for random weights, shipped for those of the package, or a file."
    )
    learn: Literal["all", "finer"] = Field(
        default="all", description="Levels that learn: all, or only those that the initial weights lack."
    )
    cut: float = Field(default=0.5, gt=0, lt=1, description="Probability above which a voxel is brain.")
    save_every_epochs: int = Field(ge=1, description="Epochs between checkpoints.")
    seed: int = Field(ge=0, description="Seed of the weights and of the order of slabs.")

    @property
    def batches(self) -> dict[str, int]:
        """Return the number of jobs that make the heads of each part: ``training`` and ``held_out``."""
        heads, size = (
            {"training": self.training.heads, "held_out": self.training.held_out_heads},
            self.training.heads_per_job,
        )
        return {part: -(-number // size) for part, number in heads.items()}

    def learning_rate_after(self, share: float) -> float:
        """Return the learning rate after a share (0-1) of the training: half a cosine from the full one to 0."""
        return self.learning_rate * 0.5 * (1.0 + cos(pi * share))

    @property
    def seen(self) -> tuple[int, int, int]:
        """Return the voxels that a training sees of a slab at a time."""
        return self.crop or self.slab

    @property
    def flat_levels(self) -> int:
        """Return how many of the first levels are halved in plane alone."""
        return flat_levels(self.features)

    @model_validator(mode="after")
    def _consistent(self) -> BrainModelSettings:
        levels, flat = len(self.features), self.flat_levels
        slab, seen = (halvings(shape, levels, flat) for shape in (self.slab, self.seen))
        # Weights of a crop are those of the slab only where their levels shrink alike.
        if any(part > whole for part, whole in zip(self.seen, self.slab, strict=True)) or slab != seen:
            raise ValueError(f"crop {self.seen}: is no part of a slab of {self.slab} that is halved as often")
        return self


def load_brain_model(config: Mapping[str, Any]) -> BrainModelSettings:
    """Read the settings from a configuration. Raises one ``ResiduaError`` for all that is wrong with them."""
    others = sorted(set(config) - {BRAIN_MODEL, MACHINE})
    if others:
        raise ResiduaError(f"the configuration of a brain model is no study: remove {', '.join(others)}")
    section = MACHINE
    try:
        machine_of(config)
        section = BRAIN_MODEL
        return BrainModelSettings.model_validate(config[BRAIN_MODEL])
    except ValidationError as error:
        lines = problem_lines(error, "docs/explanation/brain_model.md", section)
        raise ResiduaError(f"The brain model has {error.error_count()} problem(s):\n{lines}") from None
