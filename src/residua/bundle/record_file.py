"""Read what a bundle says of itself, and nothing else: fast enough for every start of the workflow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from residua.bundle.container import BundleFiles, opened, unusable
from residua.bundle.names import RECORD
from residua.bundle.record import FORMAT, BundleRecord
from residua.errors import ResiduaError
from residua.publishing.publish import record_digest
from residua.settings.messages import problem_lines
from residua.settings.networks import known_networks
from residua.version import __version__

DIGEST = "sha256"
"""Key of ``bundle.json``: the digest of all that stands beside it."""


def read_record(path: Path) -> BundleRecord:
    """Return the record of a bundle; ``residua.bundle.read`` checks the files that it names."""
    with opened(path) as container:
        return record_in(container)


def record_in(container: BundleFiles) -> BundleRecord:
    """Return what an opened bundle says of itself; none of its other files is read.

    Raises ``ResiduaError`` for a record that was changed, or that this Residua does not understand.
    """
    path = container.path
    if RECORD not in container.sizes:
        raise ResiduaError(f"{path}: holds no {RECORD} at its top; give a bundle, as residua bundle writes it")
    found = json_in(container, RECORD)
    if not isinstance(found, dict):
        raise unusable(path, f"{RECORD} holds no record")
    if found.get("format") != FORMAT:
        raise ResiduaError(
            f"{path}: has the format {found.get('format')!r}, written by Residua {found.get('residua')}; Residua "
            f"{__version__} reads format {FORMAT}. Use the Residua that wrote it, or ask for a bundle of this format"
        )
    stated = found.pop(DIGEST, None)
    if stated != record_digest(found):
        raise unusable(path, f"{RECORD} was changed or damaged: its sha256 is not the one that it states")
    if found.get("arch") not in known_networks():
        known = ", ".join(known_networks())
        raise ResiduaError(
            f"{path}: holds models of the network {found.get('arch')!r}; this Residua knows {known}. Add the network's "
            "package (docs/how-to/network.md), or give another bundle"
        )
    try:
        return BundleRecord.model_validate(found)
    except ValidationError as error:
        lines = problem_lines(error, "docs/reference/bundle.md", "bundle")
        raise unusable(path, f"{RECORD} cannot be used:\n{lines}\n ") from None


def json_in(container: BundleFiles, name: str) -> Any:
    """Return the content of a JSON file of a bundle. Raises ``ResiduaError`` when it cannot be read."""
    try:
        with container.open(name) as stream:
            return json.loads(stream.read().decode())
    except (ValueError, RecursionError) as error:
        raise unusable(container.path, f"{name} cannot be read as JSON ({error})") from None
