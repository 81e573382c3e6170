"""The errors that checks of the data found, kept for the next start, and the patients that they exclude.

An error stands as long as the files of its patients are those that were checked (path, size, time of change). Once a
file is corrected, its patient is a candidate again and is checked anew.
"""

from __future__ import annotations

import csv
import glob
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from residua.cohort.checks.file_status import FileStatus, status_of
from residua.cohort.table.patient import Patient
from residua.problems.problem import Problem
from residua.problems.severity import problem_of
from residua.publishing.publish import digest, read_json, write_json, write_text

_COLUMNS = ("patient", "check", "subject", "file", "what", "remedy")


def keep_problems(
    path: str,
    patients: Iterable[Patient],
    problems: Iterable[Problem],
    groups: Mapping[Problem, Sequence[str]] | None = None,
) -> None:
    """Write the errors among ``problems``, and the state of the files of their patients.

    ``patients`` are all that were checked. An error about several patients, those of its group, stands only as long as
    it stands for all of them.
    """
    errors = [problem for problem in problems if problem.is_error and problem.patient]
    together = groups or {}
    kept = [{"problem": e.to_json(), "patients": sorted(together.get(e, [e.patient or ""]))} for e in errors]
    concerned = {patient for entry in kept for patient in entry["patients"]}
    seen = {patient.patient: _seen(patient) for patient in patients if patient.patient in concerned}
    write_json(path, {"problems": kept, "seen": seen})


def kept_problems(folder: str, patients: Mapping[str, Patient]) -> list[Problem]:
    """Return the errors kept in ``folder`` whose patients' files are unchanged; a damaged record is ignored."""
    problems: list[Problem] = []
    for path in sorted(glob.glob(os.path.join(glob.escape(folder), "*.json"))):
        try:
            record = read_json(path)
            stands = {patient: _stands(patients.get(patient), seen) for patient, seen in record["seen"].items()}
            standing = [entry for entry in record["problems"] if all(stands[p] for p in entry["patients"])]
            problems += [Problem.from_json(entry["problem"]) for entry in standing]
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return problems


def invalid_patients(problems: Iterable[Problem]) -> dict[str, str]:
    """Return by patient the names of the checks that found an error; equal reasons read alike."""
    checks: dict[str, list[str]] = {}
    for problem in problems:
        if problem.is_error and problem.patient:
            checks.setdefault(problem.patient, []).append(problem.check)
    return {patient: ", ".join(dict.fromkeys(sorted(names))) for patient, names in checks.items()}


def write_excluded(path: str, problems: Iterable[Problem]) -> None:
    """Write the patients that checks exclude as a table (TSV), one row per error."""
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
    writer.writerow(_COLUMNS)
    rows = [[getattr(problem, column) or "n/a" for column in _COLUMNS] for problem in problems if problem.is_error]
    writer.writerows(rows)
    if not os.path.isfile(path) or _content(path) != stream.getvalue():
        write_text(path, stream.getvalue())


def read_excluded(path: str) -> list[Problem]:
    """Return the errors that ``write_excluded`` wrote; none when there is no table."""
    if not os.path.isfile(path):
        return []
    rows = [
        {column: None if cell == "n/a" else cell for column, cell in row.items()}
        for row in csv.DictReader(io.StringIO(_content(path)), delimiter="\t")
    ]
    return [
        problem_of(
            str(row["check"]), str(row["what"]), str(row["remedy"]), row["patient"], row["subject"], file=row["file"]
        )
        for row in rows
    ]


def _seen(patient: Patient) -> dict[str, list[Any]]:
    """Return by column the path, its status and the digest of its content; null where there is no file."""
    return {
        column: [path, status_of(path), digest(path) if os.path.isfile(path) else None]
        for column, path in patient.files.items()
    }


def _stands(patient: Patient | None, seen: Mapping[str, Sequence[Any]]) -> bool:
    if patient is None or patient.excluded or set(seen) != set(patient.files):
        return False
    return all(_unchanged(patient.files[column], *was) for column, was in seen.items())


def _unchanged(path: str, was: str, status_was: Sequence[int] | None, content: str | None) -> bool:
    status = status_of(path)
    if was != path or status is None or status_was is None:
        return False
    before = FileStatus(*status_was)
    # A copied study has other times and the same content.
    return status.size == before.size and (status.changed_ns == before.changed_ns or digest(path) == content)


def _content(path: str) -> str:
    with open(path, encoding="utf-8", newline="") as stream:
        return stream.read()
