"""Estimate the memory of a job from the size of its images, read from the first bytes of each file, and the attempt."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections.abc import Iterable
from functools import cache

_NIFTI1, _NIFTI2 = (348, 40, "8h", 76, "8f"), (540, 16, "8q", 104, "8d")
"""Header size that identifies each version, offset and type of the dimensions and of the voxel sizes."""
_ENOUGH = 168
_GZIP = b"\x1f\x8b"
_UNKNOWN_VOXELS = 100_000_000


@cache
def extent_of(path: str) -> tuple[int, float] | None:
    """Return the number of voxels of a NIfTI file, compressed or not, and the ml that they fill; None if unreadable."""
    try:
        with open(path, "rb") as stream:
            packed = stream.read(len(_GZIP)) == _GZIP
            stream.seek(0)
            begin = (gzip.GzipFile(fileobj=stream) if packed else stream).read(_ENOUGH)
        for order in "<>":
            for size, offset, kind, sizes_at, sizes in (_NIFTI1, _NIFTI2):
                if struct.unpack_from(f"{order}i", begin)[0] == size:
                    axes, *shape = struct.unpack_from(f"{order}{kind}", begin, offset)
                    _, *spacing = struct.unpack_from(f"{order}{sizes}", begin, sizes_at)
                    voxels = int(math.prod(shape[:axes]))
                    return voxels, voxels * math.prod(abs(mm) for mm in spacing[:3]) / 1000
    except (OSError, EOFError, struct.error, zlib.error):
        pass
    return None


def voxels_of(path: str) -> int | None:
    """Return the number of voxels of a NIfTI file, compressed or not; None if its header is unreadable."""
    extent = extent_of(path)
    return extent[0] if extent else None


def memory_mb(paths: Iterable[str], at_least_mb: int, bytes_per_voxel: float) -> int:
    """Return ``at_least_mb`` plus the memory of all voxels of some files; an unreadable file counts as large."""
    voxels = sum(voxels_of(path) or _UNKNOWN_VOXELS for path in paths)
    return at_least_mb + math.ceil(voxels * bytes_per_voxel / 1e6)


def memory_again_mb(first_mb: int, attempt: int, most_mb: int | None) -> int:
    """Return what a job asks for at an attempt: twice as much from the second on, where it may have so much.

    No further, because a time limit causes retries too. ``most_mb`` is the largest node's; None: it is not known.
    """
    doubled = first_mb * min(attempt, 2)
    return doubled if most_mb is None or doubled <= most_mb else first_mb
