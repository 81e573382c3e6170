"""What given files held when they were last read: one that was replaced is noticed, whatever its time.

A copy that keeps its time (``cp -p``, ``mv``, ``rsync -a``) is often older than what was made of the file before. A
file is read again only where its size, time, time of change or place on the disk are others than when it was read. Of a
study's file that was never read, these four are kept: two folders that exchange their names change the place alone.
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
"""What is known of every file that was given, relative to the folder of the application or study."""
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
        self._stamps: dict[str, list[int] | None] = {}

    def digest_of(self, path: str) -> str | None:
        """Return the SHA-256 of a file's content; None: there is none that can be read."""
        if path not in self._found:
            self._found[path] = self._facts(path)
        return self._found[path].get("sha256")

    def was_replaced(self, path: str) -> bool:
        """Return whether a file has another content than at the last call, which read it."""
        before, now = self._kept.get(path, {}).get("sha256"), self.digest_of(path)
        return None not in (before, now) and before != now

    def may_be_other(self, path: str, since_s: float) -> bool:
        """Return whether a file may be another than the one that was read at ``since_s`` (seconds of the epoch).

        It may if it was seen as another one before, or was changed since then: also a copy has a new time of change.
        """
        stamp, kept = self._stamp_of(path), self._kept.get(path, {})
        if stamp is None:
            return False
        return "sha256" in kept or kept.get("stamp", stamp) != stamp or stamp[2] >= since_s * 10**9

    def keep_as_seen(self, paths: Iterable[str]) -> None:
        """Keep what was read, and of other files how they were when they were first seen, without reading them.

        A file that is another one since then stays so until it is read: a run may examine a part of the study alone.
        """
        seen = {path: self._found.get(path) or self._kept.get(path) or self._as_first_seen(path) for path in paths}
        self._write({**self._kept, **{path: facts for path, facts in seen.items() if facts}})

    def keep(self, paths: Iterable[str]) -> None:
        """Keep the digests of these files for the next call; one that cannot be read now keeps the digest it had."""
        found = {path: self._found[path] if self.digest_of(path) else self._kept.get(path, {}) for path in paths}
        self._write({path: facts for path, facts in found.items() if facts})

    def _write(self, facts: dict[str, dict[str, Any]]) -> None:
        if facts != self._kept:
            write_json(self._record, facts)
            self._kept = facts

    def _stamp_of(self, path: str) -> list[int] | None:
        if path not in self._stamps:
            try:
                self._stamps[path] = _stamp(path)
            except OSError:
                self._stamps[path] = None
        return self._stamps[path]

    def _as_first_seen(self, path: str) -> dict[str, Any]:
        stamp = self._stamp_of(path)
        return {"stamp": stamp if _is_settled(stamp) else None} if stamp else {}

    def _facts(self, path: str) -> dict[str, Any]:
        kept = self._kept.get(path, {})
        try:
            stamp = _stamp(path)
            if stamp == kept.get("stamp") and kept.get("sha256"):
                return kept
            content = digest(path)
            # What changed meanwhile, or just now, is read again by the next call.
            settled = stamp == _stamp(path) and _is_settled(stamp)
        except OSError:
            return {}
        return {"sha256": content, "stamp": stamp if settled else None}


def _stamp(path: str) -> list[int]:
    status = os.stat(path)
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _is_settled(stamp: list[int]) -> bool:
    return time.time_ns() - max(stamp[1:3]) > _SETTLED_NS
