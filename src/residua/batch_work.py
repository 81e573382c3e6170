"""Work on a batch of patients, one file each: who fails hides no other, and what is done is not done again.

The folder is that of ``residua.publish.stage`` with ``resumes``, a digest of settings and code but not of the
patients: the next try finds what the last one finished. Beside each file lies ``{patient}.json``, which says what it
was made from.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from residua.errors import ResiduaError
from residua.faults import FAULT
from residua.publish import digest, read_json, write_json

Make = Callable[[str, Path], dict[str, Any]]
"""Makes the file of a patient at a path, and gives what is to be known of it as builtins; a fault, too."""

_MADE_FROM, _MADE = "made_from", "sha256"


def settings_digest(settings: Mapping[str, Any], code: str) -> str:
    """What a stage ``resumes`` by: a digest of its settings (builtins) and of its code."""
    return hashlib.sha256(json.dumps([settings, code], sort_keys=True).encode()).hexdigest()


def for_each_patient(sources: Mapping[str, Sequence[Path]], make: Make, out: Path) -> None:
    """Make ``{patient}.nii.gz`` and its record in ``out`` for every patient of ``sources`` (what each is made from).

    What lies there and was made well from the same sources stays; every other file in ``out`` goes, the stage's own
    excepted. A record's ``residua.faults.FAULT`` says why nothing can be made of a patient, for whom ``make`` found so
    or raised ``ResiduaError``; there may be no file then.
    """
    names = {f"{patient}{suffix}" for patient in sources for suffix in (".nii.gz", ".json")}
    for file in out.iterdir():
        # Hidden files are those by which the stage knows its folder.
        if file.name not in names and not file.name.startswith("."):
            file.unlink()
    for patient, files in sources.items():
        _make_one(patient, files, make, out)


def _make_one(patient: str, files: Sequence[Path], make: Make, out: Path) -> None:
    target, record = out / f"{patient}.nii.gz", out / f"{patient}.json"
    made_from = [digest(file) if file.is_file() else None for file in files]
    with suppress(OSError, ValueError, KeyError, TypeError):
        known = read_json(record)
        if known[FAULT] is None and known[_MADE_FROM] == made_from and known[_MADE] == digest(target):
            return
    # The record comes last, so that it never speaks of another file.
    record.unlink(missing_ok=True)
    target.unlink(missing_ok=True)
    found: dict[str, Any] = {FAULT: None}
    try:
        found |= make(patient, target)
    except ResiduaError as error:
        found[FAULT] = str(error)
    if found[FAULT]:
        found[FAULT] = _named(patient, found[FAULT])
        print(found[FAULT], flush=True)
    write_json(record, {**found, _MADE_FROM: made_from, _MADE: digest(target) if target.is_file() else None})


def _named(patient: str, message: str) -> str:
    return message if f"patient {patient}" in message else f"patient {patient}: {message}"
