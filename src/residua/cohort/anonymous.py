"""Reasons for an exclusion without the identifiers of patients."""

from __future__ import annotations

import re
from collections.abc import Collection

_SHORT_NUMBER = 3
"""A number with at most so many digits is more likely an amount than an identifier."""


def anonymous(reason: str, patients: Collection[str]) -> str:
    """Replace identifiers of patients in a reason, as in "same scan as STO004".

    Short numbers stay, as in "after 72 h", although a table may number its patients 1 to 999.
    """

    def masked(word: re.Match[str]) -> str:
        amount = word[0].isdigit() and len(word[0]) <= _SHORT_NUMBER and not word[0].startswith("0")
        return "a patient" if word[0] in patients and not amount else word[0]

    return re.sub(r"[A-Za-z0-9]+", masked, " ".join(reason.split())) or "no reason given"
