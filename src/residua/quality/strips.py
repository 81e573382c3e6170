"""Draw a measure of every patient as dots in one row per hospital (SVG within a page)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd
from markupsafe import Markup
from numpy.typing import NDArray

from residua.quality.catalogue import Measure

STYLE = Markup("""\
.strip { display: block; width: 100%; max-width: 54rem; height: auto; font-size: 11px; fill: var(--soft); }
.strip .dots { stroke: var(--accent); stroke-width: 5; stroke-linecap: round; stroke-opacity: .55; fill: none; }
.strip .axis, .strip .median { stroke: var(--line); fill: none; }
.strip .median { stroke: var(--soft); }
.strip .limit { stroke: var(--warn); stroke-dasharray: 5 4; fill: none; }
.strip .flagged { fill: #d1242f; stroke: var(--paper); stroke-width: 1; }
@media (prefers-color-scheme: dark) { .strip .flagged { fill: #ff7b72; } }""")
"""The style of the drawings, for the pages that hold them."""
_WIDTH, _LEFT, _RIGHT = 760.0, 110.0, 20.0
_ROW, _BOTTOM = 20.0, 34.0
_SPREAD_PX = 5.0
_TICKS = 5


@dataclass(frozen=True)
class _Axis:
    low: float
    high: float

    def x(self, value: float) -> float:
        return _LEFT + (value - self.low) / (self.high - self.low) * (_WIDTH - _LEFT - _RIGHT)


def strip_plot(rows: pd.DataFrame, how: Measure, smallest: float, pages: Mapping[str, str], title: str) -> Markup:
    """Draw one measure of one subject: ``rows`` of a ``measure_frame`` with a value.

    Flagged patients are larger, coloured and linked to their page in ``pages``. The median is a line, limits within the
    axis are dashed. The axis spans at least ``smallest`` on both sides of the values.
    """
    hospitals = list(dict.fromkeys(rows["hospital"]))
    axis = _axis(rows["value"].to_numpy(dtype=np.float64), how, smallest)
    height = _ROW * len(hospitals) + _BOTTOM
    parts = [
        f'<svg class="strip" role="img" aria-label="{escape(title)}" viewBox="0 0 {_WIDTH:g} {height:g}">',
        *_lines(axis, how, float(rows["median"].iloc[0]), height - _BOTTOM),
        *_ticks(axis, height - _BOTTOM),
    ]
    for number, hospital in enumerate(hospitals):
        own = rows[rows["hospital"] == hospital]
        middle = _ROW * (number + 0.5)
        parts.append(f'<text x="{_LEFT - 10:g}" y="{middle + 4:g}" text-anchor="end">{escape(str(hospital))}</text>')
        parts += _dots(own, axis, middle, how, pages)
    return Markup("".join([*parts, "</svg>"]))


def _axis(values: NDArray[np.float64], how: Measure, smallest: float) -> _Axis:
    low, high = float(np.min(values)), float(np.max(values))
    margin = max(0.04 * (high - low), smallest)
    low, high = low - margin, high + margin
    # A limit nearby is drawn too: it shows the distance to it.
    room = high - low
    if how.low is not None and 0 < low - how.low < room:
        low = how.low - margin
    if how.high is not None and 0 < how.high - high < room:
        high = how.high + margin
    return _Axis(low, high)


def _lines(axis: _Axis, how: Measure, median: float, bottom: float) -> list[str]:
    limits = [limit for limit in (how.low, how.high) if limit is not None and axis.low <= limit <= axis.high]
    lines = [("median", median), *(("limit", limit) for limit in limits)]
    return [f'<path class="{kind}" d="M{axis.x(value):.1f} 0V{bottom:g}"/>' for kind, value in lines]


def _ticks(axis: _Axis, bottom: float) -> list[str]:
    """Draw the axis with round numbers: steps of 1, 2 or 5 times a power of ten."""
    rough = (axis.high - axis.low) / _TICKS
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(power * digit for digit in (1, 2, 5, 10) if power * digit >= rough)
    places = step * np.arange(np.ceil(axis.low / step), np.floor(axis.high / step) + 1)
    return [f'<path class="axis" d="M{_LEFT:g} {bottom:g}H{_WIDTH - _RIGHT:g}"/>'] + [
        f'<text x="{axis.x(place):.1f}" y="{bottom + 18:g}" text-anchor="middle">{_number(place)}</text>'
        for place in places
    ]


def _number(value: float) -> str:
    # Without the noise of the steps: 0.30000000000000004 is 0.3, and -0 is 0.
    return f"{round(value, 9) + 0.0:g}".replace("-", "−")


def _dots(own: pd.DataFrame, axis: _Axis, middle: float, how: Measure, pages: Mapping[str, str]) -> list[str]:
    """Draw the flagged dots one by one and all others as one path: a thousand patients make a small page."""
    plain, flagged = [], []
    for number, row in enumerate(own.to_dict("records")):
        # Spread by the order in the table: equal data give equal drawings.
        x, y = axis.x(row["value"]), middle + _SPREAD_PX * (number % 5 - 2) / 2
        if not row["flag"]:
            plain.append(f"M{x:.1f} {y:.1f}h0")
            continue
        patient = str(row["patient"])
        title = escape(f"{patient}: {how.shown(row['value'])}")
        flagged.append(
            f'<a href="{escape(pages[patient])}"><circle class="flagged" cx="{x:.1f}" cy="{y:.1f}" r="5">'
            f"<title>{title}</title></circle></a>"
        )
    return [f'<path class="dots" d="{"".join(plain)}"/>' if plain else "", *flagged]
