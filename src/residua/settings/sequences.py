"""Settings of the sequences."""

from __future__ import annotations

from pydantic import Field

from residua.settings.base import Column, Distinct, Frozen


class Sequences(Frozen):
    """Columns of the cohort table that hold images."""

    reference: Column = Field(description="Sequence whose grid is the reference space of the study.")
    moving: Distinct[Column] = Field(description="Sequences registered to the reference.")
    before_surgery: Distinct[Column] = Field(
        default=(), description="Moving sequences that were scanned before surgery, which shifts the brain."
    )
