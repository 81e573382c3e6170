"""The page of one new patient as PDF: one sheet of A4, drawn by matplotlib."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from residua.figures.style import DPI, INK, new_figure
from residua.inference.contents import RESEARCH, Contents, FirstNumber, fitting
from residua.inference.drawing import ROW_MM, WIDTH_MM, draw, rows_of
from residua.inference.panels import Shown
from residua.publishing.publish import writing

_WIDTH, _HEIGHT, _MARGIN = 210.0, 297.0, 14.0
_LINE, _SMALL = 3.6, 3.2
"""Of small text and of the smallest, in mm."""
_WIDE, _HALF = 122, 30
"""Letters of small text in a line of the sheet, and of bold ones in a cell."""
_LINES = 5
"""Of warnings, and two of each at most: all texts stand on the page, the sheet must hold what comes after them."""
_SOFT, _WARN, _WARN_PAPER, _PANEL = "#57606a", "#7a4b00", "#fff7e6", "#f5f6f8"


class _Sheet:
    """Writes from the top to the bottom; ``y`` is the next free place in mm from the upper edge."""

    def __init__(self) -> None:
        self.figure: Figure = new_figure(_WIDTH, _HEIGHT)
        self.y = _MARGIN

    def text(self, x: float, y: float, words: str, size: float = 7.0, **options: Any) -> None:
        self.figure.text(x / _WIDTH, 1 - y / _HEIGHT, words, fontsize=size, va="top", **{"color": INK, **options})

    def box(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        corner = (x / _WIDTH, 1 - (y + height) / _HEIGHT)
        size = (width / _WIDTH, height / _HEIGHT)
        self.figure.add_artist(Rectangle(corner, *size, facecolor=colour, edgecolor="none", zorder=-1))

    def heading(self, words: str) -> None:
        self.y += 2.5
        self.text(_MARGIN, self.y, words, 9.0, fontweight="bold")
        self.y += 5.5

    def lines(self, items: Sequence[str], room: int, colour: str = INK) -> None:
        """Write items with bullets in at most ``room`` lines and 1 more, which says how many others the page has."""
        for wrapped in fitting(items, room, _WIDE):
            self.text(_MARGIN, self.y, "•", color=colour)
            self.text(_MARGIN + 3, self.y, "\n".join(wrapped), color=colour, linespacing=1.35)
            self.y += _LINE * len(wrapped) + 0.6


def write_sheet(contents: Contents, shown: Shown | None, out: Path) -> None:
    """Write the sheet, the same for the same contents."""
    figure = sheet_of(contents, shown)
    with writing(out, suffix=".pdf") as beside:
        figure.savefig(beside, format="pdf", dpi=DPI, metadata={"CreationDate": None})


def sheet_of(contents: Contents, shown: Shown | None) -> Figure:
    """Draw the sheet; texts too long for it are cut, and say where they are read in full."""
    sheet = _Sheet()
    _head(sheet, contents)
    if contents.cautions:
        sheet.heading("Warnings")
        sheet.lines(contents.cautions, _LINES, _WARN)
    if shown is not None:
        _pictures(sheet, shown)
    _tables(sheet, contents)
    sheet.heading("Quality of the preprocessing")
    foot = _foot(contents)
    sheet.lines(contents.flags, int((_HEIGHT - _MARGIN - _SMALL * len(foot) - sheet.y) / (_LINE + 0.6)) - 1)
    sheet.text(_MARGIN, _HEIGHT - _MARGIN - _SMALL * len(foot), "\n".join(foot), 6.0, color=_SOFT, linespacing=1.35)
    return sheet.figure


def _head(sheet: _Sheet, contents: Contents) -> None:
    width = _WIDTH - 2 * _MARGIN
    sheet.box(_MARGIN, sheet.y, width, 6.5, _WARN_PAPER)
    sheet.text(_MARGIN + 2, sheet.y + 1.8, RESEARCH, 7.5, color=_WARN, fontweight="bold")
    sheet.y += 10
    sheet.text(_MARGIN, sheet.y, f"Residual tumour: patient {contents.patient}", 15.0, fontweight="bold")
    sheet.y += 8.5
    words = contents.state or "Early post-operative MRI, segmented by trained networks (Residua)"
    sheet.text(_MARGIN, sheet.y, words, 8.0, color=_SOFT)
    sheet.y += 6
    if contents.headlines:
        _cards(sheet, contents.headlines, width)


def _cards(sheet: _Sheet, headlines: Sequence[FirstNumber], width: float) -> None:
    gap = 2.5
    each = (width - gap * (len(headlines) - 1)) / len(headlines)
    for number, headline in enumerate(headlines):
        x = _MARGIN + number * (each + gap)
        sheet.box(x, sheet.y, each, 20, _PANEL)
        sheet.text(x + 2, sheet.y + 1.8, headline.name, color=_SOFT)
        sheet.text(x + 2, sheet.y + 5.4, headline.value, 9.5, fontweight="bold")
        remark = "\n".join(textwrap.wrap(headline.remark, int(each * 0.78)))
        sheet.text(x + 2, sheet.y + 11, remark, 6.0, color=_SOFT, linespacing=1.3)
    sheet.y += 20


def _pictures(sheet: _Sheet, shown: Shown) -> None:
    width = 0.94 * (_WIDTH - 2 * _MARGIN)
    height = ROW_MM * rows_of(shown) * width / WIDTH_MM
    sheet.y += 3
    left, bottom = (1 - width / _WIDTH) / 2, 1 - (sheet.y + height) / _HEIGHT
    # The pictures in a part of the sheet of their own size.
    widths, heights = [left, width / _WIDTH, left], [1 - bottom - height / _HEIGHT, height / _HEIGHT, bottom]
    parts = sheet.figure.subfigures(3, 3, width_ratios=widths, height_ratios=heights, wspace=0, hspace=0, squeeze=False)
    for part in parts.flat:
        part.set_facecolor("none")
    draw(parts[1][1], shown)
    sheet.y += height + 1
    legend = f"Orange: predicted residual tumour. {shown.where} R: the patient's right; A: anterior."
    sheet.text(_MARGIN, sheet.y, legend, 6.5, color=_SOFT)
    sheet.y += 3


def _tables(sheet: _Sheet, contents: Contents) -> None:
    top, right = sheet.y, _MARGIN + 126
    bottom = top
    if contents.numbers:
        sheet.heading("Numbers")
        for name, value, remark in contents.numbers:
            wrapped = textwrap.wrap(value, _HALF)
            sheet.text(_MARGIN, sheet.y, name)
            sheet.text(_MARGIN + 34, sheet.y, "\n".join(wrapped), fontweight="bold", linespacing=1.35)
            sheet.text(_MARGIN + 82, sheet.y, "\n".join(textwrap.wrap(remark, 36)), 6.0, color=_SOFT, linespacing=1.35)
            sheet.y += _LINE * max(len(wrapped), len(textwrap.wrap(remark, 36))) + 0.7
        bottom, sheet.y = sheet.y, top
    x = right if contents.numbers else _MARGIN
    sheet.y += 2.5
    sheet.text(x, sheet.y, "What was given", 9.0, fontweight="bold")
    sheet.y += 5.5
    for name, use in contents.given:
        sheet.text(x, sheet.y, name)
        sheet.text(x + 34, sheet.y, use, 6.0, color=_SOFT)
        sheet.y += _LINE + 0.7
    sheet.y = max(sheet.y, bottom)


def _foot(contents: Contents) -> list[str]:
    explained = (
        "A range over the folds is what the ensemble and each of its models find: how far they disagree, and no "
        "confidence interval. The probability is calibrated on patients whom the models had not seen. "
    )
    return textwrap.wrap((explained if contents.headlines else "") + contents.model, 150)
