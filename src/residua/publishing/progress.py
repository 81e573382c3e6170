"""Report the progress of long work."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from residua.publishing.publish import write_json


def show_progress(unit: str, file: Path | None = None) -> Callable[[int, int], None]:
    """Return a function that prints ``done`` of ``total`` to the log and, where given, keeps it in a JSON file.

    The log says when, too. The file does not: two trainings that end alike leave equal files.
    """

    def progress(done: int, total: int) -> None:
        print(f"{unit} {done}/{total} {datetime.now().astimezone().isoformat(timespec='seconds')}", flush=True)
        if file is not None:
            write_json(file, {"unit": unit, "done": done, "total": total})

    return progress
