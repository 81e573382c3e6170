"""Damage results as a failing disk or a killed copy does, and keep their times."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def cut(content: bytes) -> bytes:
    """The first half."""
    return content[: len(content) // 2]


def emptied(content: bytes) -> bytes:
    """Nothing."""
    return b""


def flipped(content: bytes) -> bytes:
    """One bit in the middle is another."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def lengthened(content: bytes) -> bytes:
    """Something follows that is of another file."""
    return content + b"\n"


KINDS: tuple[Callable[[bytes], bytes], ...] = (cut, emptied, flipped, lengthened)


def damage(file: Path, kind: Callable[[bytes], bytes] = flipped) -> None:
    """Damage a file, which keeps its time; an empty one is lengthened."""
    times, content = file.stat(), file.read_bytes()
    file.write_bytes(kind(content) if content else lengthened(content))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
