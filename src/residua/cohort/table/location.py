"""Where a table lies: a file, and the sheet of a workbook that ``#`` names behind it (``cohort.xlsx#Patients``)."""

from __future__ import annotations

import os

MARK = "#"


def file_and_sheet(path: str | os.PathLike[str]) -> tuple[str, str | None]:
    """Return the file of a table and the named sheet, None if no sheet is named.

    Names of files may hold ``#`` too: a sheet is what follows the first ``#`` behind the path of a file that exists.

    >>> file_and_sheet("cohort.tsv")
    ('cohort.tsv', None)
    """
    text = os.fspath(path)
    if MARK not in text or os.path.exists(text):
        return text, None
    for place in (index for index, letter in enumerate(text) if letter == MARK):
        if os.path.isfile(text[:place]):
            return text[:place], text[place + 1 :]
    return text, None


def table_file(path: str | os.PathLike[str]) -> str:
    """Return the file of a table, without the sheet."""
    return file_and_sheet(path)[0]
