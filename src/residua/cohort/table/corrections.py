"""The log of corrected references, beside the cohort table: a line for each correction, and for each one undone."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal

from residua.cohort.table.location import table_file
from residua.cohort.table.writing import tsv_text
from residua.errors import ResiduaError
from residua.publishing.publish import write_text, writing

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


_NAMES = [field.name for field in fields(Correction)]


def corrections_folder(table: str) -> Path:
    """Return the folder of the corrected masks of a cohort table and of their log."""
    return Path(os.path.dirname(table_file(table)), FOLDER)


def read_corrections(table: str) -> list[Correction]:
    """Read the log of a cohort table, the oldest first; without a log there are none.

    Raises ``ResiduaError`` when its header is not the log's.
    """
    log = corrections_folder(table) / LOG
    lines = _lines_of(log)
    if lines is None:
        raise ResiduaError(
            f"{log}: not the log that residua review wrote, with the columns {', '.join(_NAMES)}; restore a copy"
        )
    return lines


@contextmanager
def logged(table: str, correction: Correction) -> Iterator[None]:
    """Add a line to the log of a cohort table before the block changes the table; without it when the block fails.

    The log is whole at any moment, and a mask in the table has its line even when the process is killed.
    """
    log = corrections_folder(table) / LOG
    lines, before = read_corrections(table), log.read_bytes() if log.is_file() else None
    write_text(log, tsv_text(_NAMES, [asdict(line) for line in (*lines, correction)]))
    try:
        yield
    except BaseException:
        if before is None:
            log.unlink()
        else:
            with writing(log) as beside:
                beside.write_bytes(before)
        raise


@contextmanager
def correcting(table: str) -> Iterator[Path]:
    """Provide the folder of corrections, which no other command changes meanwhile."""
    import fcntl

    folder = corrections_folder(table)
    folder.mkdir(exist_ok=True)
    with open(folder / ".lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX)
        except OSError as error:
            what = f"{folder}: cannot be kept from other commands ({error.strerror})"
            raise ResiduaError(f"{what}; keep the cohort table on a disk where files can be locked") from None
        yield folder


def corrected_files(files: Iterable[str]) -> set[str]:
    """Return those of some masks that are corrected ones, by the logs beside them: a merged table keeps its masks.

    A log of somebody else's counts none.
    """
    folders = {folder for folder in map(os.path.dirname, files) if os.path.basename(folder) == FOLDER}
    named = {
        os.path.join(folder, os.path.basename(line.file))
        for folder in folders
        for line in _lines_of(Path(folder, LOG)) or []
        if line.action == "accept"
    }
    return named.intersection(files)


def _lines_of(log: Path) -> list[Correction] | None:
    """Return the lines of a log, none where there is no file; None for a file of another kind."""
    if not log.is_file():
        return []
    try:
        with open(log, encoding="utf-8", newline="") as stream:
            header, *rows = [*csv.reader(stream, delimiter="\t")] or [[]]
    except (OSError, ValueError, csv.Error):
        return None
    if header != _NAMES or any(len(row) != len(_NAMES) for row in rows):
        return None
    return [Correction(**dict(zip(_NAMES, row, strict=True))) for row in rows]
