"""Keep what a folder held before a training on data that are not all verified yet.

The training may be interrupted, and go on, any number of times before all are verified. Noted beside what is kept are
the files as they were when the training began, and those verified since. Where one is found damaged, or is no longer
the one that the training may have read, the folder gets back what it held before: no one can tell what it has learned.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from residua.publishing.publish import read_json, write_json

_KEPT = ".before-verification"
_HELD, _BEGAN, _VERIFIED = "held", "began.json", "verified"
_Stamp = list[int] | None


class Provisional:
    """What one folder held before, until it is settled that the data were sound."""

    def __init__(self, folder: Path) -> None:
        """Change nothing yet."""
        self._folder, self._kept = folder, folder / _KEPT
        self._began: dict[str, _Stamp] = {}

    def begin(self, files: Iterable[Path], say: Callable[[str], None]) -> set[Path]:
        """Keep what the folder holds, or go on where a training was interrupted; return the files verified by then."""
        now = {str(file): _stamp(file) for file in files}
        if self._kept.is_dir():
            self._began = read_json(self._kept / _BEGAN)
            other = [file for file, stamp in now.items() if stamp is None or self._began.get(file) != stamp]
            if not other:
                return self._verified()
            say(
                f"{other[0]}: was written again since this training, which was interrupted before all its data were "
                "verified, may have read it; the training goes back to the state before that"
            )
            self.undo()
        self._began = now
        self._keep()
        return set()

    def note(self, file: Path) -> None:
        """Note that a file is verified, unless it is another one than when the training began."""
        if self._kept.is_dir() and _stamp(file) == self._began[str(file)]:
            with open(self._kept / _VERIFIED, "a", encoding="utf-8") as stream:
                stream.write(json.dumps(str(file)) + "\n")

    def _verified(self) -> set[Path]:
        file = self._kept / _VERIFIED
        lines = file.read_text(encoding="utf-8").split("\n") if file.is_file() else [""]
        # What follows the last end of a line is what a killed process could not finish.
        return {Path(json.loads(line)) for line in lines[:-1] if line.startswith('"') and line.endswith('"')}

    def _keep(self) -> None:
        """Keep the files. They are replaced, never written into, so that a second name keeps their content."""
        building = self._folder / f"{_KEPT}.new"
        shutil.rmtree(building, ignore_errors=True)
        files = _files_in(self._folder)
        (building / _HELD).mkdir(parents=True)
        for file in files:
            place = building / _HELD / file.relative_to(self._folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            _linked(file, place)
        write_json(building / _BEGAN, self._began)
        building.rename(self._kept)

    def undo(self) -> None:
        """Bring the folder back to what it held before, if that is not settled."""
        if not self._kept.is_dir():
            return
        held = self._kept / _HELD
        before = {file.relative_to(held) for file in _files_in(held)}
        for file in _files_in(self._folder):
            if file.relative_to(self._folder) not in before and self._kept not in file.parents:
                file.unlink()
        for name in before:
            beside = self._folder / f"{name}.kept"
            beside.unlink(missing_ok=True)
            _linked(held / name, beside)
            beside.replace(self._folder / name)
            # Two names of one file: there was nothing to replace.
            beside.unlink(missing_ok=True)
        self.settle()

    def settle(self) -> None:
        """Keep nothing of before any longer."""
        # Renamed first: half of it must not count as what the folder held.
        dropped = self._folder / f"{_KEPT}.new"
        shutil.rmtree(dropped, ignore_errors=True)
        self._kept.rename(dropped)
        shutil.rmtree(dropped)


def _stamp(file: Path) -> _Stamp:
    """Return what tells a file that was written again from the one before; None: it is missing."""
    try:
        facts = file.stat()
    except OSError:
        return None
    return [facts.st_size, facts.st_mtime_ns, facts.st_ino]


def _files_in(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


def _linked(file: Path, place: Path) -> None:
    try:
        os.link(file, place)
    except OSError:
        # A file system without a second name for a file.
        shutil.copy2(file, place)
