"""A small language for where files lie: ``{hospital}/{patient}/{column}.nii.gz``."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache

from residua.errors import ResiduaError

FIELDS = ("hospital", "patient", "column", "session", "sequence")
_PIECE = re.compile(r"\{(\w*)\}|(\*)|([^{}*]+)")
Known = Mapping[str, Collection[str]]
"""Values of a field that are tried before any other text."""


@dataclass(frozen=True)
class Pattern:
    """A path below the source: ``{field}`` is a part of one name, ``*`` any text within one name, the rest is itself.

    A field that stands twice must be the same text both times. Raises ``ResiduaError`` for what is no pattern.
    """

    text: str

    def __post_init__(self) -> None:
        """Refuse what is no pattern."""
        if not self.text or "".join(match[0] for match in _PIECE.finditer(self.text)) != self.text:
            raise ResiduaError(f"the pattern {self.text!r} has a stray brace; write fields as {{patient}}")
        for name in self.fields:
            if name not in FIELDS:
                raise ResiduaError(f"the pattern {self.text} has no field {{{name}}}; there are {', '.join(FIELDS)}")

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields, each once."""
        return tuple(dict.fromkeys(field for field, star, literal in _PIECE.findall(self.text) if not star + literal))

    def match(self, path: str, known: Known) -> dict[str, str] | None:
        """The fields of a path (with ``/``); None when it does not match.

        With ``T1_GD`` among the ``known`` sequences, ``{patient}_{sequence}`` tells ``a_1_T1_GD`` apart.
        """
        for values in (known, {}):
            if match := _compiled(self.text, tuple((name, tuple(found)) for name, found in values.items())).fullmatch(
                path
            ):
                return match.groupdict()
        return None

    def why_not(self, path: str) -> str:
        """Why a path does not match."""
        wanted, given = self.text.split("/"), path.split("/")
        if len(wanted) != len(given):
            return f"it lies {len(given) - 1} folder(s) deep, the pattern {len(wanted) - 1}"
        for part, name in zip(wanted, given, strict=True):
            if not _compiled(part, ()).fullmatch(name):
                return f"{name} is not {part}"
        return "a field that stands twice differs"


@cache
def _compiled(text: str, known: tuple[tuple[str, tuple[str, ...]], ...]) -> re.Pattern[str]:
    values, seen, pieces = dict(known), set[str](), list[str]()
    for field, star, literal in _PIECE.findall(text):
        if star or literal:
            pieces.append(re.escape(literal) or "[^/]*")
        elif field in seen:
            pieces.append(f"(?P={field})")
        else:
            seen.add(field)
            one = "|".join(map(re.escape, values.get(field, ()))) or "[^/]+?"
            pieces.append(f"(?P<{field}>{one})")
    return re.compile("".join(pieces))
