"""One look for all figures, and how they are written: a PNG at 300 dpi and a PDF, equal for equal data."""

from __future__ import annotations

from os import PathLike

import matplotlib
from matplotlib.figure import Figure

from residua.publishing.publish import write_text, writing

Files = tuple[str | PathLike[str], str | PathLike[str], str | PathLike[str]]
"""Where a figure goes: PDF, PNG and the text of its caption."""

DPI = 300
MM = 1 / 25.4
"""Inches, which matplotlib counts in."""

REFERENCE, PREDICTION, ANNOTATION = "#3d9bff", "#ff5a3c", "#35d07f"
"""Outlines on grey images; the first two also differ to readers who see no red or no green."""

NOVICE, EXPERT, MODEL, OTHER = "#e69f00", "#009e73", "#0072b2", "#767676"
"""Groups on white, of Okabe and Ito's palette for every kind of colour vision."""

INK, FAINT = "#1a1a1a", "#8a8a8a"

_STYLE = {
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
    """An empty figure in the common style, which it turns on for the whole process."""
    matplotlib.rcParams.update(_STYLE)
    return Figure(figsize=(width_mm * MM, height_mm * MM), facecolor="white")


def save_figure(figure: Figure, caption: str, files: Files) -> None:
    """Write the figure in both forms and its caption, without the date and the software's version."""
    pdf, png, words = files
    with writing(pdf, suffix=".pdf") as beside:
        figure.savefig(beside, format="pdf", dpi=DPI, metadata={"CreationDate": None})
    with writing(png, suffix=".png") as beside:
        figure.savefig(beside, format="png", dpi=DPI, metadata={"Software": None})
    write_text(words, caption + "\n")
