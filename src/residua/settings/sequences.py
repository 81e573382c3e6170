"""Settings of the sequences."""

from __future__ import annotations

from pydantic import Field

from residua.settings.base import Column, Frozen


class Sequences(Frozen):
    """Which columns of the cohort table hold images."""

    reference: Column = Field(description="The sequence whose grid is the reference space of the study.")
    moving: tuple[Column, ...] = Field(description="The sequences registered to the reference.")
    before_surgery: tuple[Column, ...] = Field(
        default=(), description="Those of them that were scanned before surgery; the brain has shifted since."
    )
