"""A small disk in memory, which a test may fill; without the right to mount one, the test is skipped and says so."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class SmallDisk:
    """What is mounted on a folder."""

    folder: Path

    def fill(self) -> None:
        """Leave no room for a single page more."""
        status = os.statvfs(self.folder)
        self.remount(f"size={(status.f_blocks - status.f_bfree) * status.f_frsize}")

    def remount(self, options: str) -> None:
        """Change its size, or whether it may be written to."""
        subprocess.run(["mount", "-o", f"remount,{options}", str(self.folder)], check=True)


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[SmallDisk]:
    """Mount a disk with these options of mount's on a folder."""
    command = ["mount", "-t", "tmpfs", "-o", options, "residua-test", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"NOT TESTED, needs the right to mount a disk in memory: {done.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", str(folder)], check=True)
