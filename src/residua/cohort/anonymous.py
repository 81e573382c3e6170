"""Reasons for an exclusion without the identifiers of patients."""

from __future__ import annotations

import re
from collections.abc import Collection

_SHORT_NUMBER = 3
"""Digits of a number that is more likely an amount than an identifier."""


def anonymous(reason: str, patients: Collection[str]) -> str:
    """Return a reason without identifiers: of "same scan as STO004" the name goes, of "after 72 h" no number."""

    def masked(word: re.Match[str]) -> str:
        amount = word[0].isdigit() and len(word[0]) <= _SHORT_NUMBER and not word[0].startswith("0")
        return "a patient" if word[0] in patients and not amount else word[0]

    return re.sub(r"[A-Za-z0-9]+", masked, " ".join(reason.split())) or "no reason given"
