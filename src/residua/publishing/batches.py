"""Work on a batch of patients, one file each: who fails hides no other, and what is done is not done again.

The folder is that of ``publish.stage`` with ``resumes``, a digest of settings and code but not of the
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
from residua.publishing.failures import FAULT
from residua.publishing.publish import digest, read_json, write_json

Make = Callable[[str, Path], dict[str, Any]]
"""Makes the file of a patient at a path, and gives what is to be known of it as builtins; with a fault, maybe none."""

_MADE_FROM, _MADE = "made_from", "sha256"


def settings_digest(values: Mapping[str, Any], code: str) -> str:
    """Return what a stage ``resumes`` by: a digest of its settings (as builtins) and of its code."""
    return hashlib.sha256(json.dumps([values, code], sort_keys=True).encode()).hexdigest()


def for_each_patient(sources: Mapping[str, Sequence[Path]], make: Make, out: Path, what: str) -> None:
    """Make ``{patient}.nii.gz`` and its record in ``out`` for every patient of ``sources`` (what each is made from).

    What lies there and was made well from the same sources stays; every other file in ``out`` goes, the stage's own
    excepted. A record's ``failures.FAULT``, which ``make`` gives, says why nothing can be made of a patient.
    Raises one ``ResiduaError`` after all patients were tried that has the message of each for whom ``make`` raised one;
    ``what`` names the files ("brain masks").
    """
    names = {f"{patient}{suffix}" for patient in sources for suffix in (".nii.gz", ".json")}
    for file in out.iterdir():
        # Hidden files are those by which the stage knows its folder.
        if file.name not in names and not file.name.startswith("."):
            file.unlink()
    failed = {}
    for patient, files in sources.items():
        try:
            _make_one(patient, files, make, out)
        except ResiduaError as error:
            failed[patient] = str(error)
            print(f"{patient}: {error}", flush=True)
    if failed:
        lines = "".join(f"\n  {_named(patient, message)}" for patient, message in failed.items())
        raise ResiduaError(
            f"{what}: {len(failed)} of {len(sources)} patients failed; "
            f"those of the others are kept for the next try{lines}"
        )


def _make_one(patient: str, files: Sequence[Path], make: Make, out: Path) -> None:
    target, record = out / f"{patient}.nii.gz", out / f"{patient}.json"
    missing = [file for file in files if not file.is_file()]
    if missing:
        raise ResiduaError(f"{missing[0]}: the file does not exist")
    made_from = [digest(file) for file in files]
    with suppress(OSError, ValueError, KeyError, TypeError):
        known = read_json(record)
        if known[FAULT] is None and known[_MADE_FROM] == made_from and known[_MADE] == digest(target):
            return
    # The record comes last, so that it never speaks of another file.
    record.unlink(missing_ok=True)
    target.unlink(missing_ok=True)
    found = {FAULT: None, **make(patient, target)}
    if found[FAULT]:
        print(found[FAULT], flush=True)
    write_json(record, {**found, _MADE_FROM: made_from, _MADE: digest(target) if target.is_file() else None})


def _named(patient: str, message: str) -> str:
    return message if f"patient {patient}" in message else f"patient {patient}: {message}"
