"""The files of a source, in a fixed order and without what operating systems leave among them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from residua.errors import ResiduaError

_NOISE = re.compile(r"\.|__MACOSX$|Thumbs\.db$|desktop\.ini$", re.IGNORECASE)
_VOLUME = re.compile(r"(.+)\.nii(?:\.gz)?", re.IGNORECASE)


def entries(folder: Path) -> list[Path]:
    """Files and folders in ``folder`` by name, without what operating systems leave there.

    Raises ``ResiduaError`` when it cannot be read.
    """
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise ResiduaError(f"{folder}: cannot be read ({error.strerror}); give a folder that can be read") from None
    return [folder / name for name in names if not _NOISE.match(name)]


def files_below(folder: Path) -> Iterator[Path]:
    """All files of ``folder`` and its folders, in a fixed order."""
    for entry in entries(folder):
        if entry.is_dir():
            yield from files_below(entry)
        else:
            yield entry


def volume_name(path: Path) -> str | None:
    """The name of a NIfTI file in lower case, without its extension; None for any other file."""
    match = _VOLUME.fullmatch(path.name)
    return match[1].lower() if match else None
