"""Settings of the step from a probability map to a mask."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from residua.settings.base import Frozen


class Postprocessing(Frozen):
    """From a probability map to a mask."""

    thresholds: tuple[Annotated[float, Field(gt=0, le=1)], ...] = Field(
        min_length=1, description="Candidates; the best out-of-fold one is chosen per network and inputs."
    )
    min_component_voxels: int = Field(ge=0, description="Components with fewer voxels are removed.")
    connectivity: Literal[6, 18, 26] = Field(description="Which neighbours make a component.")
