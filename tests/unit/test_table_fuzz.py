"""Whatever a table holds, reading it ends in patients and problems, never in a traceback."""

from __future__ import annotations

import io
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from cohort_tables import COLUMNS, FILES, rows
from residua.cohort.table.patients import parse_table
from residua.cohort.table.rater_table import judged_raters

VALID = "\n".join(["\t".join(COLUMNS), *("\t".join(r.get(c, "") for c in COLUMNS) for r in rows())]).encode()
quick = settings(max_examples=150, deadline=None, derandomize=True)


def judged(content: bytes) -> None:
    """Read ``content`` as either table; every problem must be one printable line that says what to do."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "table"
        path.write_bytes(content)
        problems = list(parse_table(str(path), FILES).problems)
        problems += judged_raters(str(path), ["AMS1"], [], ["STO1"])[1]
    for problem in problems:
        assert len(str(problem).splitlines()) == 1
        assert problem.remedy
        assert problem.check


@quick
@given(st.binary(max_size=300))
def test_any_bytes(content: bytes) -> None:
    judged(content)


@quick
@given(st.lists(st.lists(st.text(max_size=12), max_size=8), max_size=6), st.sampled_from("\t,;|"))
def test_any_text_table(cells: list[list[str]], delimiter: str) -> None:
    text = "\n".join(delimiter.join(line) for line in cells)
    judged(text.encode("utf-8", "surrogatepass"))
    judged(text.encode("utf-16", "surrogatepass"))


@quick
@given(st.binary(max_size=200), st.sampled_from([b"PAR1", b"sep=", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"]))
def test_any_bytes_after_a_familiar_start(content: bytes, start: bytes) -> None:
    judged(start + content)


@quick
@given(st.data())
def test_any_change_of_a_valid_table(data: Any) -> None:
    content = bytearray(VALID)
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(content)))
        end = data.draw(st.integers(place, min(place + 20, len(content))))
        content[place:end] = data.draw(st.one_of(st.binary(max_size=4), st.text(max_size=4).map(str.encode)))
    judged(bytes(content))


CELLS = st.one_of(st.none(), st.text(max_size=8), st.integers(-5, 5), st.floats(), st.booleans(), st.binary(max_size=4))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.data())
def test_any_change_of_a_valid_parquet_table(data: Any) -> None:
    stream = io.BytesIO()
    pd.DataFrame(rows()).to_parquet(stream)
    content = bytearray(stream.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(4, len(content) - 1))
        content[place : place + 2] = data.draw(st.binary(max_size=3))
    judged(bytes(content))


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.dictionaries(st.sampled_from((*COLUMNS, "rater", "age", "x")), CELLS, max_size=8))
def test_any_parquet_table(record: dict[str, Any]) -> None:
    stream = io.BytesIO()
    pd.DataFrame({name: [value] for name, value in record.items()}, index=[0]).to_parquet(stream)
    judged(stream.getvalue())
