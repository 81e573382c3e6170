"""Subgroups of cases from a table of covariates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from unicodedata import normalize

from residua.errors import ResiduaError
from residua.importers.bids_tables import Row, read_rows
from residua.importers.cells import is_known
from residua.statistics.groups import grouped
from residua.words import listed

CASE_COLUMNS = ("case", "patient", "participant_id", "participant", "subject", "id")
"""Columns that may name the case; the first that there is does."""
_MOST_GROUPS = 12


@dataclass(frozen=True)
class Covariates:
    """The group of each case by covariate, and what was left out, in words."""

    groups: Mapping[str, Mapping[str, str]]
    left_out: tuple[str, ...]


def read_covariates(path: Path, cases: Sequence[str]) -> Covariates:
    r"""Read the groups of ``cases`` from a table (TSV, CSV, Excel, OpenDocument or Parquet), one row per case.

    A number of many values is split at its median; a text of many values makes no group and is named. Texts that differ
    in letter case are one group. Cases without a row or a value (also R's ``NA``) are "unknown"; rows without a case,
    and cases without a row, are named, too. Raises ``ResiduaError`` for a table that is missing, names no case or one
    twice.

    >>> _ = Path("clinical.csv").write_text("case,sex,age\np1,f,50\np2,m,60\n", encoding="utf-8")
    >>> read_covariates(Path("clinical.csv"), ["p1", "p2", "p3"]).groups["sex"]
    {'p1': 'f', 'p2': 'm', 'p3': 'unknown'}
    """
    rows = _by_case(path)
    if not set(rows) & set(cases):
        raise ResiduaError(
            f"{path}: none of its cases ({_some(rows)}) is in the folders, whose files are named {_some(cases)}"
        )
    columns = dict.fromkeys(column for row in rows.values() for column in row if column not in CASE_COLUMNS)
    groups, left_out = {}, _without_counterpart(rows, cases)
    for column in columns:
        values = _in_one_spelling({case: rows.get(case, {}).get(column, "") for case in cases})
        found = grouped(values)
        if len(set(found.values())) > _MOST_GROUPS:
            left_out.append(f"{column}: {len(set(found.values()))} different values make no subgroups")
        elif any(values.values()):
            groups[column] = found
    return Covariates(groups, tuple(left_out))


def _in_one_spelling(values: Mapping[str, str]) -> dict[str, str]:
    """Return the values, empty where unknown; of spellings that differ in letter case, the most frequent one."""
    known = {case: " ".join(value.split()) if is_known(value) else "" for case, value in values.items()}
    shown: dict[str, str] = {}
    for spelling, _ in Counter(known.values()).most_common():
        shown.setdefault(spelling.casefold(), spelling)
    return {case: shown[value.casefold()] for case, value in known.items()}


def _without_counterpart(rows: Iterable[str], cases: Sequence[str]) -> list[str]:
    """Say which rows have no file, and which cases no row: a name that is misspelt is both."""
    unknown, lacking = [row for row in rows if row not in cases], [case for case in cases if case not in rows]
    said = [f"{_some(unknown)}: no file has this name, and the row is not used"] if unknown else []
    return said + ([f'{_some(lacking)}: the table has no row, and the groups are "unknown"'] if lacking else [])


def _by_case(path: Path) -> dict[str, Row]:
    rows = read_rows(path)
    if not rows:
        raise ResiduaError(f"{path}: the table does not exist, or has no row")
    key = next((column for column in CASE_COLUMNS if any(column in row for row in rows)), None)
    if key is None:
        raise ResiduaError(f"{path}: no column names the case; call it {CASE_COLUMNS[0]}")
    found: dict[str, Row] = {}
    for row in rows:
        case = normalize("NFC", row.get(key, ""))
        if not case:
            raise ResiduaError(f"{path}: a row has no {key}; name the case, or delete the row")
        if case in found:
            raise ResiduaError(f"{path}: {case} has two rows; keep one")
        found[case] = row
    return found


def _some(names: Iterable[str]) -> str:
    shown: Collection[str] = list(names)
    return listed(list(shown)[:3]) + (", …" if len(shown) > 3 else "")
