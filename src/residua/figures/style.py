"""Style and writing of all figures: a PNG at 300 dpi and a PDF, the same for the same data."""

from __future__ import annotations

from os import PathLike
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from residua.publishing.publish import write_text, writing

FigureFiles = tuple[str | PathLike[str], str | PathLike[str], str | PathLike[str]]
"""The files of a figure: PDF, PNG and the text of its caption."""

DPI = 300
MM = 1 / 25.4
"""A millimetre in inches, the unit of matplotlib."""

REFERENCE, PREDICTION, ANNOTATION = "#3d9bff", "#ff5a3c", "#35d07f"
"""Outlines on grey images; red-green blind readers can distinguish the first two."""

NOVICE, EXPERT, MODEL, OTHER = "#e69f00", "#009e73", "#0072b2", "#767676"
"""Groups on white, of Okabe and Ito's palette for every kind of colour vision."""

INK, FAINT = "#1a1a1a", "#8a8a8a"

_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 7.0,
    "axes.titlesize": 7.5,
    "axes.labelsize": 7.0,
    "axes.linewidth": 0.6,
    "axes.edgecolor": INK,
    "text.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "pdf.fonttype": 42,
    "image.interpolation": "bilinear",
    "path.simplify": False,
}


def new_figure(width_mm: float, height_mm: float) -> Figure:
    """Create an empty figure in the common style, and set that style for the whole process."""
    matplotlib.rcParams.update(_STYLE)
    return Figure(figsize=(width_mm * MM, height_mm * MM), facecolor="white")


def opened(axes: Axes) -> None:
    """Take the upper and the right edge of a panel away."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def save_figure(figure: Figure, caption: str, files: FigureFiles) -> None:
    """Write the figure in both forms and its caption, without the date and the software's version."""
    pdf, png, words = files
    with writing(pdf, suffix=".pdf") as beside:
        figure.savefig(beside, format="pdf", dpi=DPI, metadata={"CreationDate": None})
    with writing(png, suffix=".png") as beside:
        figure.savefig(beside, format="png", dpi=DPI, metadata={"Software": None})
    write_text(words, caption + "\n")
