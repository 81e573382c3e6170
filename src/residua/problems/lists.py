"""Lists of problems: they are collected first, so that one message shows all of them."""

from __future__ import annotations

from collections.abc import Iterable

from residua.errors import ResiduaError
from residua.problems.problem import Problem


def in_lines(problems: Iterable[Problem], title: str) -> str:
    """Return ``title`` and below it one indented line for each problem."""
    return "\n".join([title, *(f"  {problem}" for problem in problems)])


def errors_of(problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems that keep the study from running."""
    return [problem for problem in problems if problem.is_error]


def raise_problems(problems: Iterable[Problem], title: str) -> None:
    """Raise ``ResiduaError`` with ``title`` and a line for every error among ``problems``; return if there is none."""
    errors = errors_of(problems)
    if errors:
        raise ResiduaError(in_lines(errors, f"{title} ({len(errors)} to correct):"))
