"""Refuse a table of frozen folds that changed since a start froze it: all trainings depend on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from residua.errors import DamagedStageError
from residua.problems.problem import Problem
from residua.problems.severity import problem_of
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
    for problem in changed_folds(*tables):
        raise DamagedStageError(f"{problem.file}: {problem.what}. {problem.remedy}")


def changed_folds(*tables: str) -> list[Problem]:
    """Return an error for each of the tables that ``require_as_frozen`` refuses. Never raises."""
    return [_changed(table) for table in tables if Path(table).is_file() and not _is_as_frozen(table)]


def _is_as_frozen(table: str) -> bool:
    try:
        require_sealed([table])
    except DamagedStageError:
        return False
    return True


def _changed(table: str) -> Problem:
    what = "changed since the folds were frozen, and every training depends on it"
    remedy = (
        f"If you edited it, say so: rm {seal_of(table)} and give the same command again. If not, take it from a "
        f"backup; or rm {table} {seal_of(table)} to draw the folds anew, which gives the same ones while no patient "
        "came, left or changed"
    )
    return problem_of("folds-changed", what, remedy, file=table)
