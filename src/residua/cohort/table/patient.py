"""One patient: a row of the cohort table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

Role = Literal["auto", "holdout", "exclude"]
ROLES: tuple[Role, ...] = get_args(Role)
ExcludedBy = Literal["table", "protocol", "check", "fault"]
"""What excludes a patient: the table's role, the protocol (sequences, time of the scan), a check of the data, or a
registration or brain mask that failed."""


@dataclass(frozen=True)
class Patient:
    """One row of the table. A cell that is empty or ``n/a`` is absent from ``files`` and ``clinical``."""

    patient: str
    hospital: str
    role: Role
    exclusion_reason: str
    row: int | None
    files: Mapping[str, str] = field(default_factory=dict)
    clinical: Mapping[str, str] = field(default_factory=dict)
    excluded_by: ExcludedBy | None = None
    person: str = ""
    """As the table gives it; ``who`` is the person of a row without it, too."""
    marked: str = ""
    """The cell of the column that names the hold-out; empty where no column does."""

    @property
    def who(self) -> str:
        """Return the person whose scans the row holds: one human being, who may have several rows."""
        return self.person or self.patient

    @property
    def hours_since_surgery(self) -> float | None:
        """Return the hours from surgery to the scan; None when the table does not say."""
        hours = self.clinical.get("hours_since_surgery")
        return None if hours is None else float(hours)

    @property
    def excluded(self) -> bool:
        """Return whether this patient is excluded from the study."""
        return self.role == "exclude"


def further_persons(patients: Iterable[Patient]) -> dict[str, str]:
    """Return the person of each patient whose name is another than the person's."""
    return {patient.patient: patient.person for patient in patients if patient.who != patient.patient}
