"""Settings of the figures."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from residua.settings.base import Distinct, Frozen

FurtherFigure = Literal[
    "pipeline", "discrimination", "agreement", "dice_by_volume", "calibration", "confusion", "learning_curves"
]
FURTHER: tuple[FurtherFigure, ...] = get_args(FurtherFigure)


class Figures(Frozen):
    """Figures that are made beside the article's 1, 3 and 4."""

    further: Distinct[FurtherFigure] = Field(
        default=FURTHER,
        description="Which figures are made beside the article's Figures 1, 3 and 4; an empty list: none.",
    )
