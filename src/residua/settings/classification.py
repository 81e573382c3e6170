"""Settings of the classification of patients."""

from __future__ import annotations

from pydantic import Field

from residua.settings.base import Frozen, Probability


class Classification(Frozen):
    """Gross total resection against residual tumour."""

    residual_tumor_ml: float = Field(gt=0, description="Residual tumour from this volume on.")
    min_overlap_dice: Probability = Field(description="Dice that a true positive needs; 0: volumes decide.")
