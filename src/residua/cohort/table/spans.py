"""Change single cells of a delimited text and leave every other character as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from residua.cohort.table.lines import records_of

_ENDS = "\r\n"


@dataclass(frozen=True)
class Span:
    """Where a cell stands in the text, quotation marks included, and what it holds."""

    start: int
    stop: int
    cell: str


def cell_spans(text: str) -> list[list[Span]]:
    """The cells of every record that has any content, the header first, as ``table.lines`` splits them."""
    place, delimiter = records_of(text)
    records: list[list[Span]] = [[]]
    while place <= len(text):
        span = _next(text, place, delimiter)
        records[-1].append(span)
        place = span.stop + 1
        if span.stop < len(text) and text[span.stop] == delimiter:
            continue
        if text[span.stop : span.stop + 2] == _ENDS:
            place += 1
        records.append([])
        if place >= len(text):
            break
    return [record for record in records if any(span.cell.strip() for span in record)]


def _next(text: str, start: int, delimiter: str) -> Span:
    """The cell that begins at ``start``: up to the delimiter or line end, unless a quotation mark opens it."""
    place, cell = start, []
    if text[start : start + 1] == '"':
        place += 1
        while place < len(text):
            if text[place] != '"':
                cell.append(text[place])
            elif text[place + 1 : place + 2] == '"':
                cell.append('"')
                place += 1
            else:
                return Span(start, place + 1, "".join(cell))
            place += 1
    while place < len(text) and text[place] != delimiter and text[place] not in _ENDS:
        place += 1
    return Span(start, place, text[start:place])


def with_cells(text: str, changes: Mapping[int, Mapping[str, str]]) -> str:
    """The text with other cells: ``changes`` holds, by record (0: the first after the header), cells by column.

    A column that the header lacks is added at the end of every record.
    """
    records, (_, delimiter) = cell_spans(text), records_of(text)
    header = [span.cell.strip() for span in records[0]]
    new = [column for column in dict.fromkeys(c for cells in changes.values() for c in cells) if column not in header]
    edits: list[tuple[int, int, str]] = []
    for number, spans in enumerate(records):
        cells = changes.get(number - 1, {})
        for column, cell in cells.items():
            if column in header:
                span = spans[header.index(column)]
                edits.append((span.start, span.stop, _quoted(cell, delimiter)))
        added = new if number == 0 else [cells.get(column, "") for column in new]
        if added:
            end = spans[-1].stop
            edits.append((end, end, "".join(delimiter + _quoted(cell, delimiter) for cell in added)))
    for start, stop, cell in sorted(edits, reverse=True):
        text = text[:start] + cell + text[stop:]
    return text


def _quoted(cell: str, delimiter: str) -> str:
    if not any(character in cell for character in (delimiter, '"', *_ENDS)):
        return cell
    return '"' + cell.replace('"', '""') + '"'
