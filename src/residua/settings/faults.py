"""Settings of what becomes of a patient whose registration or brain mask failed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from residua.settings.defaults import is_default

OnFault = Annotated[
    Literal["stop", "exclude"],
    Field(
        description="stop (the default): trainings wait while the registration or brain mask of a patient has failed; "
        "exclude: the patient is left out and reported, and comes back once the scan is corrected.",
        exclude_if=is_default("stop"),
    ),
]
MostExcluded = Annotated[
    float,
    Field(
        ge=0,
        lt=1,
        description="With on_fault: exclude, the share of patients who may be left out (0.05 by default); more of "
        "them stop the study.",
        exclude_if=is_default(0.05),
    ),
]
