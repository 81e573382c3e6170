"""Path-safe identifiers made from a source's names of patients and hospitals."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from unicodedata import combining, normalize

from residua.errors import ResiduaError

_LETTERS = str.maketrans(
    {"ø": "o", "Ø": "O", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ß": "ss", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D"}
    | {"ð": "d", "Ð": "D", "þ": "th", "Þ": "TH", "ı": "i"}
)
"""Latin letters without a decomposition into a letter and its accent."""
_WHOLE_NUMBER = re.compile(r"\s*(\d+)\.0\s*", re.ASCII)
"""A whole number as programs write it that keep a column with empty cells as floats."""


def safe_identifiers(names: Iterable[str], what: str) -> dict[str, str]:
    """Return an identifier of letters and digits for each name; no two differ only in case.

    Accents and characters that are unsafe in a path are dropped; a letter of another script becomes ``u`` and its
    number; ``1.0`` is ``1``. Raises ``ResiduaError`` that lists the names of ``what`` (such as patients) that become
    one identifier: whether they are one or several, only the user knows.
    """
    made = {name: _identifier(name) for name in sorted(set(names))}
    alike = defaultdict(list)
    for name, identifier in made.items():
        alike[identifier.casefold()].append(name)
    _require_unique(alike.values(), what)
    return made


def hospital_identifiers(names: Iterable[str]) -> dict[str, str]:
    """Return an identifier for each name of a hospital; names that differ in their spelling alone get the same.

    Case, blanks, dots, hyphens, accents and the Unicode form are spelling: "St. Olav", "ST OLAV" and "St.Olav" are one
    hospital, whose identifier is made from the most frequent spelling. Raises ``ResiduaError`` for names that may be
    one hospital or two, such as "Site 1-2" and "Site 12", or "1" and "01".
    """
    frequency = Counter(names)
    spellings = defaultdict(list)
    for name in sorted(frequency, key=lambda name: (-frequency[name], name)):
        spellings[spelling(name)].append(name)
    alike = defaultdict(list)
    for first, *_ in spellings.values():
        alike[re.sub(r"(?<!\d)0+(?=\d)", "", _identifier(first).casefold())].append(first)
    _require_unique(alike.values(), "hospitals")
    return {name: _identifier(of_one[0]) for of_one in spellings.values() for name in of_one}


def _identifier(name: str) -> str:
    letters = (c if c.isascii() else f"u{ord(c):x}" for c in _plain(name) if c.isalnum())
    return "".join(letters) or "unnamed"


def _plain(name: str) -> str:
    """Return the name without accents, and a whole number without its decimals."""
    if number := _WHOLE_NUMBER.fullmatch(name):
        return number[1]
    return "".join(c for c in normalize("NFKD", name).translate(_LETTERS) if not combining(c))


def spelling(name: str) -> str:
    """Return what all spellings of one name share: letters and digits; digits that are apart stay apart."""
    words = re.findall(r"[^\W_]+", _plain(name).casefold())
    return re.sub(r"(?<=\D) | (?=\D)", "", " ".join(words))


def _require_unique(alike: Iterable[list[str]], what: str) -> None:
    doubtful = [" and ".join(repr(name) for name in names) for names in alike if len(names) > 1]
    if doubtful:
        raise ResiduaError(
            f"{what} that may be the same: {'; '.join(doubtful)}: case, accents and all but letters and digits do not "
            "tell them apart; write each in one way only, and different ones with other letters or digits"
        )
