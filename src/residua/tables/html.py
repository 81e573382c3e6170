"""Print a table as an HTML fragment, one ``<table>``, for the report."""

from __future__ import annotations

from html import escape

from residua.tables.render import Cell, Table

_WIDE = 9
"""A table of more columns is set in smaller type, with n and undefined below the number."""


def to_html(table: Table) -> str:
    """Print caption, head, body and footnotes; every text is escaped, n and undefined are set small.

    Lines break between n and undefined, and around numbers, never within them.
    """
    header = "".join(map(_head, map(str, table.frame.columns)))
    rows = [f"<tr>{''.join(map(_cell, row))}</tr>" for row in table.frame.itertuples(index=False)]
    width = len(table.frame.columns)
    notes = [f'<tr><td colspan="{width}">{_text(note)}</td></tr>' for note in table.notes]
    lines = [
        '<table class="wide">' if width > _WIDE else "<table>",
        f"<caption>{_text(table.caption)}</caption>",
        f"<thead><tr>{header}</tr></thead>",
        *("<tbody>", *rows, "</tbody>"),
        *(("<tfoot>", *notes, "</tfoot>") if notes else ()),
        "</table>",
    ]
    return "\n".join(lines) + "\n"


def _head(name: str) -> str:
    # A sentence needs room: a browser would set it a word to a line.
    return f'<th scope="col" class="sentence">{name}</th>' if name == "Note" else f'<th scope="col">{_text(name)}</th>'


def _cell(cell: object) -> str:
    if isinstance(cell, Cell):
        origin = _text(cell.origin).replace(" undefined", "&nbsp;undefined")
        return f"<td>{_text(cell.text)} <small>{origin}</small></td>"
    return f"<td>{_text(str(cell))}</td>"


def _text(text: str) -> str:
    return escape(" ".join(text.split()))
