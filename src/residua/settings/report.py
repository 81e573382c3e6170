"""Settings of the pages beside the report."""

from __future__ import annotations

from pydantic import Field

from residua.settings.base import Frozen


class ReportPages(Frozen):
    """The pages of hospitals and of the worst cases; they name patients by the study's own identifiers."""

    cases: int = Field(
        default=12,
        ge=0,
        description="Patients on the page of the worst cases: missed residual tumours, false alarms, low Dice and "
        "large volume errors in turn. 0: neither this page nor pages of the hospitals.",
    )
