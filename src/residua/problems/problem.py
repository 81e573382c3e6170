"""One record of what is wrong, where, and how to correct it, and the one place that puts it into words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

Severity = Literal["error", "ineligible", "warning"]
"""``error``: the patient's data cannot be used; ``ineligible``: the protocol excludes the patient."""
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
PROBLEM = "problem"
"""The key of a record under which a ``Problem`` stands as JSON when the patient failed, else null."""


@dataclass(frozen=True)
class Problem:
    """One thing to correct.

    ``check`` is the name of the check that found it, as docs/reference/checks.md lists them. ``subject`` is a column of
    a table, a sequence, a label or "brain mask". ``row`` is the line of the table as an editor numbers it, the header
    being 1. None: does not apply, or is not known yet.
    """

    check: str
    severity: Severity
    what: str
    remedy: str
    patient: str | None = None
    subject: str | None = None
    row: int | None = None
    file: str | None = None

    @property
    def is_error(self) -> bool:
        """Whether the study cannot use this patient, or cannot run at all, until this is corrected."""
        return self.severity == "error"

    @property
    def is_warning(self) -> bool:
        """Whether a person should check this, although the study can use the patient."""
        return self.severity == "warning"

    def __str__(self) -> str:
        """Return one line: ``row 7 (patient STO004), column post_t1, FILE: what: remedy``."""
        parts = [self._place(), self.what, self.remedy]
        return printable(": ".join(part for part in parts if part))

    def _place(self) -> str:
        parts = [self._row_and_patient(), self._subject(), self.file]
        return ", ".join(part for part in parts if part)

    def _row_and_patient(self) -> str | None:
        if self.row is None:
            return self.patient and f"patient {self.patient}"
        return f"row {self.row}" + (f" (patient {self.patient})" if self.patient else "")

    def _subject(self) -> str | None:
        is_of_table = self.row is not None or self.patient is None
        return self.subject and (f"column {self.subject}" if is_of_table else self.subject)

    def to_json(self) -> dict[str, Any]:
        """Return builtins from which ``from_json`` makes the same problem."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Problem:
        """Return the problem that ``to_json`` described."""
        return cls(**record)


def failed(check: str, what: str, remedy: str, patient: str, subject: str) -> Problem:
    """Return the problem of a registration or a brain mask that failed, which is always an error."""
    return Problem(check, "error", what, remedy, patient, subject)


def printable(text: str) -> str:
    """Return ``text`` on one line without characters that move a cursor: a damaged table may hold any."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
