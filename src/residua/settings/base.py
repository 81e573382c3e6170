"""Define what all settings share: immutable models that refuse unknown keys, and the types of their values."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

IDENTIFIER = r"^[A-Za-z0-9]+$"
COLUMN = r"^[a-z][a-z0-9_]*$"
REFERENCE_STANDARD = "residual"
"""Column of the label that networks learn and are measured against."""

Identifier = Annotated[str, Field(pattern=IDENTIFIER)]
Column = Annotated[str, Field(pattern=COLUMN)]
Spacing = tuple[
    Annotated[float, Field(gt=0)],
    Annotated[float, Field(gt=0)],
    Annotated[float, Field(gt=0)],
]
AxisCounts = tuple[
    Annotated[int, Field(ge=1)],
    Annotated[int, Field(ge=1)],
    Annotated[int, Field(ge=1)],
]
Probability = Annotated[float, Field(ge=0, le=1)]


class Frozen(BaseModel):
    """Base of all settings: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")
