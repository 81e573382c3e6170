"""The settings of the logistic network."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from residua.settings.networks import NetworkSettings


class LogisticSettings(NetworkSettings):
    """Gradient descent on every voxel of every training patient."""

    label: ClassVar[str] = "Logistic"

    environment: Literal["logistic"] = Field(description="The software stack, a file in envs/.")
    epochs: int = Field(ge=1, description="Steps of gradient descent.")
    learning_rate: float = Field(gt=0, description="Length of a step.")
    seed: int = Field(ge=0, description="Seed of the first weights.")

    def preparation(self) -> dict[str, Any]:
        """What the prepared channels depend on: nothing."""
        return {}


SETTINGS = LogisticSettings
