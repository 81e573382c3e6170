"""Identifiers that are safe in paths, made of what a source calls its patients and hospitals."""

from __future__ import annotations

import re
from collections.abc import Iterable

_UNSAFE = re.compile(r"[^A-Za-z0-9]")


def safe_identifiers(names: Iterable[str]) -> dict[str, str]:
    """An identifier of letters and digits for each of ``names``; no two differ by upper and lower case only.

    Characters that are unsafe in a path are dropped. Names that become alike are told apart by x2, x3, … in their
    sorted order; one that is an identifier already comes first and stays as it is. The same names always give the
    same identifiers, in whatever order they come.
    """
    made: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(set(names), key=lambda name: (_UNSAFE.search(name) is not None or not name, name)):
        stem = _UNSAFE.sub("", name) or "unnamed"
        identifier, number = stem, 1
        while identifier.casefold() in taken:
            number += 1
            identifier = f"{stem}x{number}"
        taken.add(identifier.casefold())
        made[name] = identifier
    return made
