"""Print a table as LaTeX for the manuscript: a booktabs tabular with its caption and footnotes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from residua.tables.latex_layout import HEIGHT_PT, LINE_PT, lines_of, long_layout
from residua.tables.latex_text import escaped
from residua.tables.render import Cell, Table

PACKAGES = "% Needs \\usepackage{adjustbox, booktabs, caption, longtable}"

_ROWS_ON_A_PAGE = 40


def to_latex(table: Table) -> str:
    """Print a ``table`` no wider than the text, or a ``longtable`` where a page cannot hold it; texts are escaped.

    LaTeX adds no number to the caption, because the caption holds the table's own.
    """
    columns = [list(cells) for _, cells in table.frame.items()]
    sides = "".join("r" if any(isinstance(cell, Cell | int) for cell in cells) else "l" for cells in columns)
    lines = _floating(table, sides) if _fits_on_a_page(table) else _long(table, columns, sides)
    return "\n".join(lines) + "\n"


def _fits_on_a_page(table: Table) -> bool:
    lines = len(table.frame) + lines_of(table.caption) + sum(map(lines_of, table.notes))
    return len(table.frame) <= _ROWS_ON_A_PAGE and lines * LINE_PT <= HEIGHT_PT


def _floating(table: Table, sides: str) -> list[str]:
    head, body = _rows(table, r"\scriptsize")
    return [
        *(PACKAGES, r"\begin{table}[htbp]", r"\centering", _caption(table)),
        *(r"\begin{adjustbox}{max width=\textwidth}", rf"\begin{{tabular}}{{{sides}}}"),
        *(*head, *body, r"\bottomrule"),
        *(r"\end{tabular}", r"\end{adjustbox}", *_notes(table.notes), r"\end{table}"),
    ]


def _long(table: Table, columns: Sequence[Sequence[object]], sides: str) -> list[str]:
    heads = map(str, table.frame.columns)
    texts = [[(name, ""), *map(_plain, cells)] for name, cells in zip(heads, columns, strict=True)]
    layout = long_layout(texts, sides)
    head, body = _rows(table, layout.small)
    size = rf"{layout.size}\setlength{{\tabcolsep}}{{{layout.gap_pt:g}pt}}\setlength{{\LTcapwidth}}{{\linewidth}}"
    lines = [
        *(r"\begingroup", size, rf"\begin{{longtable}}{{{layout.columns}}}", rf"{_caption(table)} \\"),
        *(*head, r"\endfirsthead", *head, r"\endhead", *body, r"\bottomrule"),
        *(r"\end{longtable}", *_notes(table.notes, r"\noindent"), r"\endgroup"),
    ]
    if layout.turned:
        lines = [r"\begin{landscape}", *lines, r"\end{landscape}"]
    needed = ["adjustbox", *(["array"] if layout.breaks else []), "booktabs", "caption", "longtable"]
    needed += ["pdflscape"] if layout.turned else []
    return [f"% Needs \\usepackage{{{', '.join(needed)}}}", *lines]


def _rows(table: Table, small: str) -> tuple[list[str], list[str]]:
    """Return the lines of the head and of the body; ``small`` is the size of n and undefined."""
    head = [r"\toprule", _row(escaped(str(name)) for name in table.frame.columns), r"\midrule"]
    return head, [_row(_cell(cell, small) for cell in row) for row in table.frame.itertuples(index=False)]


def _caption(table: Table) -> str:
    return rf"\caption*{{{escaped(table.caption)}}}"


def _notes(notes: Sequence[str], before: str = "") -> list[str]:
    """Return the footnotes; ``before`` keeps the box at the margin, where paragraphs are indented."""
    lines = [rf"\par\smallskip\noindent {escaped(note)}" for note in notes]
    begin = rf"{before}\begin{{minipage}}{{\textwidth}}"
    return [begin, r"\footnotesize", *lines, r"\end{minipage}"] if notes else []


def _plain(cell: object) -> tuple[str, str]:
    return (cell.text, f"({cell.origin})") if isinstance(cell, Cell) else (str(cell), "")


def _cell(cell: object, small: str) -> str:
    if isinstance(cell, Cell):
        return rf"{escaped(cell.text)} {{{small} ({escaped(cell.origin)})}}"
    return escaped(str(cell))


def _row(cells: Iterable[str]) -> str:
    line = " & ".join(cells)
    # After the end of a row, LaTeX would read a bracket or a star as its argument.
    return rf"{'{}' if line.startswith(('[', '*')) else ''}{line} \\"
