"""Read elements of a DICOM header as lists of texts and numbers, however many values a file gives."""

from __future__ import annotations

import math
import re
from typing import Any

from pydicom.dataelem import RawDataElement

_NUMERAL = re.compile(r"[\d.,+\-eE ]{1,24}")
"""Texts that can be shown: digits and signs alone, which identify nobody."""


class UnreadableError(ValueError):
    """An element has a value that cannot be what the element means; the message names the element."""


def values(item: Any, name: str) -> tuple[str, ...]:
    """Return the values of an element as texts, in order; none if it is absent or empty."""
    try:
        value = item.get(name)
    except Exception:  # pydicom converts on access and raises many kinds for a value that it cannot convert.
        raw = item.get_item(name)
        content = raw.value if isinstance(raw, RawDataElement) else raw
        value = content.decode("latin-1").rstrip("\0").split("\\") if isinstance(content, bytes) else str(content)
    if value is None:
        return ()
    several = value if isinstance(value, (list, tuple)) or type(value).__name__ == "MultiValue" else [value]
    texts = tuple("" if each is None else str(each).strip() for each in several)
    return texts if any(texts) else ()


def text(item: Any, name: str) -> str:
    """Return an element as one text; several values are joined by a blank."""
    return " ".join(values(item, name))


def numbers(item: Any, name: str, count: int, least: float = -math.inf, positive: bool = False) -> tuple[float, ...]:
    """Return the ``count`` numbers of an element; none if it is absent or empty.

    Raises ``UnreadableError`` for a value that is not a number, below ``least``, or not above zero where ``positive``,
    and for another count.
    """
    found = tuple(_number(name, each) for each in values(item, name))
    if found and len(found) != count:
        raise UnreadableError(f"{name} has {len(found)} values instead of {count}".replace("1 values", "1 value"))
    for number in found:
        if positive and number <= 0:
            raise UnreadableError(f"{name} {number:g} is not above zero")
        if number < least:
            raise UnreadableError(f"{name} {number:g} is below {least:g}")
    return found


def number(item: Any, name: str, least: float = 0.0, positive: bool = False) -> float | None:
    """Return the number of an element, None if it is absent or empty; equal values count as one.

    Raises ``UnreadableError`` as ``numbers`` does.
    """
    several = len(set(values(item, name)))
    count = len(values(item, name)) if several == 1 else 1
    return next(iter(numbers(item, name, count, least, positive)), None)


def whole_number(item: Any, name: str, least: float = -math.inf) -> int | None:
    """Return the whole number of an element, None if it is absent or empty. Raises ``UnreadableError``."""
    found = number(item, name, least)
    if found is not None and found != int(found):
        raise UnreadableError(f"{name} {found:g} is not a whole number")
    return None if found is None else int(found)


def _number(name: str, value: str) -> float:
    try:
        # float() allows 1_000, which no DICOM file may mean.
        found = math.nan if "_" in value else float(value)
    except ValueError:
        found = math.nan
    if math.isfinite(found):
        return found
    shown = f" {value!r}" if _NUMERAL.fullmatch(value) else ""
    raise UnreadableError(f"{name}{shown} is not a number")
