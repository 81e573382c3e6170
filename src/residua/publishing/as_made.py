"""Compare results of a study in any folder with their seals, before a command outside of the workflow reads them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import chdir
from pathlib import Path
from typing import Any

from residua.errors import DamagedStageError
from residua.publishing.publish import read_json, remaking
from residua.publishing.seals import require_sealed


def require_as_made(study: Path, files: Iterable[str | Path]) -> None:
    """Raise ``DamagedStageError`` for the first of the files, those that are there, that changed since it was made.

    ``files`` lie in the folder ``study``, or are relative to it. A file without a seal passes.
    """
    inside = [(study / file).relative_to(study).as_posix() for file in files if (study / file).is_file()]
    with chdir(study):
        require_sealed(inside)


def read_as_made(study: Path, file: str) -> Any:
    """Return the content of a JSON file of a study, after comparing it with its seal.

    Raises ``DamagedStageError`` also where it has no seal and is no JSON, and ``OSError`` where there is no such file.
    """
    require_as_made(study, [file])
    try:
        return read_json(study / file)
    except ValueError as error:
        raise DamagedStageError(f"{file}: cannot be read ({error}). Rebuild it: {remaking(file)}") from None
