"""The log of corrected references, beside the cohort table: a line for each correction, and for each one undone."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal

from residua.cohort.table.location import table_file
from residua.cohort.table.paths import plain_path
from residua.cohort.table.writing import tsv_text
from residua.errors import ResiduaError
from residua.publishing.publish import write_text

FOLDER, LOG = "corrections", "corrections.tsv"
Action = Literal["accept", "undo"]


@dataclass(frozen=True)
class Correction:
    """One line of the log. ``file`` and ``previous`` are cells of the table, relative to it, after and before."""

    when: str
    patient: str
    label: str
    action: Action
    by: str
    reason: str
    file: str
    sha256: str
    previous: str
    previous_sha256: str


def corrections_folder(table: str) -> Path:
    """Return the folder of the corrected masks of a cohort table and of their log."""
    return Path(os.path.dirname(table_file(table)), FOLDER)


def read_corrections(table: str) -> list[Correction]:
    """Read the log of a cohort table, the oldest first; without a log there are none.

    Raises ``ResiduaError`` when its header is not the log's.
    """
    log = corrections_folder(table) / LOG
    if not log.is_file():
        return []
    names = [field.name for field in fields(Correction)]
    with open(log, encoding="utf-8", newline="") as stream:
        header, *rows = [*csv.reader(stream, delimiter="\t")] or [[]]
    if header != names or any(len(row) != len(names) for row in rows):
        raise ResiduaError(
            f"{log}: not the log that residua review wrote (its columns are {', '.join(names)}); restore it from a copy"
        )
    return [Correction(**dict(zip(names, row, strict=True))) for row in rows]


def append_correction(table: str, correction: Correction) -> None:
    """Add a line to the log of a cohort table; the log is whole at any moment."""
    names = [field.name for field in fields(Correction)]
    lines = [asdict(line) for line in (*read_corrections(table), correction)]
    write_text(corrections_folder(table) / LOG, tsv_text(names, lines))


@contextmanager
def correcting(table: str) -> Iterator[Path]:
    """Provide the folder of corrections, which no other command changes meanwhile."""
    import fcntl

    folder = corrections_folder(table)
    folder.mkdir(exist_ok=True)
    with open(folder / ".lock", "w", encoding="utf-8") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        yield folder


def corrected_files(table: str) -> set[str]:
    """Return the corrected masks in the log of a cohort table, as the study names files."""
    place = os.path.dirname(table_file(table))
    return {plain_path(os.path.join(place, line.file)) for line in read_corrections(table) if line.action == "accept"}
