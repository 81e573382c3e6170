"""Say plainly that a folder cannot be written to, or that its disk is full."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from residua.errors import ResiduaError

_FULL = (errno.ENOSPC, errno.EDQUOT)
_REFUSED = (errno.EACCES, errno.EPERM)
_MAKE_ROOM = "make room on that disk, or ask for a larger quota"
_ELSEWHERE = "let it be written to, or give another folder (--directory)"
_LEAST_BYTES = 1 << 16
"""What a disk that is not full has at least."""


@contextmanager
def writing_in(folder: Path) -> Iterator[None]:
    """Raise ``ResiduaError`` where the block cannot write in a folder because the disk is full or nobody may."""
    try:
        yield
    except OSError as error:
        remedy = _ELSEWHERE if error.errno in _REFUSED else _remedy(error)
        if remedy is None:
            raise
        what = f"{error.strerror} ({error.filename})" if error.filename else str(error.strerror)
        raise ResiduaError(f"{folder.absolute()}: nothing can be written there: {what}; {remedy}") from None


def want_of_disk(error: BaseException | None, folders: Iterable[str | os.PathLike[str]] = ()) -> str | None:
    """Say that a disk is full or read-only, and what to do, where an error came from that; else None.

    Not of rights, which may be lacking to read. Of libraries that do not say why they could not write, a disk of
    ``folders`` without room tells.

    >>> want_of_disk(OSError(errno.EROFS, "Read-only file system"))
    '[Errno 30] Read-only file system; let it be written to, or give another folder (--directory)'
    >>> want_of_disk(RuntimeError("no tumour")) is None
    True
    """
    while error is not None:
        if remedy := _remedy(error):
            return f"{error}; {remedy}"
        error = error.__cause__ or error.__context__
    for folder in folders:
        if _is_full(folder):
            return f"{os.path.abspath(folder)}: {os.strerror(errno.ENOSPC)}; {_MAKE_ROOM}"
    return None


def _remedy(error: BaseException) -> str | None:
    number = error.errno if isinstance(error, OSError) else None
    # Libraries in C++ hand on the words alone.
    if number in _FULL or any(os.strerror(each) in str(error) for each in _FULL):
        return _MAKE_ROOM
    return _ELSEWHERE if number == errno.EROFS else None


def _is_full(folder: str | os.PathLike[str]) -> bool:
    try:
        status = os.statvfs(folder)
    except OSError:
        return False
    return status.f_bavail * status.f_frsize < _LEAST_BYTES
