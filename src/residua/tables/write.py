"""Write a table in all its forms."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike

from residua.publishing.publish import write_text
from residua.tables.html import to_html
from residua.tables.latex import to_latex
from residua.tables.render import Table, to_csv, to_markdown

_FORMS = {"csv": to_csv, "md": to_markdown, "tex": to_latex, "html": to_html}


def write_table(table: Table, files: Mapping[str, str | PathLike[str]]) -> None:
    """Write one table in four forms; ``files`` names the file of each: csv, md, tex and html."""
    for form, write in _FORMS.items():
        write_text(files[form], write(table))
