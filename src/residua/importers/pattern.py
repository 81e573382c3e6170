"""Path patterns such as ``{hospital}/{patient}/{column}.nii.gz``."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from unicodedata import normalize

from residua.errors import ResiduaError

FIELDS = ("hospital", "patient", "column", "session", "sequence")
_PIECE = re.compile(r"\{(\w*)\}|(\*)|([^{}*]+)")
Known = Mapping[str, Collection[str]]
"""Values of a field that are matched before any other text."""


@dataclass(frozen=True)
class Pattern:
    """A path below the source: ``{field}`` is a part of one name, ``*`` any text within one name, the rest is literal.

    A repeated field must have the same text each time. Raises ``ResiduaError`` for an invalid pattern.
    """

    text: str

    def __post_init__(self) -> None:
        """Reject an invalid pattern."""
        if not self.text or "".join(match[0] for match in _PIECE.finditer(self.text)) != self.text:
            raise ResiduaError(f"the pattern {self.text!r} has an unmatched brace; write fields as {{patient}}")
        for name in self.fields:
            if name not in FIELDS:
                raise ResiduaError(f"the pattern {self.text} has an unknown field {{{name}}}; use {', '.join(FIELDS)}")

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields, each once."""
        return tuple(dict.fromkeys(field for field, star, literal in _PIECE.findall(self.text) if not star + literal))

    def match(self, path: str, known: Known) -> dict[str, str] | None:
        """Return the fields of a path (with ``/``), or None if it does not match.

        Text is compared and returned in the composed Unicode form: macOS stores file names decomposed.
        With ``T1_GD`` among the ``known`` sequences, ``{patient}_{sequence}`` splits ``a_1_T1_GD`` correctly.
        """
        for values in (known, {}):
            compiled = _compiled(self.text, tuple((name, tuple(texts)) for name, texts in values.items()))
            if match := compiled.fullmatch(normalize("NFC", path)):
                return match.groupdict()
        return None

    def why_not(self, path: str) -> str:
        """Explain why a path does not match."""
        wanted, given = self.text.split("/"), path.split("/")
        if len(wanted) != len(given):
            return f"it lies {len(given) - 1} folder(s) deep; the pattern has {len(wanted) - 1}"
        for part, name in zip(wanted, given, strict=True):
            if not _compiled(part, ()).fullmatch(normalize("NFC", name)):
                return f"{name} does not match {part}"
        return "a repeated field has different values"


@cache
def _compiled(text: str, known: tuple[tuple[str, tuple[str, ...]], ...]) -> re.Pattern[str]:
    values, seen, pieces = dict(known), set[str](), list[str]()
    for field, star, literal in _PIECE.findall(text):
        if star or literal:
            pieces.append(re.escape(normalize("NFC", literal)) or "[^/]*")
        elif field in seen:
            pieces.append(f"(?P={field})")
        else:
            seen.add(field)
            texts = (normalize("NFC", value) for value in values.get(field, ()))
            one = "|".join(map(re.escape, texts)) or "[^/]+?"
            pieces.append(f"(?P<{field}>{one})")
    return re.compile("".join(pieces))
