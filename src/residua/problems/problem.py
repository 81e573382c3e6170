"""What is wrong with a cohort, where, and how to mend it: collected first, so that all of it is told at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal, NoReturn

from residua.errors import ResiduaError

Severity = Literal["error", "ineligible", "warning"]
"""``error``: the patient's data cannot be used; ``ineligible``: the protocol leaves the patient out."""


@dataclass(frozen=True)
class Problem:
    """One thing to mend. ``row`` is the line of the table as an editor numbers it, the header being 1."""

    what: str
    remedy: str
    row: int | None = None
    patient: str | None = None
    column: str | None = None
    file: str | None = None
    severity: Severity = "error"
    check: str = ""
    """The name of the check that found it, as docs/reference/checks.md lists them."""

    @property
    def is_error(self) -> bool:
        """Whether the study cannot use this patient, or run at all, before this is mended."""
        return self.severity == "error"

    def __str__(self) -> str:
        """One line, whatever a damaged table holds: ``row 7 (patient STO004), column post_t1, FILE: what: remedy``."""
        places = [self._row_and_patient(), self.column and f"column {self.column}", self.file]
        place = ", ".join(part for part in places if part)
        return printable(": ".join(part for part in (place, self.what, self.remedy) if part))

    def _row_and_patient(self) -> str | None:
        if self.row is None:
            return self.patient and f"patient {self.patient}"
        return f"row {self.row}" + (f" (patient {self.patient})" if self.patient else "")

    def to_json(self) -> dict[str, Any]:
        """Builtins; what does not apply is null."""
        return asdict(self)


def printable(text: str) -> str:
    """``text`` on one line without anything that moves a cursor, whatever a damaged table holds."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def errors_of(problems: Iterable[Problem]) -> list[Problem]:
    """The problems that keep the study from running."""
    return [problem for problem in problems if problem.is_error]


def failure(problems: Iterable[Problem], title: str) -> NoReturn:
    """Raise ``ResiduaError``: ``title`` and one line for every error among ``problems``."""
    lines = [f"  {problem}" for problem in errors_of(problems)]
    raise ResiduaError("\n".join([f"{title} ({len(lines)} to mend):", *lines]))


def raise_problems(problems: Iterable[Problem], title: str) -> None:
    """Raise ``ResiduaError`` that lists all errors among ``problems`` at once; return when there is none."""
    found = errors_of(problems)
    if found:
        failure(found, title)
