"""Settings of what leaves the study: bundles of trained models."""

from __future__ import annotations

from pydantic import Field

from residua.settings.base import Frozen


class ModelSharing(Frozen):
    """What a bundle of trained models says beside its numbers."""

    licence: str | None = Field(
        default=None, min_length=1, description="Licence under which the models are shared, such as CC-BY-NC-4.0."
    )
    contact: str | None = Field(default=None, min_length=1, description="Whom users of the models can ask.")
    certainty: float = Field(
        default=0.75,
        ge=0.5,
        lt=1,
        description="Calibrated probability from which a patient is told to have residual tumour, or none; between "
        "the two the patient is undecidable.",
    )
