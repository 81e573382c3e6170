"""The table of the place of each person: columns ``person`` and ``fold``, one row per person."""

from __future__ import annotations

from collections.abc import Mapping

from residua.cohort.split.drawing import Place
from residua.cohort.split.unit_table import UnitTable
from residua.problems.problem import Problem

HELD_OUT = "holdout"
_TABLE = UnitTable("person", "persons-table", "person {name} stands in the table twice", HELD_OUT)


def read_persons(path: str) -> tuple[dict[str, Place], list[Problem]]:
    """Return the place of each person in the order of the table, and all problems of the table. Never raises."""
    placed, problems = _TABLE.read(path)
    return {person: place.fold for person, place in placed.items()}, problems


def write_persons(path: str, places: Mapping[str, Place]) -> None:
    """Write the table that ``read_persons`` reads."""
    _TABLE.write(path, places.items())
