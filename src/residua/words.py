"""Words of the texts that readers see: names of the columns of the cohort table, and lists."""

from __future__ import annotations

from collections.abc import Sequence

_NAMES = {
    "post_t1ce": "post-operative T1w-CE",
    "post_t1": "post-operative T1w",
    "post_flair": "post-operative FLAIR",
    "pre_t1ce": "pre-operative T1w-CE",
    "residual": "residual tumour",
    "pre_tumor": "pre-operative tumour",
}


def name_of(column: str) -> str:
    """Name a sequence or label within a sentence."""
    return _NAMES.get(column, column.replace("_", " "))


def title_of(column: str) -> str:
    """Name a sequence or label in a heading."""
    name = name_of(column)
    return name[:1].upper() + name[1:]


def listed(items: Sequence[str]) -> str:
    """Write ``a``, ``a and b`` or ``a, b and c``."""
    return " and ".join(part for part in (", ".join(items[:-1]), *items[-1:]) if part)
