"""Settings of the step from a probability map to a mask."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from residua.settings.base import Distinct, Frozen

Rule = Literal["volume_f1", "authors"]
Filtered = Literal["mask", "objects"]
"""What loses its small components: the mask itself, or only what is counted as an object."""

THRESHOLD_STEPS = 200
"""The map of each model of an ensemble is stored in whole 1/200: only such a threshold cuts it rightly."""


def _in_steps(threshold: float) -> float:
    steps = threshold * THRESHOLD_STEPS
    if abs(steps - round(steps)) > 1e-6:
        step = 1 / THRESHOLD_STEPS
        raise ValueError(f"{threshold:g} is no multiple of {step:g}, the step in which the map of each model is stored")
    return threshold


class Postprocessing(Frozen):
    """How a probability map becomes a mask."""

    thresholds: Distinct[Annotated[float, Field(gt=0, le=1), AfterValidator(_in_steps)]] = Field(
        min_length=1,
        description="Candidates, multiples of 0.005; each network and input configuration gets the one with the best "
        "out-of-fold results.",
    )
    rule: Rule = Field(
        default="volume_f1",
        description="How the best threshold is chosen: the highest (mean Dice + F1) / 2. volume_f1: Dice of the "
        "detected patients, F1 of all patients by volume. authors: the public code of the article's authors; patients "
        "after gross total resection do not enter.",
    )
    min_component_voxels: int = Field(ge=0, description="Components with fewer voxels are removed.")
    connectivity: Literal[6, 18, 26] = Field(
        description="Neighbours of one component: by faces (6), also edges (18), also corners (26)."
    )
