"""Choose how a long table fits between the margins: the size of its letters, its side, and columns that break lines.

Widths are estimated for the standard fonts and the class article, whose text is the narrowest in use: 345 pt, or 550 pt
where the page is turned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

TEXT_PT, TURNED_PT = 345.0, 550.0
HEIGHT_PT = 550.0
LINE_PT = 12.0
"""The height of a page's text, and of a line of it."""
_PT = {r"\normalsize": 10.0, r"\footnotesize": 8.6, r"\scriptsize": 8.1, r"\tiny": 7.0}
"""Points of one em in each size: small letters of these fonts are drawn wider."""
_SMALLER = {r"\footnotesize": r"\scriptsize", r"\scriptsize": r"\tiny", r"\tiny": r"\tiny"}
_GAP_PT = {r"\footnotesize": 4.0, r"\scriptsize": 3.0, r"\tiny": 2.0}
_LEAST_GAP_PT = 1.0
_TRIED = ((r"\footnotesize", False), (r"\scriptsize", False), (r"\footnotesize", True), (r"\scriptsize", True))
_LAST = (r"\tiny", True)
_EMS = {
    **dict.fromkeys("mM%@W−±×=<>+", 0.9),
    **dict.fromkeys("w&GOQ", 0.78),
    **dict.fromkeys("iljI.,:;'|!", 0.3),
    **dict.fromkeys(" ()[]/rtfsJ-", 0.4),
}
Text = tuple[str, str]
"""A cell: its text, and what follows it in smaller letters."""


@dataclass(frozen=True)
class LongLayout:
    """How a long table is set: sizes, the gap beside a column, the columns' letters, and whether the page is turned."""

    size: str
    small: str
    gap_pt: float
    columns: str
    turned: bool
    breaks: bool


def long_layout(columns: Sequence[Sequence[Text]], sides: str) -> LongLayout:
    """Return the largest letters with which the ``columns`` (head included) fit; ``sides`` holds l or r for each.

    Where none do, the page is turned and the widest columns break their lines.
    """
    for size, turned in (*_TRIED, _LAST):
        if sum(_widths(columns, size)) <= _room(size, turned, len(columns)):
            return LongLayout(size, _SMALLER[size], _GAP_PT[size], sides, turned, breaks=False)
    for size, turned in (_TRIED[-1], _LAST):
        narrowed = _narrowed(columns, size, _room(size, turned, len(columns)))
        if narrowed or size == _LAST[0]:
            break
    # Where not even single words fit, the table is as narrow as they let it be.
    widths = narrowed or [-word for word in _words(columns, size)]
    letters = [_breaking(side, width) for side, width in zip(sides, widths, strict=True)]
    gap_pt = _GAP_PT[size] if narrowed else _LEAST_GAP_PT
    return LongLayout(size, _SMALLER[size], gap_pt, "".join(letters), turned, breaks=True)


def lines_of(text: str) -> int:
    """Return about how many lines of the page a text takes."""
    return -int(-_width(text, r"\normalsize") // TEXT_PT)


def _room(size: str, turned: bool, columns: int) -> float:
    return (TURNED_PT if turned else TEXT_PT) - 2 * _GAP_PT[size] * columns


def _widths(columns: Sequence[Sequence[Text]], size: str) -> list[float]:
    return [max(_cell(text, size) for text in texts) for texts in columns]


def _words(columns: Sequence[Sequence[Text]], size: str) -> list[float]:
    """Return the width of the longest word of each column, which no line can break."""
    return [
        max(_width(word, size) for text, more in texts for word in f"{text} {more}".split() or "-") for texts in columns
    ]


def _narrowed(columns: Sequence[Sequence[Text]], size: str, room: float) -> list[float]:
    """Return widths that fill the room, the widest columns narrowed alike; none where single words are too wide."""
    natural, least = _widths(columns, size), _words(columns, size)
    for cap in range(int(max(natural)), 0, -2):
        widths = [max(word, min(own, cap)) for own, word in zip(natural, least, strict=True)]
        if sum(widths) <= room:
            return [own if width == own else -width for own, width in zip(natural, widths, strict=True)]
    return []


def _breaking(side: str, width: float) -> str:
    """Return the letter of a column, or a paragraph of some width where it was narrowed (a negative width)."""
    if width >= 0:
        return side
    ragged = r"\raggedleft" if side == "r" else r"\raggedright"
    return rf">{{{ragged}\arraybackslash}}p{{{-width:.0f}pt}}"


def _cell(text: Text, size: str) -> float:
    return _width(text[0], size) + (_width(f" {text[1]}", _SMALLER[size]) if text[1] else 0.0)


def _width(text: str, size: str) -> float:
    return _PT[size] * sum(_EMS.get(letter, 0.75 if letter.isupper() else 0.53) for letter in text)
