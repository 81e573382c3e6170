"""Settings of the classification of patients."""

from __future__ import annotations

from pydantic import Field

from residua.settings.base import Frozen, Probability


class Classification(Frozen):
    """Classes of patients: residual tumour or gross total resection."""

    residual_tumor_ml: float = Field(gt=0, description="Smallest volume that counts as residual tumour, in ml.")
    min_overlap_dice: Probability = Field(description="Smallest Dice of a true positive; 0: volumes alone decide.")
