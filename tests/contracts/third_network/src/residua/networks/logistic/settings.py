"""The settings of the logistic network."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from residua.settings.base import Frozen
from residua.settings.network import NetworkSettings


class LogisticPreparation(Frozen):
    """Prepared channels depend on no setting."""


class LogisticSettings(NetworkSettings):
    """Gradient descent on every voxel of every training patient."""

    label: ClassVar[str] = "Logistic"
    preparation_model: ClassVar[type[Frozen]] = LogisticPreparation

    environment: Literal["logistic"] = Field(description="The software stack, a file in envs/.")
    epochs: int = Field(ge=1, description="Steps of gradient descent.")
    learning_rate: float = Field(gt=0, description="Length of a step.")
    seed: int = Field(ge=0, description="Seed of the first weights.")


SETTINGS = LogisticSettings
