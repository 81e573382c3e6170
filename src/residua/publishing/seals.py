"""Seals: the digest of every file that a job has made, kept apart from it, and compared before another job reads it.

``scripts/_here.py`` seals what a job writes and verifies what it reads, so that no rule and no reader can forget to.
The files of a folder with a manifest have their digests there; the seal of the manifest covers them too.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from residua.errors import DamagedStageError, ResiduaError
from residua.publishing.publish import digest, remaking, write_text

RESULTS = "results"
_SEALS = ".sha256"


def break_seals(files: Iterable[str]) -> None:
    """Remove the seals of files that are about to be made again."""
    for file in files:
        seal = seal_of(file)
        if seal is not None:
            seal.unlink(missing_ok=True)


def seal(files: Iterable[str]) -> None:
    """Keep the digests of files of the results."""
    for file in files:
        kept = seal_of(file)
        if kept is not None and Path(file).is_file():
            write_text(kept, digest(file) + "\n")


def require_sealed(files: Iterable[str]) -> None:
    """Raise ``DamagedStageError`` for the first file that changed since it was sealed; it names the file and a remedy.

    A file without a seal passes: it is not of the results, or a copy of a study came without hidden files.
    """
    for file in files:
        kept = seal_of(file)
        if kept is None or not kept.is_file():
            continue
        try:
            changed = digest(file) != kept.read_text(encoding="utf-8").strip()
        except OSError as error:
            what = f"{file}: cannot be read ({error.strerror}); change its permissions, or {remaking(file)}"
            raise ResiduaError(what) from None
        if changed:
            raise DamagedStageError(f"{file}: changed or damaged since it was made. Rebuild it: {remaking(file)}")


def sealed_files() -> list[str]:
    """Return every file that has a seal in the results of the working directory, whether it is there or not."""
    seals = Path(RESULTS, _SEALS)
    return [Path(RESULTS, seal.relative_to(seals).with_suffix("")).as_posix() for seal in seals.rglob("*.txt")]


def seal_of(file: str) -> Path | None:
    """Return where the digest of a file of the results is kept; None for any other file."""
    parts = Path(file).parts
    return Path(RESULTS, _SEALS, *parts[1:-1], f"{parts[-1]}.txt") if parts[:1] == (RESULTS,) else None
