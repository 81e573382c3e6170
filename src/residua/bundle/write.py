"""Write a bundle: equal content gives equal bytes, whenever and wherever it is written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from residua.bundle.names import CARD, RECORD
from residua.bundle.read import files_of, read_bundle
from residua.bundle.record import BundleRecord
from residua.bundle.record_file import DIGEST
from residua.errors import ResiduaError
from residua.publishing.archive import write_zip
from residua.publishing.publish import digest, record_digest, writing


def write_bundle(record: BundleRecord, card: str, files: Mapping[str, Path], out: Path) -> BundleRecord:
    """Write a bundle to ``out``: a zip if its name ends so, else a folder. Return its record, with all digests.

    ``card`` is the model card, ``files`` are the other files by their name in the bundle; the digests of ``record`` do
    not count. What was written is read with every check before it gets its name. Raises ``ResiduaError`` when ``out``
    exists.
    """
    if out.exists():
        raise ResiduaError(f"{out}: exists already; remove it, or name another file or folder")
    if {*files, CARD} != files_of(record):
        raise ValueError(f"not the files of such a bundle: {sorted({*files, CARD} ^ files_of(record))}")
    digests = {CARD: sha256(card.encode()).hexdigest(), **{name: digest(file) for name, file in files.items()}}
    texts = {RECORD: _as_json(record.model_copy(update={"files": digests})), CARD: card}
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix.lower() == ".zip":
        with writing(out) as beside:
            write_zip({**texts, **files}, beside)
            return read_bundle(beside)
    part = out.with_name(f"{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    _lay_out(texts, files, part)
    written = read_bundle(part)
    part.rename(out)
    return written


def _as_json(record: BundleRecord) -> str:
    content: dict[str, Any] = record.model_dump(mode="json")
    return json.dumps({**content, DIGEST: record_digest(content)}, indent=1, sort_keys=True) + "\n"


def _lay_out(texts: Mapping[str, str], files: Mapping[str, Path], out: Path) -> None:
    for name, text in texts.items():
        target = out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    for name, file in files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, out / name)
