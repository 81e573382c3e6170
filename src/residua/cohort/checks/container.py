"""A file on disk up to its voxels: whether it can be opened, how it is compressed, and how much it holds."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import stat
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, cast

from residua.cohort.checks.formats import HEAD_BYTES, pointer_problem
from residua.cohort.checks.located import UnusableFileError
from residua.problems.problem import Problem
from residua.problems.severity import problem_of

COPY_AGAIN = "copy it again from its source"
_OPENERS: dict[str, Callable[[str], BinaryIO]] = {
    "": cast("Callable[[str], BinaryIO]", io.FileIO),
    "gzip": cast("Callable[[str], BinaryIO]", gzip.open),
    "bzip2": cast("Callable[[str], BinaryIO]", bz2.open),
}
_MAGIC = {b"\x1f\x8b": "gzip", b"BZ": "bzip2"}
_SUFFIX = {"": ".nii", "gzip": ".nii.gz", "bzip2": ".nii.bz2"}
_DAMAGED = (gzip.BadGzipFile, zlib.error, OSError, ValueError)
_ISIZE = 1 << 32
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Container:
    """A file that can be opened: its size, its compression (gzip, bzip2 or none) and its first bytes."""

    path: str
    file_bytes: int
    packed: str
    head: bytes

    def read(self, size: int) -> bytes:
        """Return the first ``size`` bytes, unpacked; fewer where the file ends before. Raises ``UnusableFileError``."""
        return _unpacked(self.path, self.packed, size)

    def holds(self, size: int) -> int:
        """Return ``size``, or how many bytes there are if fewer; unpacks the file only if its trailer does not say so.

        A bzip2 file is trusted: it does not say how much it holds.
        """
        if self.packed == "bzip2":
            return size
        if not self.packed:
            return min(size, self.file_bytes)
        # Another number in the trailer is no proof: gzip allows files of several members, and padding.
        return size if _trailer(self.path) == size % _ISIZE else _counted(self.path, size)

    def name_problem(self) -> Problem | None:
        """Return the problem that the name contradicts the content, so that programs open the file wrongly."""
        wanted = _SUFFIX[self.packed]
        if self.path.lower().endswith(wanted):
            return None
        if self.packed:
            what = f"packed with {self.packed}, but the name does not end in {wanted}"
            return problem_of("file-wrong-extension", what, f"rename it to end in {wanted}")
        if self.path.lower().endswith((".gz", ".bz2")):
            what, remedy = "not packed, although its name says so", "rename it to end in .nii, or pack it with gzip"
            return problem_of("file-wrong-extension", what, remedy)
        return problem_of(
            "file-wrong-extension", "NIfTI, but the name does not end in .nii", "rename it to end in .nii"
        )


def open_container(path: str) -> Container:
    """Open the file at ``path``. Raises ``UnusableFileError`` when it cannot be read or holds nothing."""
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise UnusableFileError(
                problem_of("file-not-a-file", "not a file", "give the path of the NIfTI file itself")
            )
        with open(path, "rb") as stream:
            raw = stream.read(HEAD_BYTES)
    except OSError as error:
        what, remedy = f"cannot be read ({error.strerror})", "change its permissions, or copy it again"
        raise UnusableFileError(problem_of("file-unreadable", what, remedy)) from None
    if not status.st_size:
        raise UnusableFileError(problem_of("file-empty", "the file is empty (0 bytes)", COPY_AGAIN))
    pointer = pointer_problem(raw)
    if pointer:
        raise UnusableFileError(pointer)
    packed = _MAGIC.get(raw[:2], "")
    return Container(path, status.st_size, packed, _unpacked(path, packed, HEAD_BYTES) if packed else raw)


def _unpacked(path: str, packed: str, size: int) -> bytes:
    try:
        with _OPENERS[packed](path) as stream:
            return stream.read(size)
    except EOFError:
        what = "truncated: the file ends before its header does"
        raise UnusableFileError(problem_of("file-truncated", what, COPY_AGAIN)) from None
    except _DAMAGED as error:
        what = f"damaged: cannot be unpacked with {packed or 'nothing'} ({error})"
        raise UnusableFileError(problem_of("file-pack-damaged", what, COPY_AGAIN)) from None


def _trailer(path: str) -> int:
    with open(path, "rb") as stream:
        stream.seek(-4, os.SEEK_END)
        return int.from_bytes(stream.read(4), "little")


def _counted(path: str, size: int) -> int:
    found = 0
    # What came before the damage counts.
    with suppress(EOFError, *_DAMAGED), gzip.open(path) as stream:
        while found < size and (chunk := stream.read1(min(_CHUNK_BYTES, size - found))):
            found += len(chunk)
    return found
