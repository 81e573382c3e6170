"""The flags of a cohort and their file."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from os import PathLike
from pathlib import Path
from typing import Literal

from residua.errors import ResiduaError
from residua.publishing.publish import write_text

FlagKind = Literal["limit", "outlier"]


@dataclass(frozen=True)
class Flag:
    """One unusual value of one patient; ``reason`` is a short form without numbers, for the cohort table."""

    patient: str
    hospital: str
    subject: str
    measure: str
    kind: FlagKind
    value: float
    what: str
    look: str
    act: str
    reason: str


def write_flags(flags: Sequence[Flag], path: str | PathLike[str]) -> None:
    """Write the flags as TSV; without flags the header alone."""
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, [column.name for column in fields(Flag)], delimiter="\t", lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(flag) for flag in flags)
    write_text(path, stream.getvalue())


def read_flags(path: str | PathLike[str]) -> list[Flag]:
    """Read the file of ``write_flags``. Raises ``ResiduaError`` for any other file."""
    try:
        with Path(path).open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream, delimiter="\t"))
        return [Flag(**{**row, "value": float(row["value"])}) for row in rows]  # type: ignore[arg-type]
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise ResiduaError(
            f"{path}: cannot be read as flags ({error}); name the flags.tsv that the study wrote to results/quality"
        ) from None
