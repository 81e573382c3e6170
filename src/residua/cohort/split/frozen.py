"""Refuse a table of frozen folds that changed since a start froze it: all trainings depend on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from residua.errors import DamagedStageError
from residua.publishing.seals import break_seals, require_sealed, seal, seal_of


@contextmanager
def sealed_anew(files: Sequence[str]) -> Iterator[None]:
    """Seal files that the block may write. A start that dies in between leaves none, and the next one goes on."""
    break_seals(files)
    yield
    seal(files)


def require_as_frozen(*tables: str) -> None:
    """Raise ``DamagedStageError`` for the first of the tables, those that are there, that is not as it was frozen.

    A table without a seal passes: it is of an earlier version, or somebody who edited it took the seal away.
    """
    for table in tables:
        if not Path(table).is_file():
            continue
        try:
            require_sealed([table])
        except DamagedStageError:
            raise DamagedStageError(
                f"{table}: changed since the folds were frozen, and every training depends on it. If you edited it, "
                f"say so: rm {seal_of(table)} and give the same command again. If not, take it from a backup; or "
                f"rm {table} {seal_of(table)} to draw the folds anew, which gives the same ones while no "
                "patient came, left or changed"
            ) from None
