"""Write zip archives of which equal content gives equal bytes, whenever and wherever they are written."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

_BEGINNING_OF_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX, _PLAIN_FILE = 3, 0o100644 << 16


def write_zip(content: Mapping[str, str | Path], out: Path) -> None:
    """Write texts, and copies of files, by their names in the archive; nothing is compressed.

    >>> Path("weights").write_bytes(b"weights")
    7
    >>> write_zip({"models/weights": Path("weights"), "CARD.md": "text"}, Path("out.zip"))
    >>> with zipfile.ZipFile("out.zip") as archive:
    ...     print(archive.namelist(), archive.read("models/weights"))
    ['CARD.md', 'models/weights'] b'weights'
    """
    # Weights do not compress, and no two versions of zlib compress alike.
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, source in sorted(content.items()):
            entry = zipfile.ZipInfo(name, _BEGINNING_OF_TIME)
            entry.create_system, entry.external_attr = _UNIX, _PLAIN_FILE
            if isinstance(source, str):
                archive.writestr(entry, source)
                continue
            # By it the archive knows whether the entry needs the form for large files.
            entry.file_size = source.stat().st_size
            with source.open("rb") as stream, archive.open(entry, "w") as sink:
                shutil.copyfileobj(stream, sink, 1 << 20)
