"""What code says, remembered by the digest of its file: every start of the workflow asks it of hundreds of files.

It lies in the user's cache. A lost or damaged memory costs a second.
"""

from __future__ import annotations

import atexit
import json
import os
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from residua.publishing.code_digest import Said
from residua.publishing.publish import record_digest, write_text

MOST = 20_000
"""Files remembered: some twenty versions of the library. Beyond them, what was asked for last is kept."""
_KNOWN, _CHECKSUM = "known", "sha256"


class CodeMemo:
    """Answers of ``read`` by the content of the file; another memory for every version of its source, ``reader``."""

    def __init__(self, folder: Path, reader: Path, read: Callable[[str], Said]) -> None:
        self._file = folder / f"code-{_digest(reader.read_text(encoding='utf-8'))[:16]}.json"
        self._read = read
        # Without a home the folder is relative: nothing is kept then.
        self._known, self._new = _load(self._file) if folder.is_absolute() else {}, False
        self._asked: set[str] = set()

    def said_by(self, text: str) -> Said:
        """Return what the text of a file says, read now only if it never was."""
        key = _digest(text)
        self._asked.add(key)
        if key not in self._known:
            self._known[key], self._new = self._read(text), True
        digest, names = self._known[key]
        return digest, names

    def keep(self) -> None:
        """Write down what is new, beside what other processes wrote meanwhile; where that is impossible, do not."""
        if self._new and self._file.is_absolute():
            known = _load(self._file) | self._known
            if len(known) > MOST:
                known = {key: known[key] for key in self._asked}
            with suppress(OSError):
                write_text(self._file, json.dumps({_KNOWN: known, _CHECKSUM: record_digest(known)}))


def cache_folder(environment: MutableMapping[str, str] = os.environ) -> Path:
    """Return the folder of this software in the user's cache."""
    return Path(environment.get("XDG_CACHE_HOME") or Path(environment.get("HOME", ""), ".cache"), "residua")


def kept_at_exit(memo: CodeMemo) -> CodeMemo:
    """Return the memo, which this process keeps when it ends."""
    atexit.register(memo.keep)
    return memo


def _load(file: Path) -> dict[str, Said]:
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        known = record[_KNOWN]
        if record[_CHECKSUM] != record_digest(known):
            return {}
        return {str(key): (str(digest), list(map(str, names))) for key, (digest, names) in known.items()}
    except (OSError, ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return {}


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
