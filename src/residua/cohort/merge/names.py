"""The names that hospitals, patients and raters get in a merged table, as the options of the command give them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from residua.cohort.table.rows import CohortRow, wrong_cells
from residua.errors import ResiduaError

ALL = "*"
"""Stands for every hospital of a table."""
_RENAME = re.compile(r"(?:(\d+):)?([^=]+)=(.*)")
_OF_TABLE = re.compile(r"(\d+)=(.*)")


@dataclass(frozen=True)
class Names:
    """``renamed``: the new name by table (None: every table) and hospital; ``prefixes``: by table."""

    renamed: Mapping[tuple[int | None, str], str]
    prefixes: Mapping[int, str]

    def hospital(self, table: int, hospital: str) -> str:
        """Return the new name of a hospital: an option that names table or hospital counts before a general one."""
        keys = [(table, hospital), (None, hospital), (table, ALL), (None, ALL)]
        return next((self.renamed[key] for key in keys if key in self.renamed), hospital)

    def person(self, table: int, name: str) -> str:
        """Return the new name of a patient, a person or a rater of a table."""
        return self.prefixes.get(table, "") + name if name else ""


def names_of(renames: Iterable[str], prefixes: Iterable[str], hospitals: Sequence[Sequence[str]]) -> Names:
    """Read ``--rename [N:]OLD=NEW`` and ``--prefix N=TEXT``; ``hospitals`` holds those of each table, in their order.

    Raises ``ResiduaError`` for an option that cannot be read, is given twice, or renames nothing.
    """
    renamed: dict[tuple[int | None, str], str] = {}
    for text in renames:
        match = _RENAME.fullmatch(text)
        if match is None:
            raise ResiduaError(f"--rename {text}: write OLD=NEW, or N:OLD=NEW for the hospital of table N alone")
        table, old, new = int(match[1]) if match[1] else None, match[2], match[3]
        _require_table(f"--rename {text}", table, len(hospitals))
        _require_identifier(f"--rename {text}", "hospital", new)
        there = {name for number, own in enumerate(hospitals, start=1) if table in (None, number) for name in own}
        if old != ALL and old not in there:
            where = "any table" if table is None else f"table {table}"
            raise ResiduaError(f"--rename {text}: no hospital {old} in {where}; there are {', '.join(sorted(there))}")
        if renamed.setdefault((table, old), new) != new:
            raise ResiduaError(f"--rename {text}: {old} is renamed to {renamed[table, old]} too; give it one new name")
    return Names(renamed, _prefixes(prefixes, len(hospitals)))


def _prefixes(prefixes: Iterable[str], tables: int) -> dict[int, str]:
    found: dict[int, str] = {}
    for text in prefixes:
        match = _OF_TABLE.fullmatch(text)
        if match is None:
            raise ResiduaError(
                f"--prefix {text}: write N=TEXT, N being the place of the table in the command (1, 2, …)"
            )
        _require_table(f"--prefix {text}", int(match[1]), tables)
        _require_identifier(f"--prefix {text}", "patient", match[2])
        if found.setdefault(int(match[1]), match[2]) != match[2]:
            raise ResiduaError(f"--prefix {text}: table {match[1]} has another prefix; give it one")
    return found


def _require_table(option: str, table: int | None, tables: int) -> None:
    if table is not None and not 1 <= table <= tables:
        raise ResiduaError(f"{option}: there is no table {table}; the command names {tables}")


def _require_identifier(option: str, column: str, name: str) -> None:
    for problem in wrong_cells(CohortRow, {column: name}, ()):
        raise ResiduaError(f"{option}: {problem.what}: {problem.remedy}")
