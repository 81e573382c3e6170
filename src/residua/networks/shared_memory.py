"""Look for room in shared memory, a file system of limited size through which batches reach a training."""

from __future__ import annotations

import os
import shutil

from residua.errors import ResiduaError

SHARED_MEMORY = "/dev/shm"


def require_room(voxels: int, channels: int, held: int, folder: str = SHARED_MEMORY) -> None:
    """Raise ``ResiduaError`` when there is no room for the ``held`` batches that may be there at once.

    A batch has so many ``voxels`` in each of its ``channels``.
    """
    if not os.path.isdir(folder):
        return
    # Images in 4 bytes; the reference standard in no more, be it at several resolutions.
    needed, free = held * voxels * (4 * channels + 4), shutil.disk_usage(folder).free
    if free < needed:
        raise ResiduaError(
            f"{folder} has {free / 2**20:.0f} MiB free, and the processes that load the training data need up to "
            f"{needed / 2**20:.0f} MiB; give it more room (in a container: --shm-size), or train with fewer threads: "
            "with one, no such process is started (--set-threads train=1)"
        )
