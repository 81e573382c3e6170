"""Compare figures with stored pictures; RESIDUA_NEW_PICTURES=1 stores them anew, to be looked at before a commit."""

from __future__ import annotations

import os
from pathlib import Path

from matplotlib.testing.compare import compare_images
from PIL import Image

PICTURES = Path(__file__).resolve().parents[1] / "golden" / "pictures"
_SMALLER = 3
"""Figures have 300 dots per inch; 100 show every line and letter."""
_TOLERANCE = 2.0
"""Root mean square of the difference of 255 grey values: another machine's rounding, no line."""


def files_in(folder: Path, name: str) -> tuple[Path, Path, Path]:
    """Return the three files of a figure."""
    return folder / f"{name}.pdf", folder / f"{name}.png", folder / f"{name}.txt"


def assert_looks_as_stored(png: Path) -> None:
    """Compare a figure with the stored one of its name; the picture of the difference stays beside it."""
    with Image.open(png) as whole:
        small = whole.convert("RGB").reduce(_SMALLER)
    stored, made = PICTURES / png.name, png.with_name(f"small-{png.name}")
    small.save(made)
    if os.environ.get("RESIDUA_NEW_PICTURES"):
        PICTURES.mkdir(exist_ok=True)
        small.quantize(64).convert("RGB").save(stored, optimize=True)
    difference = compare_images(str(stored), str(made), tol=_TOLERANCE)
    assert difference is None, difference
