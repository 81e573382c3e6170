"""Write the folder of a new cohort: beside its place and renamed, with paths that lead from the table to its files."""

from __future__ import annotations

import csv
import io
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from residua.cohort.table.paths import absolute_path
from residua.errors import ResiduaError


@contextmanager
def building(out: Path) -> Iterator[Path]:
    """Provide the folder ``out``.part, which becomes ``out`` when the block ends and is removed when it raises.

    Raises ``ResiduaError`` if ``out`` is not empty or another command is writing it.
    """
    final = Path(absolute_path(out))
    if final.exists() and not (final.is_dir() and not any(final.iterdir())):
        raise ResiduaError(f"{out}: is not empty; name a new or empty folder")
    part = final.with_name(final.name + ".part")
    try:
        part.mkdir(parents=True)
    except FileExistsError:
        raise ResiduaError(
            f"{part}: exists already: another command is writing it or was killed; if none is running, delete it and "
            "retry"
        ) from None
    except OSError as error:
        raise ResiduaError(f"{out}: cannot be written ({error.strerror}); name another folder") from None
    try:
        yield part
        part.rename(final)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def cell_of(file: str | os.PathLike[str], part: Path, out: Path) -> str:
    """Return ``file`` relative to the table in ``out``, or absolute if a symbolic link breaks the relative path.

    ``part`` is the folder from ``building`` that will become ``out``; files in it are part of the cohort.
    """
    absolute = absolute_path(file)
    if Path(absolute).is_relative_to(part):
        return Path(absolute).relative_to(part).as_posix()
    relative = os.path.relpath(absolute, absolute_path(out))
    leads_there = os.path.realpath(part / relative) == os.path.realpath(absolute)
    return relative if leads_there else absolute


def tsv_text(columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> str:
    """Return a table as text: a header, and a line for each row; a cell that a row lacks is empty."""
    stream = io.StringIO(newline="")
    lines = [columns, *([row.get(column, "") for column in columns] for row in rows)]
    csv.writer(stream, delimiter="\t", lineterminator="\n").writerows(lines)
    return stream.getvalue()
