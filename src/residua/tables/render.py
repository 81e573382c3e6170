"""Print a table as text: CSV for programs, Markdown for readers; LaTeX and HTML have modules of their own.

A table is a frame whose cells are strings, integers or ``Cell``. All forms print the same strings. CSV gives each
column of ``Cell`` two more, "… n" and "… undefined"; the others write them into the cell: ``59.19±20.49 (n=51)``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

_MARKDOWN = re.compile(r"([\\`*_\[\]|~])")


@dataclass(frozen=True)
class Cell:
    """A printed number, and how many values it comes from and how many undefined ones were excluded."""

    text: str
    n: int
    undefined: int = 0

    @property
    def origin(self) -> str:
        """Text of the number of values used and of undefined ones."""
        return f"n={self.n}{f', {self.undefined} undefined' if self.undefined else ''}"

    def __str__(self) -> str:
        """Print the number and its origin."""
        return f"{self.text} ({self.origin})"


@dataclass(frozen=True)
class Table:
    """A frame of cells with its caption and footnotes; the frame's index is not printed."""

    frame: pd.DataFrame
    caption: str
    notes: tuple[str, ...] = ()


def to_csv(table: Table) -> str:
    """Print the table without caption as CSV, with the columns "… n" and "… undefined" after those of ``Cell``."""
    columns: dict[str, list[object]] = {}
    for name, cells in table.frame.items():
        values = list(cells)
        columns[str(name)] = [cell.text if isinstance(cell, Cell) else cell for cell in values]
        if any(isinstance(cell, Cell) for cell in values):
            columns[f"{name} n"] = [cell.n if isinstance(cell, Cell) else "" for cell in values]
            columns[f"{name} undefined"] = [cell.undefined if isinstance(cell, Cell) else "" for cell in values]
    return str(pd.DataFrame(columns).to_csv(index=False, lineterminator="\n"))


def to_markdown(table: Table) -> str:
    """Print caption, table and footnotes as GitHub Markdown; text is escaped, so that it prints as it is."""
    header = [str(name) for name in table.frame.columns]
    rows = [[str(cell) for cell in row] for row in table.frame.itertuples(index=False)]
    lines = [_line(header), _line(["---"] * len(header), escape=False), *(_line(row) for row in rows)]
    blocks = [_escaped(table.caption), "\n".join(lines), *(_escaped(note) for note in table.notes)]
    return "\n\n".join(blocks) + "\n"


def _line(cells: Iterable[str], escape: bool = True) -> str:
    return "| " + " | ".join(_escaped(cell) if escape else cell for cell in cells) + " |"


def _escaped(text: str) -> str:
    plain = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    return _MARKDOWN.sub(r"\\\1", plain)
