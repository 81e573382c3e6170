"""Make one file for each patient of a batch: a failed patient does not stop the others; a retry skips finished ones.

The folder is that of ``publish.stage`` with ``resumes``, a digest of settings and code but not of the patients, so
that the next try finds the finished files. Beside each file lies ``{patient}.json``, which names its sources.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from residua.errors import ResiduaError
from residua.problems.problem import PROBLEM
from residua.publishing.publish import digest, read_json, record_digest, write_json

Make = Callable[[str, Path], dict[str, Any]]
"""Makes the file of a patient at a path and returns its record; if that holds a problem, there may be no file."""

_MADE_FROM, _MADE = "made_from", "sha256"


def settings_digest(values: Mapping[str, Any], code: str) -> str:
    """Return the digest by which a stage ``resumes``: of its settings (as builtins) and of its code."""
    return record_digest([values, code])


def for_each_patient(sources: Mapping[str, Sequence[Path]], make: Make, out: Path, what: str) -> None:
    """Make ``{patient}.nii.gz`` and its record in ``out`` for every patient of ``sources``, the files it is made from.

    Finished files from the same sources stay; all other files in ``out`` are removed, except the stage's own. The
    record that ``make`` returns may hold a ``Problem`` under ``failures.PROBLEM``: the patient has failed.
    Raises one ``ResiduaError`` after all patients were tried, with the message of each for which ``make`` raised one;
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
        lines = "".join(f"\n  patient {patient}: {message}" for patient, message in failed.items())
        raise ResiduaError(
            f"{what}: {len(failed)} of {len(sources)} patients failed; "
            f"the others are finished, and the next run skips them{lines}"
        )


def _make_one(patient: str, files: Sequence[Path], make: Make, out: Path) -> None:
    target, record = out / f"{patient}.nii.gz", out / f"{patient}.json"
    missing = [file for file in files if not file.is_file()]
    if missing:
        raise ResiduaError(f"{missing[0]}: the file does not exist")
    made_from = [digest(file) for file in files]
    with suppress(OSError, ValueError, KeyError, TypeError):
        known = read_json(record)
        if known[PROBLEM] is None and known[_MADE_FROM] == made_from and known[_MADE] == digest(target):
            return
    # The record comes last, so that it never speaks of another file.
    record.unlink(missing_ok=True)
    target.unlink(missing_ok=True)
    known = {PROBLEM: None, **make(patient, target)}
    if known[PROBLEM]:
        print(known[PROBLEM], flush=True)
        known[PROBLEM] = known[PROBLEM].to_json()
    write_json(record, {**known, _MADE_FROM: made_from, _MADE: digest(target) if target.is_file() else None})
