"""A Parquet table as the cells that the same table has as text."""

from __future__ import annotations

import re
from typing import Any

MAGIC = b"PAR1"
_INDEX = re.compile(r"__index_level_\d+__")


def parquet_cells(content: bytes) -> list[tuple[str, ...]]:
    """The names of the columns, then every row; a null and a float that is no number are empty cells.

    An unnamed index of pandas is no column. Raises whatever pyarrow raises for a damaged file.
    """
    # Only here: a study whose table is text never pays for the import.
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.ParquetFile(pa.BufferReader(content)).read()
    kept = [index for index, name in enumerate(table.column_names) if not _INDEX.fullmatch(name)]
    columns = [_texts(table.column(index)) for index in kept]
    return [tuple(table.column_names[index] for index in kept), *zip(*columns, strict=True)]


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
