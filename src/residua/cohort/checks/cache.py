"""Measurements of voxels, kept by the content of the files, so that no unchanged file is read again.

An entry is found by the digest of a file's content, and that digest by the file's path, size and time of change: where
none of them changed, not even the content is read. Entries hold digests and numbers, never a path or a name. Any
number of processes may share a folder. A damaged entry is ignored.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from residua.cohort.checks.file_status import FileStatus, status_of
from residua.publishing.publish import digest, read_json, write_json

VERSION = 2
"""Version of the measurements; raise it when ``facts`` or ``labels`` measure anything differently.

Which measurements are errors is judged anew every time and needs no new version.
"""
_SETTLED_NS = 2 * 10**9
"""A file that changed less than this ago may change again within one tick of its clock: its time proves nothing yet."""

Record = dict[str, Any]


class Cache:
    """Records by the content of the measured files; without a folder nothing is kept."""

    def __init__(self, folder: str | os.PathLike[str] | None) -> None:
        """Keep records in ``folder``, or nothing when it is None."""
        self._folder = None if folder is None else os.path.join(folder, f"v{VERSION}")

    def recall(self, what: str, paths: Sequence[str], measure: Callable[[], Record]) -> Record:
        """Return the record ``what`` about some files: the kept one, or that of ``measure``, which is then kept.

        Raises what ``measure`` raises, and ``OSError`` when a file cannot be read.
        """
        if self._folder is None:
            return measure()
        before = [status_of(path) for path in paths]
        contents = [self._content(path, status) for path, status in zip(paths, before, strict=True)]
        key = _key(what, *contents)
        kept = self._read(key)
        if kept is not None:
            return kept
        record = measure()
        # A file that changed meanwhile was not the one whose content names the entry.
        if before == [status_of(path) for path in paths]:
            self._write(key, record)
        return record

    def knows(self, what: str, path: str) -> bool:
        """Return whether ``recall`` would find the record about an unchanged file, without reading the file."""
        if self._folder is None:
            return False
        content = self._read(_content_key(path, status_of(path)))
        return content is not None and self._read(_key(what, str(content.get("content")))) is not None

    def _content(self, path: str, status: FileStatus | None) -> str:
        key = _content_key(path, status)
        kept = self._read(key)
        if kept is not None and isinstance(kept.get("content"), str):
            return str(kept["content"])
        found = digest(path)
        if status and status == status_of(path) and time.time_ns() - status.changed_ns > _SETTLED_NS:
            self._write(key, {"content": found})
        return found

    def _read(self, key: str) -> Record | None:
        try:
            entry = read_json(self._place(key))
            record = entry["record"]
            return record if isinstance(record, dict) and entry["digest"] == _seal(key, record) else None
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def _write(self, key: str, record: Record) -> None:
        # Where nothing can be kept (a full disk, somebody else's folder) the checks go on without.
        with suppress(OSError):
            write_json(self._place(key), {"record": record, "digest": _seal(key, record)})

    def _place(self, key: str) -> str:
        return os.path.join(self._folder or "", key[:2], f"{key[2:]}.json")


def _content_key(path: str, status: FileStatus | None) -> str:
    return _key("content", os.path.realpath(path), *map(str, status or ()))


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _seal(key: str, record: Record) -> str:
    return _key(key, json.dumps(record, sort_keys=True))
