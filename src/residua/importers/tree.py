"""List the files of a source in a fixed order, without files that operating systems add."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from residua.errors import ResiduaError

_NOISE = re.compile(r"\.|__MACOSX$|Thumbs\.db$|desktop\.ini$", re.IGNORECASE)
_VOLUME = re.compile(r"(.+)\.nii(?:\.gz)?", re.IGNORECASE)


def entries(folder: Path) -> list[Path]:
    """List files and folders in ``folder`` by name, without files that operating systems add.

    Raises ``ResiduaError`` if the folder cannot be read.
    """
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise ResiduaError(f"{folder}: cannot be read ({error.strerror}); give a readable folder") from None
    return [folder / name for name in names if not _NOISE.match(name)]


def files_below(folder: Path) -> Iterator[Path]:
    """Yield all files below ``folder`` in a fixed order."""
    for entry in entries(folder):
        if entry.is_dir():
            yield from files_below(entry)
        else:
            yield entry


def volume_name(path: Path) -> str | None:
    """Return the name of a NIfTI file in lower case, without its extension; None for any other file."""
    match = _VOLUME.fullmatch(path.name)
    return match[1].lower() if match else None
