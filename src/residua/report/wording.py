"""Write numbers, lists and settings in the words of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from residua.words import listed, name_of

__all__ = ["counted", "listed", "name_of", "one_of", "percent", "plain", "points", "share"]

_SIZES = ("spacing_mm", "patch_size", "shape", "kernels", "strides")
"""Settings that hold sizes along x, y, z."""

_SMALL = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def counted(number: int, one: str, several: str | None = None) -> str:
    """Write ``3 patients`` or ``1 patient``; the plural adds an s unless it is given."""
    return f"{number} {one if number == 1 else several or one + 's'}"


def one_of(number: int) -> str:
    """Write a small number as a word."""
    return _SMALL[number] if number < len(_SMALL) else str(number)


def percent(fraction: float) -> str:
    """Write a fraction of 1 in percent with one decimal."""
    return f"{100 * fraction:.1f} %"


def share(fraction: float) -> str:
    """Write a setting between 0 and 1 in percent, with its own digits."""
    return f"{100 * fraction:g} %"


def points(fraction: float) -> str:
    """Write a difference of fractions in percentage points, with one decimal and its sign."""
    # Adding 0 makes a rounded −0 a plain one.
    return f"{round(100 * fraction, 1) + 0.0:+.1f}".replace("-", "−")


def plain(value: Any, key: str = "") -> str:
    """Write a setting: lists with commas, sizes along x, y, z with ×, mappings as ``name: value``.

    ``key`` is the setting's name; it distinguishes sizes from other lists of three numbers.
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {plain(item)}" for name, item in value.items()) or "none"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _several(value, key.endswith(_SIZES))
    return str(value)


def _several(values: Sequence[Any], sizes: bool) -> str:
    if any(isinstance(value, Sequence) and not isinstance(value, str) for value in values):
        return ", ".join(_several(value, sizes) for value in values)
    return (" × " if sizes else ", ").join(plain(value) for value in values) or "none"
