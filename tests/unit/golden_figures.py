"""Compare figures with stored pictures; RESIDUA_NEW_PICTURES=1 stores them anew, to be looked at before a commit."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.testing.compare import compare_images
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from PIL import Image

from residua.figures import style

PICTURES = Path(__file__).resolve().parents[1] / "golden" / "pictures"
_DPI = 100
"""Of figures in tests: enough to show every line and letter."""
_TOLERANCE = 0.5
"""Root mean square of the difference of 255 grey values: another machine's rounding; one point that moves is more."""


@contextmanager
def small_pictures() -> Iterator[None]:
    """Draw figures with few dots."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(style, "DPI", _DPI)
        yield


def files_in(folder: Path, name: str) -> tuple[Path, Path, Path]:
    """Return the three files of a figure."""
    return folder / f"{name}.pdf", folder / f"{name}.png", folder / f"{name}.txt"


def assert_looks_as_stored(png: Path) -> None:
    """Compare a figure with the stored one of its name; the picture of the difference stays beside it."""
    stored = PICTURES / png.name
    if os.environ.get("RESIDUA_NEW_PICTURES"):
        with Image.open(png) as made:
            made.convert("RGB").save(stored, optimize=True)
    difference = compare_images(str(stored), str(png), tol=_TOLERANCE)
    assert difference is None, difference


@contextmanager
def texts_of_figures() -> Iterator[list[str]]:
    """Collect what figures write instead of saving them; fail where a text covers another or leaves the figure."""
    found: list[str] = []

    def look(figure: Figure, file: Any, **options: Any) -> None:
        Path(file).touch()
        if options["format"] == "png":
            found.extend(require_legible(figure))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Figure, "savefig", look)
        yield found


def require_legible(figure: Figure) -> list[str]:
    """Return every text of a figure; none may lie over another, reach out of the figure, or be NaN."""
    figure.draw_without_rendering()
    hidden = {id(text) for axes in figure.axes for text in _not_drawn(axes)}
    seen = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    places = [(text.get_text(), _inner(text.get_window_extent())) for text in seen if id(text) not in hidden]
    for words, box in places:
        assert "nan" not in words.lower().split(), words
        assert Bbox.intersection(box, figure.bbox).bounds == pytest.approx(box.bounds), f"{words!r} leaves the figure"
    for (one, first), (other, second) in combinations(places, 2):
        assert not first.overlaps(second), f"{one!r} lies over {other!r}"
    return [words for words, _ in places]


def _not_drawn(axes: Axes) -> Iterator[Text]:
    """Yield the texts of an axis that is off, and of marks beyond the ends of one."""
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        if not axes.axison:
            yield axis.label
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            if not axes.axison or not low <= tick.get_loc() <= high:
                yield from (tick.label1, tick.label2)


def _inner(box: Bbox) -> Bbox:
    """Return a box without the room above and below its letters."""
    return Bbox.from_extents(box.x0 + 1, box.y0 + 0.12 * box.height, box.x1 - 1, box.y1 - 0.12 * box.height)
