"""Settings of predictions that were made elsewhere, by networks that this study did not train."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from residua.settings.base import COLUMN, Frozen, Identifier
from residua.settings.statistics import OUT_OF_FOLD

MADE_ELSEWHERE = "made elsewhere"
"""What stands beside the name of such a network in every table, figure and sentence."""

SEEN = {
    "no": "according to the configuration it has seen no patient of this cohort",
    "yes": "it was trained on patients of this cohort, so that its numbers are optimistic",
    "unknown": "it is not known whether it was trained on patients of this cohort: its numbers may be optimistic",
}
"""What a reader is told of ``has_seen_patients``."""

PATIENT = "{patient}"
"""What the name of a patient replaces in a path."""

MASK_THRESHOLD = 0.5
"""A mask is one for every threshold below 1."""


def _as_written(value: object) -> object:
    """YAML reads yes and no as booleans."""
    return {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value


class Elsewhere(Frozen):
    """A network that this study did not train, and where its predictions lie on the grid of the reference sequence."""

    label: str = Field(
        min_length=1, max_length=40, description="The network's name in tables and figures, beside 'made elsewhere'."
    )
    has_seen_patients: Annotated[Literal["yes", "no", "unknown"], BeforeValidator(_as_written)] = Field(
        description="Whether the network was trained on patients of this cohort. Unless no, tables and report warn."
    )
    kind: Literal["masks", "probabilities"] = Field(
        description="masks: 0 and 1, measured as they are; probabilities: 0 to 1, which a threshold and the study's "
        "removal of small components make masks."
    )
    threshold: Annotated[float, Field(gt=0, le=1)] | Literal["out_of_fold"] | None = Field(
        default=None,
        description="probabilities: the threshold that their author gives, or out_of_fold: chosen as the study's own, "
        "on predictions of the patients of the folds.",
    )
    inputs: dict[Identifier, Annotated[str, Field(min_length=1)]] = Field(
        min_length=1,
        description="Input configurations: a name, best that of the study's own with the same channels, and where the "
        "predictions lie: a path with {patient}, relative to the working directory, or a column of the cohort table.",
    )

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns of the cohort table that name predictions."""
        return tuple(dict.fromkeys(place for place in self.inputs.values() if PATIENT not in place))

    @property
    def given_threshold(self) -> float | None:
        """Return the threshold, unless the out-of-fold predictions choose it."""
        if self.kind == "masks":
            return MASK_THRESHOLD
        return None if self.threshold == OUT_OF_FOLD else float(self.threshold or 0)

    @model_validator(mode="after")
    def _threshold_for_probabilities(self) -> Elsewhere:
        if self.kind == "probabilities" and self.threshold is None:
            raise ValueError(f"probabilities need a threshold: a number above 0 and at most 1, or {OUT_OF_FOLD}")
        if self.kind == "masks" and self.threshold is not None:
            raise ValueError("threshold is for kind probabilities: masks are measured as they are")
        return self

    @model_validator(mode="after")
    def _places(self) -> Elsewhere:
        wrong = [
            f"inputs.{name} is {place!r}, neither a path with {PATIENT} nor a column of the cohort table (a-z, 0-9, _)"
            for name, place in self.inputs.items()
            if PATIENT not in place and not re.fullmatch(COLUMN, place)
        ]
        repeated = len(set(self.inputs.values())) < len(self.inputs)
        if wrong or repeated:
            raise ValueError("; ".join(wrong or ["two input configurations have the same predictions"]))
        return self


def meaning_something_else(elsewhere: Mapping[str, Elsewhere], taken: Collection[str]) -> list[str]:
    """Name the columns of predictions that are among those ``taken``, which have a meaning of their own."""
    return [
        f"elsewhere.{name}.inputs.{inputs} names {place}, a column of the cohort table with a meaning of its own; "
        "put the predictions into another column"
        for name, other in elsewhere.items()
        for inputs, place in other.inputs.items()
        if place in taken
    ]
