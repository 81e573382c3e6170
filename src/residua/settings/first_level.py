"""Settings of the width of a network's first level."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from residua.settings.defaults import is_default
from residua.settings.network import NetworkSettings


class FirstLevel(NetworkSettings):
    """Base of the settings of networks whose first level can grow with the number of channels."""

    if TYPE_CHECKING:
        # A field of each network, which counts its levels.
        features: tuple[int, ...]

    filters_per_channel: int | None = Field(
        default=None,
        ge=1,
        exclude_if=is_default(None),
        description="Filters of the first level for each channel, at least those of features; null: those of features, "
        "however many channels there are.",
    )

    def features_for(self, channels: int) -> tuple[int, ...]:
        """Return the filters of each level of a network that sees so many channels."""
        first, *others = self.features
        return max(first, channels * (self.filters_per_channel or 0)), *others
