"""Path-safe identifiers made from a source's names of patients and hospitals."""

from __future__ import annotations

import re
from collections.abc import Iterable

_UNSAFE = re.compile(r"[^A-Za-z0-9]")


def safe_identifiers(names: Iterable[str]) -> dict[str, str]:
    """Return an identifier of letters and digits for each name; no two differ only in case.

    Characters that are unsafe in a path are dropped. Names that become equal get x2, x3, … in sorted order; a name that
    is already an identifier comes first and stays unchanged. The result does not depend on the order of ``names``.
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
