"""Say plainly that a folder cannot be written to, or that its disk is full."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from residua.errors import ResiduaError

_FULL = (errno.ENOSPC, errno.EDQUOT)
_REFUSED = (errno.EROFS, errno.EACCES, errno.EPERM)


@contextmanager
def writing_in(folder: Path) -> Iterator[None]:
    """Raise ``ResiduaError`` where the block cannot write in a folder because the disk is full or nobody may."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            remedy = "make room on that disk, or ask for a larger quota"
        elif error.errno in _REFUSED:
            remedy = "let it be written to, or give another folder (--directory)"
        else:
            raise
        what = f"{error.strerror} ({error.filename})" if error.filename else str(error.strerror)
        raise ResiduaError(f"{folder.absolute()}: nothing can be written there: {what}; {remedy}") from None
