"""Recognise in a name or a sidecar that a T1w scan has contrast agent, or has none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_AGENTS = "gado|dotarem|gadovist|magnevist|multihance|prohance|omniscan|clariscan|artirem|elucirem"
_WITHOUT = re.compile(
    r"(?:no|non|un|without|w/?o|ohne|sans|uten|pre|before)[ _.+-]?(?:gd|gad|contrast|kontrast|km|ce|enhanced|enh|inj)"
    r"|native|nativ|unenhanced|plain",
    re.IGNORECASE,
)
_WITH = re.compile(
    rf"{_AGENTS}|gd|gad|contrast|kontrast|enhanced|injekt|post[ _.+-]?(?:ce|c|km|inj|enh)"
    r"|(?:^|[^a-z])(?:ce|km|pc|c\+|\+c)(?:$|[^a-z])|(?<![a-z])t1w?[ _.+-]?(?:ce?|km|post(?![ _.+-]?op))(?:$|[^a-z])"
    r"|(?:space|mprage|mpr|vibe|spc|tfe|bravo|flash|3d)ce|^post$",
    re.IGNORECASE,
)
_JOINED = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
"""Places between two words that are written as one, such as ``mprageGd``."""
_NAMES = ("SeriesDescription", "ProtocolName")
_AGENT = ("ContrastBolusAgent", "ContrastBolusIngredient")
_NO_AGENT = ("none", "no", "n/a", "na", "0", "false", "without", "null")

QUESTION = "with or without contrast agent? "
"""First words of the reason why an image is not used whose names contradict each other."""


def contrast_in(text: str) -> bool | None:
    """Return whether a name speaks of contrast agent (True) or of its absence (False); None if it says nothing.

    >>> contrast_in("mprageGd"), contrast_in("precontrast"), contrast_in("space")
    (True, False, None)
    """
    words = _JOINED.sub(" ", text)
    if _WITHOUT.search(text) or _WITHOUT.search(words):
        return False
    return True if _WITH.search(text) or _WITH.search(words) else None


def contrast_in_sidecar(metadata: Mapping[str, Any]) -> tuple[bool | None, str]:
    """Return whether a sidecar says that there is contrast agent, and where; None if it says nothing."""
    for key in _AGENT:
        if agent := str(metadata.get(key) or "").strip():
            return agent.casefold() not in _NO_AGENT, f"{key} {agent!r}"
    for key in _NAMES:
        if (said := contrast_in(str(metadata.get(key) or ""))) is not None:
            return said, f"{key} {str(metadata[key])!r}"
    return None, ""
