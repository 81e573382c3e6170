"""Read and write a Parquet table as the cells that it would have as text."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any

MAGIC = b"PAR1"
_INDEX = re.compile(r"__index_level_\d+__")


def parquet_cells(content: bytes) -> list[tuple[str, ...]]:
    """Return the names of the columns, then every row; nulls and NaN are empty cells.

    An unnamed index of pandas is not a column. Raises whatever pyarrow raises for a damaged file.
    """
    # Only here: a study whose table is text never pays for the import.
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.ParquetFile(pa.BufferReader(content)).read()
    kept = [index for index, name in enumerate(table.column_names) if not _INDEX.fullmatch(name)]
    columns = [_texts(table.column(index)) for index in kept]
    return [tuple(table.column_names[index] for index in kept), *zip(*columns, strict=True)]


def with_parquet_cells(content: bytes, changes: Mapping[int, Mapping[str, str]]) -> bytes:
    """Return the table with other texts in some cells, by row (blank rows do not count) and column; "" is null.

    Types, order, metadata and compression stay. A column that holds no text, or is not there, becomes one of text.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(pa.BufferReader(content))
    table = file.read()
    # Nothing in a row but blanks: the reader of tables does not count it.
    filled = [number for number, row in enumerate(parquet_cells(content)[1:]) if any(cell.strip() for cell in row)]
    for name in dict.fromkeys(column for cells in changes.values() for column in cells):
        there = table.column(name) if name in table.column_names else pa.nulls(table.num_rows)
        texts = there.to_pylist() if _holds_text(there.type) else [None] * table.num_rows
        for row, cells in changes.items():
            texts[filled[row]] = cells[name] or None
        column = _typed(texts, there.type)
        if name in table.column_names:
            table = table.set_column(table.column_names.index(name), name, column)
        else:
            table = table.append_column(name, column)
    stream = io.BytesIO()
    used = file.metadata.row_group(0).column(0).compression.lower()
    pq.write_table(table, stream, compression="none" if used == "uncompressed" else used)
    return stream.getvalue()


def _holds_text(kind: Any) -> bool:
    import pyarrow as pa

    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(inner) or pa.types.is_large_string(inner))


def _typed(texts: list[str | None], kind: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_dictionary(kind) and _holds_text(kind):
        return pa.array(texts, kind.value_type).dictionary_encode().cast(kind)
    return pa.array(texts, kind if _holds_text(kind) else pa.string())


def _texts(column: Any) -> list[str]:
    import pyarrow as pa

    try:
        # Arrow's own text: 61.0 reads 61, and 0.1 in single precision 0.1.
        texts = column.cast(pa.string()).to_pylist()
    except (pa.ArrowException, ValueError):
        texts = [None if value is None else str(value) for value in column.to_pylist()]
    if pa.types.is_floating(column.type):
        texts = [None if text == "nan" else text for text in texts]
    return ["" if text is None else text for text in texts]
