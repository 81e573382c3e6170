"""Print a table as LaTeX for the manuscript: a booktabs tabular with its caption and footnotes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from residua.tables.render import Cell, Table

PACKAGES = "% Needs \\usepackage{adjustbox, booktabs, caption, longtable}"

_ROWS_ON_A_PAGE = 40
_WIDE = 9
"""A long table of more columns is turned: nothing makes it as narrow as the text."""
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "#": r"\#",
    "$": r"\$",
    "%": r"\%",
    "&": r"\&",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": r"\textasciigrave{}",
    "±": r"$\pm$",
    "×": r"$\times$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "−": "$-$",
    "–": r"\textendash{}",
    "³": "$^3$",
    "-": "-{}",
}
"""The ten specials, signs that OT1 fonts set as others, signs that are mathematics in LaTeX, and a hyphen before
another, which would make a dash.
"""

_TO_REPLACE = re.compile(rf"-(?=-)|[{re.escape(''.join(sign for sign in _SPECIAL if sign != '-'))}]")
_NEGATIVE = re.compile(r"(?<![\w-])-(?=\d)")


def to_latex(table: Table) -> str:
    """Print a ``table`` no wider than the text, or a ``longtable`` for more rows than a page holds; texts are escaped.

    LaTeX adds no number to the caption, because the caption holds the table's own.
    """
    columns = [list(cells) for _, cells in table.frame.items()]
    layout = "".join("r" if any(isinstance(cell, Cell | int) for cell in cells) else "l" for cells in columns)
    head = [r"\toprule", _row(escaped(str(name)) for name in table.frame.columns), r"\midrule"]
    body = [_row(_cell(cell) for cell in row) for row in table.frame.itertuples(index=False)]
    caption = rf"\caption*{{{escaped(table.caption)}}}"
    build = _long if len(body) > _ROWS_ON_A_PAGE else _floating
    lines = [PACKAGES, *build(layout, caption, head, body, _notes(table.notes))]
    if build is _long and len(columns) > _WIDE:
        lines = _turned(lines)
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Escape text so that LaTeX prints it as it is; a hyphen before a number becomes a minus sign."""
    plain = _NEGATIVE.sub("−", " ".join(text.split()))
    return _TO_REPLACE.sub(lambda sign: _SPECIAL[sign[0]], plain)


def _floating(layout: str, caption: str, head: list[str], body: list[str], notes: list[str]) -> list[str]:
    return [
        *(r"\begin{table}[htbp]", r"\centering", caption),
        *(r"\begin{adjustbox}{max width=\textwidth}", rf"\begin{{tabular}}{{{layout}}}"),
        *(*head, *body, r"\bottomrule"),
        *(r"\end{tabular}", r"\end{adjustbox}", *notes, r"\end{table}"),
    ]


def _long(layout: str, caption: str, head: list[str], body: list[str], notes: list[str]) -> list[str]:
    return [
        *(r"\begingroup", r"\footnotesize", rf"\begin{{longtable}}{{{layout}}}", rf"{caption} \\"),
        *(*head, r"\endfirsthead", *head, r"\endhead", *body, r"\bottomrule"),
        *(r"\end{longtable}", *notes, r"\endgroup"),
    ]


def _turned(lines: list[str]) -> list[str]:
    head, *body = [line.replace(r"\footnotesize", r"\tiny\setlength{\tabcolsep}{2pt}") for line in lines]
    return [head.replace("longtable}", "longtable, pdflscape}"), r"\begin{landscape}", *body, r"\end{landscape}"]


def _notes(notes: Sequence[str]) -> list[str]:
    lines = [rf"\par\smallskip\noindent {escaped(note)}" for note in notes]
    return [r"\begin{minipage}{\textwidth}", r"\footnotesize", *lines, r"\end{minipage}"] if notes else []


def _cell(cell: object) -> str:
    if isinstance(cell, Cell):
        return rf"{escaped(cell.text)} {{\scriptsize ({escaped(cell.origin)})}}"
    return escaped(str(cell))


def _row(cells: Iterable[str]) -> str:
    line = " & ".join(cells)
    # After the end of a row, LaTeX would read a bracket or a star as its argument.
    return rf"{'{}' if line.startswith(('[', '*')) else ''}{line} \\"
