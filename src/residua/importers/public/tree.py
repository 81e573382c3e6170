"""Find the patient folders of a public set, some levels below the unpacked folder."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from residua.errors import ResiduaError
from residua.importers.tree import containing, entries, instead

_LEVELS = 4
"""Depth of the search for patient folders: downloads wrap a set in one to three folders (package, release, images)."""


@dataclass(frozen=True)
class Tree:
    """The patient folders of a set by identifier, and the files outside them."""

    root: Path
    patients: Mapping[str, Path]
    files: tuple[Path, ...]

    def name_of(self, path: Path) -> str:
        """Return ``path`` as shown to the user: relative to the root."""
        return path.relative_to(self.root).as_posix()


def find_patients(root: Path, name: str, example: str) -> Tree:
    """Find the folders below ``root`` whose whole name matches the pattern ``name`` (in any case), sorted.

    Raises ``ResiduaError`` if there is none, if a patient exists twice, or if a folder cannot be read.
    """
    pattern = re.compile(name, re.IGNORECASE)
    patients: dict[str, Path] = {}
    files: list[Path] = []
    level, seen = [root], containing(root) | {os.path.realpath(root)}
    for _ in range(_LEVELS):
        folders: list[Path] = []
        for entry in sorted((e for folder in level for e in entries(folder)), key=Path.is_symlink):
            real = os.path.realpath(entry)
            if not entry.is_dir() or real in seen:
                files.append(entry)
                continue
            seen.add(real)
            if not pattern.fullmatch(entry.name):
                folders.append(entry)
            elif (first := patients.setdefault(entry.name.casefold(), entry)) is not entry:
                raise ResiduaError(f"{entry.name} exists twice: {first} and {entry}; give the folder of one copy")
        level = folders
    if not patients:
        raise ResiduaError(f"{root}: no patient folder such as {example} within {_LEVELS} levels{_hint(files)}")
    folders = sorted(patients.values(), key=lambda folder: folder.name)
    return Tree(root, {folder.name: folder for folder in folders}, tuple(files))


def _hint(files: list[Path]) -> str:
    archives = [file.name for file in files if file.suffix.lower() in (".zip", ".tar", ".gz", ".tgz")]
    if archives:
        return f"; unpack {archives[0]} and give the resulting folder"
    return "; give the folder of the unpacked set" + instead(files)
