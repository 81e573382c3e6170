"""Define what all settings share: immutable models that refuse unknown keys, and the types of their values."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

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
Item = TypeVar("Item")


def _each_once(items: tuple[Item, ...]) -> tuple[Item, ...]:
    repeated = ", ".join(str(item) for item, number in Counter(items).items() if number > 1)
    if repeated:
        raise ValueError(f"{repeated} stands more than once; write it once")
    return items


Distinct = Annotated[tuple[Item, ...], AfterValidator(_each_once), Field(json_schema_extra={"uniqueItems": True})]
"""A list in which a repeat has no meaning, and is most often a slip for another item: it is refused."""
Grade = Literal["poor", "fair", "good"]
GRADES: tuple[Grade, ...] = get_args(Grade)
"""Grades of quality, from the worst to the best."""
Probability = Annotated[float, Field(ge=0, le=1)]


def from_grade(least: Grade) -> tuple[Grade, ...]:
    """Return a grade and all that are better.

    >>> from_grade("fair")
    ('fair', 'good')
    """
    return GRADES[GRADES.index(least) :]


class Frozen(BaseModel):
    """Base of all settings: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")
