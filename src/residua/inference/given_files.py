"""What the files of new patients held at the last call: one that was replaced is noticed, whatever its time.

A copy that keeps its time (``cp -p``, ``mv``, ``rsync -a``) is often older than what was made of the file before. A
file is read again only where its size, time, time of change or place on the disk are others than when it was read.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from residua.cohort.places import RESULTS
from residua.publishing.publish import digest, read_json, write_json

GIVEN = f"{RESULTS}/given.json"
"""The digest of every file that was given at the last call, relative to the application's folder."""
_SETTLED_NS = 2 * 10**9
"""A file that changed less than this ago may change again within one tick of its clock: nothing proves it the same."""


class GivenFiles:
    """The digests of files, each read at most once by this process; ``record`` keeps them between calls."""

    def __init__(self, record: str | os.PathLike[str]) -> None:
        """Read what the last call kept. A damaged record counts for nothing, as no record does."""
        self._record = Path(record)
        try:
            kept = read_json(record)
            self._kept: dict[str, dict[str, Any]] = {path: dict(facts) for path, facts in kept.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            self._kept = {}
        self._found: dict[str, dict[str, Any]] = {}

    def digest_of(self, path: str) -> str | None:
        """Return the SHA-256 of a file's content; None: there is none that can be read."""
        if path not in self._found:
            self._found[path] = self._facts(path)
        return self._found[path].get("sha256")

    def was_replaced(self, path: str) -> bool:
        """Return whether a file has another content than at the last call, which read it."""
        before, now = self._kept.get(path, {}).get("sha256"), self.digest_of(path)
        return None not in (before, now) and before != now

    def known(self, paths: Iterable[str]) -> list[str]:
        """Return those of ``paths`` whose digest this process or the last call found, without reading the others."""
        return [path for path in paths if path in self._found or path in self._kept]

    def keep(self, paths: Iterable[str]) -> None:
        """Keep the digests of these files for the next call; one that cannot be read now keeps the digest it had."""
        found = {path: self._found[path] if self.digest_of(path) else self._kept.get(path, {}) for path in paths}
        found = {path: facts for path, facts in found.items() if facts}
        if found != self._kept:
            write_json(self._record, found)
            self._kept = found

    def _facts(self, path: str) -> dict[str, Any]:
        kept = self._kept.get(path, {})
        try:
            stamp = _stamp(path)
            if stamp == kept.get("stamp") and kept.get("sha256"):
                return kept
            content = digest(path)
            # What changed meanwhile, or just now, is read again by the next call.
            settled = stamp == _stamp(path) and time.time_ns() - max(stamp[1:3]) > _SETTLED_NS
        except OSError:
            return {}
        return {"sha256": content, "stamp": stamp if settled else None}


def _stamp(path: str) -> list[int]:
    status = os.stat(path)
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
