"""What a sheet of a workbook holds besides values: errors, formulas without a value, merged cells, its extent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Place = tuple[int, int]
"""Row and column of a cell, both counted from 0."""
Range = tuple[Place, Place]
"""The first and the last cell of a rectangle."""
MOST_CELLS = 2_000_000
"""A sheet of more cells than this is no table of patients; a damaged or hostile file may claim billions."""
_LETTERS = 26


class UnreadableWorkbookError(Exception):
    """A workbook that cannot be read: what is wrong, and how to correct it."""

    def __init__(self, what: str, remedy: str) -> None:
        """Keep both parts of the message."""
        super().__init__(what)
        self.what = what
        self.remedy = remedy


@dataclass
class Sheet:
    """One sheet as its file describes it.

    ``padded`` gives the digits of numbers that are shown with leading zeros; ``values`` holds all cells from the first
    row and column on, where they were read already.
    """

    name: str
    is_hidden: bool = False
    extent: Range | None = None
    errors: list[tuple[Place, str]] = field(default_factory=list)
    without_value: list[Place] = field(default_factory=list)
    merged: list[Range] = field(default_factory=list)
    padded: dict[Place, int] = field(default_factory=dict)
    values: list[list[Any]] | None = None

    def fill(self, first: Place, last: Place) -> None:
        """Count a rectangle of cells that hold something."""
        if self.extent is not None:
            (top, left), (bottom, right) = self.extent
            first = min(first[0], top), min(first[1], left)
            last = max(last[0], bottom), max(last[1], right)
        self.extent = first, last

    def require_bounded(self) -> None:
        """Raise ``UnreadableWorkbookError`` if the sheet has more cells than a table can have."""
        if self.extent is None:
            return
        first, last = self.extent
        if (last[0] - first[0] + 1) * (last[1] - first[1] + 1) > MOST_CELLS:
            what = f"sheet {self.name} spans the cells {cell_name(first)} to {cell_name(last)}, too many for a table"
            raise UnreadableWorkbookError(what, "delete what does not belong to the table, or save it as CSV (UTF-8)")

    def has_name(self, name: str) -> bool:
        """Return whether a person means this sheet: letter case does not tell sheets of a workbook apart."""
        return self.name.casefold() == name.casefold()


def cell_name(place: Place) -> str:
    """Return the name of a cell as a spreadsheet shows it.

    >>> cell_name((1, 27))
    'AB2'
    """
    row, column = place
    letters = ""
    column += 1
    while column:
        column, letter = divmod(column - 1, _LETTERS)
        letters = chr(ord("A") + letter) + letters
    return f"{letters}{row + 1}"


def place_of(name: str) -> Place:
    """Return the place of a cell by its name.

    >>> place_of("$AB$2")
    (1, 27)
    """
    plain = name.replace("$", "")
    letters = plain.rstrip("0123456789")
    column = 0
    for letter in letters:
        column = column * _LETTERS + ord(letter.upper()) - ord("A") + 1
    return int(plain[len(letters) :]) - 1, column - 1


def range_of(name: str) -> Range:
    """Return a rectangle of cells by its name, such as ``A1:C2``."""
    first, _, last = name.partition(":")
    return place_of(first), place_of(last or first)
