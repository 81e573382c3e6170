"""Settings of the step from a probability map to a mask."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from residua.settings.base import Frozen


class Postprocessing(Frozen):
    """How a probability map becomes a mask."""

    thresholds: tuple[Annotated[float, Field(gt=0, le=1)], ...] = Field(
        min_length=1,
        description="Candidates; each network and input configuration gets the one with the best out-of-fold results.",
    )
    min_component_voxels: int = Field(ge=0, description="Components with fewer voxels are removed.")
    connectivity: Literal[6, 18, 26] = Field(
        description="Neighbours of one component: by faces (6), also edges (18), also corners (26)."
    )
