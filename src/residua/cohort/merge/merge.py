"""Make one cohort of several: the merged table, that of the raters, and the record of what was done."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from residua.cohort.merge.names import Names, names_of
from residua.cohort.merge.ratings import Rated, merged_ratings, shared_raters
from residua.cohort.merge.tables import Row, Source, merged_rows, read_sources, remarks_of, united_columns
from residua.cohort.merge.twins import Twins, find_twins
from residua.cohort.table.rater_table import COLUMNS
from residua.cohort.table.writing import building, cell_of, tsv_text
from residua.publishing.publish import write_json, write_text

TABLE, RATERS, RECORD = "cohort.tsv", "raters.tsv", "merge.json"


@dataclass(frozen=True)
class Reading:
    """How scans are read to find who is in twice."""

    cache: Path
    workers: int
    progress: Callable[[int, int], None] = lambda done, total: None


@dataclass(frozen=True)
class Merged:
    """What a merge made. ``twins`` is None where no voxel was read; ``unread`` counts patients with a broken image."""

    sources: Sequence[Source]
    names: Names
    rows: Sequence[Row]
    ratings: Sequence[Rated]
    remarks: Sequence[str]
    twins: Sequence[Twins] | None
    unread: int = 0
    folder: Path = field(default=Path())

    @property
    def is_sound(self) -> bool:
        """Return whether nobody is surely in twice."""
        return not any(twins.problem.is_error for twins in self.twins or ())

    def hospitals(self) -> dict[str, int]:
        """Return the number of patients by hospital, in alphabetical order."""
        return dict(sorted(Counter(row.patient.hospital for row in self.rows).items()))

    def to_json(self) -> dict[str, Any]:
        """Return builtins for a program to read; paths of tables are relative to the merged one."""
        tables = [self._table(source) for source in self.sources]
        twins = None if self.twins is None else [each.to_json() for each in self.twins]
        counts: Mapping[str, Any] = {"patients": len(self.rows), "ratings": len(self.ratings), "unread": self.unread}
        return {
            **counts,
            "hospitals": self.hospitals(),
            "tables": tables,
            "remarks": list(self.remarks),
            "twins": twins,
        }

    def _table(self, source: Source) -> dict[str, Any]:
        return {
            "number": source.number,
            "path": os.path.relpath(source.path, self.folder),
            "patients": len(source.patients),
            "hospitals": {name: self.names.hospital(source.number, name) for name in sorted(source.hospitals)},
            "prefix": self.names.prefixes.get(source.number, ""),
        }


def merge_cohorts(
    tables: Sequence[str],
    out: Path,
    renames: Sequence[str] = (),
    prefixes: Sequence[str] = (),
    raters: Sequence[str] = (),
    reading: Reading | None = None,
) -> Merged:
    """Write ``out``: the table, that of the raters if there are any, and the record. The tables are not changed.

    Without ``reading`` no scan is read. Raises ``ResiduaError`` if the tables cannot be one; nothing is written then.
    """
    sources = read_sources(tables)
    names = names_of(renames, prefixes, [source.hospitals for source in sources])
    columns = united_columns(sources)
    with building(out) as part:
        rows = merged_rows(sources, names, lambda file: cell_of(file, part, out))
        ratings = merged_ratings(raters, sources, names, lambda file: cell_of(file, part, out))
        remarks = [*remarks_of(sources, rows, columns), *shared_raters(ratings)]
        twins, unread = None, 0
        if reading is not None:
            twins, unread = find_twins(rows, columns, reading.cache, reading.workers, reading.progress)
        merged = Merged(sources, names, rows, ratings, remarks, twins, unread, out)
        write_text(part / TABLE, tsv_text(columns, [row.cells for row in rows]))
        if ratings:
            write_text(part / RATERS, tsv_text(COLUMNS, [cells for _, cells in ratings]))
        write_json(part / RECORD, merged.to_json())
    return merged
