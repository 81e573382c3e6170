"""Exclude patients in a cohort table, or include them again: only role and reason of their rows change."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from residua.cohort.table.editing import editable_table
from residua.errors import ResiduaError
from residua.problems.problem import printable

ROLE, REASON = "role", "exclusion_reason"
_ROLES_BACK = ("auto", "holdout")
_BY_HAND = "write role exclude and exclusion_reason into its row"


@dataclass(frozen=True)
class Change:
    """The change of one patient's row, or that none is needed."""

    patient: str
    role: str
    reason: str
    before: str
    needed: bool

    def __str__(self) -> str:
        """Return one line for a terminal."""
        if not self.needed:
            return f"{self.patient}: nothing to change, its role is {self.before}"
        why = f": {self.reason}" if self.reason else ""
        return printable(f"{self.patient}: {self.before} -> {self.role}{why}")


def exclude(table: str | os.PathLike[str], reasons: Mapping[str, str], dry_run: bool = False) -> list[Change]:
    """Set the role of patients to exclude, each with a reason; patients excluded earlier keep their reason.

    Raises ``ResiduaError`` when the table cannot be read, a patient is not in it, or a reason is empty.
    """
    empty = [patient for patient, reason in reasons.items() if not reason.strip()]
    if empty:
        raise ResiduaError(f"patient {empty[0]}: give a reason (--reason); the flow chart counts reasons")
    wanted = {patient: ("exclude", " ".join(reason.split())) for patient, reason in reasons.items()}
    return _changed(table, wanted, lambda role: role != "exclude", dry_run)


def include(
    table: str | os.PathLike[str], patients: Sequence[str], role: str = "auto", dry_run: bool = False
) -> list[Change]:
    """Give excluded patients ``role`` (auto or holdout) and take their reason away. Raises as ``exclude`` does."""
    if role not in _ROLES_BACK:
        raise ResiduaError(f"role {role}: write {' or '.join(_ROLES_BACK)}")
    wanted = dict.fromkeys(patients, (role, ""))
    return _changed(table, wanted, lambda before: before == "exclude", dry_run)


def _changed(
    table: str | os.PathLike[str],
    wanted: Mapping[str, tuple[str, str]],
    needed: Callable[[str], bool],
    dry_run: bool,
) -> list[Change]:
    read = editable_table(table, (ROLE,), _BY_HAND)
    read.require(wanted)
    changes = [
        Change(patient, role, reason, read.cell(patient, ROLE), needed(read.cell(patient, ROLE)))
        for patient, (role, reason) in wanted.items()
    ]
    cells = {change.patient: {ROLE: change.role, REASON: change.reason} for change in changes if change.needed}
    if cells and not dry_run:
        read.write(cells)
    return changes
