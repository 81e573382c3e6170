"""Paths as a person writes them, made plain without changing which file the system finds under them."""

from __future__ import annotations

import os
import unicodedata


def plain_path(path: str) -> str:
    """Return a path to the file that the system finds under ``path``, without the detours that can be left out.

    ``..`` behind a symbolic link leads to where the link's target lies, so it stays. A name with accents is written as
    the disk has it, where that is possible: macOS stores them as letter and accent (NFD), other systems as one (NFC).

    >>> plain_path("cohort/./images//AMS001.nii.gz")
    'cohort/images/AMS001.nii.gz'
    """
    if ".." not in path and path.isascii():
        return os.path.normpath(path)
    place = "/" if path.startswith("/") else ""
    for name in path.split("/"):
        if name == ".." and _may_be_left(place):
            place = os.path.dirname(place)
        elif name not in ("", "."):
            place = _as_stored(place, name)
    return place or "."


def absolute_path(path: str | os.PathLike[str]) -> str:
    """Return an absolute path to the file that the system finds under ``path``."""
    return plain_path(os.path.join(os.getcwd(), path))


def _may_be_left(place: str) -> bool:
    named = os.path.basename(place) not in ("", "..")
    return place == "/" or (named and not os.path.islink(place))


def _as_stored(place: str, name: str) -> str:
    forms = (name, *(unicodedata.normalize(form, name) for form in ("NFC", "NFD"))) if not name.isascii() else (name,)
    paths = [os.path.join(place, form) for form in forms]
    return next((path for path in paths if len(paths) > 1 and os.path.lexists(path)), paths[0])
