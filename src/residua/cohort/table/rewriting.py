"""Change cells of a delimited text: only the changed rows are written anew, every other character stays."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from residua.cohort.table.lines import records_of

_ENDS = "\r\n"


def with_cells(text: str, changes: Mapping[int, Mapping[str, str]]) -> str:
    """Return the text with other cells: ``changes`` holds, by record (0: the first after the header), cells by column.

    A column that the header lacks is added at the end of every record. Blank records do not count and stay.
    """
    start, delimiter = records_of(text)
    lines = list(io.StringIO(text[start:], newline=""))
    reader = csv.reader(lines, delimiter=delimiter)
    names = dict.fromkeys(column for cells in changes.values() for column in cells)
    header: list[str] = []
    number, place, parts = 0, 0, [text[:start]]
    for cells in reader:
        # A quoted cell may span lines.
        record, place = "".join(lines[place : reader.line_num]), reader.line_num
        if not any(cell.strip() for cell in cells):
            parts.append(record)
            continue
        body = record.rstrip(_ENDS)
        if not header:
            header = [cell.strip() for cell in cells]
            added = [column for column in names if column not in header]
            row = {column: column for column in added}
        else:
            row = dict(changes.get(number, {}))
            number += 1
            if row:
                body = _written([row.get(column, cell) for column, cell in zip(header, cells, strict=True)], delimiter)
        body += "".join(delimiter + _written([row.get(column, "")], delimiter) for column in added)
        parts.append(body + record[len(record.rstrip(_ENDS)) :])
    return "".join(parts)


def _written(cells: Sequence[str], delimiter: str) -> str:
    if list(cells) == [""]:
        return ""
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter, lineterminator=_ENDS).writerow(cells)
    return stream.getvalue().removesuffix(_ENDS)
