"""What a user can do where a place on the disk is refused."""

from __future__ import annotations

import errno

_REMEDIES = {
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "ask for the right to it, or name another place"),
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "make room on that disk, or name another place"),
    **dict.fromkeys((errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP), "correct the path"),
    errno.ENAMETOOLONG: "give a shorter name",
}


def remedy_of(error: OSError) -> str:
    """Return what to do about an error of the file system.

    >>> remedy_of(OSError(errno.ENOTDIR, "Not a directory", "table.tsv/new.yaml"))
    'correct the path'
    """
    return _REMEDIES.get(error.errno or 0, "name another place")
