"""Which settings say where files lie: a configuration that leaves the study's computers does without them.

One that is read from another folder names them so that they are found there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from residua.errors import ResiduaError
from residua.settings.elsewhere import PATIENT

PLACES: Mapping[str, str] = {
    "cohort": "",
    "raters": "",
    "folds.path": "",
    "brain_mask.weights": "",
    "networks.*.plans.file": "",
    "networks.*.initial_weights.file": "",
    "networks.*.initial_bundles.*.file": "",
    "machine.local_scratch": "",
    "elsewhere.*.inputs.*": PATIENT,
}
"""The keys of such settings (``*``: any name), and what a value holds that is a place; other values are not."""


def without_places(record: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out of a study's configuration, as builtins, where files lie; their digests stand beside them.

    A setting goes by its key alone: a path may look like a title, and a title like a path.

    >>> without_places({"cohort": "My cohort.tsv", "title": "a/b", "brain_mask": {"weights": "w", "method": "agunet"}})
    {'title': 'a/b', 'brain_mask': {'method': 'agunet'}}
    """
    return _changed(record, _PLACES, lambda name, value: {})


def seen_from_the_root(record: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return a study's configuration, as builtins, for another folder: places above ``folder`` are named absolutely.

    >>> seen_from_the_root({"cohort": "../cohort.tsv", "raters": "raters.tsv"}, Path("/data/study"))
    {'cohort': '/data/study/../cohort.tsv', 'raters': 'raters.tsv'}
    """

    def absolute(name: str, value: Any) -> dict[str, Any]:
        above = isinstance(value, str) and ".." in Path(value).parts
        return {name: str(folder / value) if above else value}

    return _changed(record, _PLACES, absolute)


def require_plain_places(record: Mapping[str, Any]) -> None:
    """Raise ``ResiduaError`` for a file whose path holds braces, which a workflow reads as a placeholder."""
    braced: list[str] = []

    def judged(name: str, value: Any) -> dict[str, Any]:
        if isinstance(value, str) and name not in _NO_FILES and has_braces(value.replace(PATIENT, "")):
            braced.append(f"{name}: {_HELD.format(value)}")
        return {}

    _changed(record, _PLACES, judged)
    if braced:
        raise ResiduaError("\n  ".join(["The configuration cannot be used:", *braced]))


def plain_place(path: str) -> str:
    """Return a path. Raises ``ValueError`` where it holds braces.

    >>> plain_place("bundles/B.zip")
    'bundles/B.zip'
    """
    if has_braces(path):
        raise ValueError(_HELD.format(path))
    return path


def has_braces(path: str) -> bool:
    """Return whether Snakemake would find a wildcard in a path, or refuse it."""
    return "{" in path or "}" in path


_HELD = "{!r} holds {{ or }}, which the workflow takes for a placeholder: rename it"
_NO_FILES = ("local_scratch",)
"""Folders that jobs find, whose braces are those of variables."""
_Place = tuple[list[str], str]
_PLACES: list[_Place] = [(key.split("."), sign) for key, sign in PLACES.items()]


def _changed(
    record: Mapping[str, Any], places: Sequence[_Place], change: Callable[[str, Any], dict[str, Any]]
) -> dict[str, Any]:
    """Return a record with what ``change`` makes of the name and the value of each place."""
    changed: dict[str, Any] = {}
    for name, value in record.items():
        below = [(rest, sign) for (first, *rest), sign in places if first in ("*", name)]
        if isinstance(value, Mapping):
            changed[name] = _changed(value, [place for place in below if place[0]], change)
        elif any(not rest and sign in str(value) for rest, sign in below):
            changed |= change(name, value)
        else:
            changed[name] = value
    return changed
