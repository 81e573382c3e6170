"""Settings of how often a training sees each of its patients."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field

from residua.settings.defaults import is_default
from residua.settings.network import NetworkSettings


class SamplingCases(NetworkSettings):
    """Base of the settings of networks whose trainings can balance residual tumour and gross total resection."""

    sampling: Literal["uniform", "balanced"] = Field(
        default="uniform",
        exclude_if=is_default("uniform"),
        description="uniform: training patients are equally frequent; balanced: patients with residual tumour are, as "
        "a group, as frequent as those after gross total resection.",
    )
    sampling_residual_ml: float | None = Field(
        default=None,
        gt=0,
        exclude_if=is_default(None),
        description="Smallest volume that counts as residual tumour where sampling is balanced, in ml; null: that of "
        "classification.",
    )

    def with_residual_from(self, residual_tumor_ml: float) -> Self:
        """Return the settings with the smallest volume of a residual tumour, where the training needs it."""
        if self.sampling == "uniform" or self.sampling_residual_ml is not None:
            return self
        return self.model_copy(update={"sampling_residual_ml": residual_tumor_ml})
