"""What checks of the data found, kept for the next start, and whom that leaves out of the study.

A finding holds as long as the files of its patients are those that were looked at (path, size, time of change): once
one is mended, its patient is a candidate again and is looked at anew.
"""

from __future__ import annotations

import csv
import glob
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from residua.cohort.table.patients import Patient
from residua.problems.problem import Problem
from residua.publishing.publish import digest, read_json, write_json, write_text

_COLUMNS = ("patient", "check", "column", "file", "what", "remedy")


def record_findings(
    path: str, patients: Iterable[Patient], problems: Iterable[Problem], groups: Iterable[Sequence[str]] = ()
) -> None:
    """Write the errors among ``problems`` beside what the files of their patients are like.

    ``patients`` are all that were judged. A finding about several patients, one of ``groups``, stands only as long as
    it stands for all of them.
    """
    errors = [problem for problem in problems if problem.is_error and problem.patient]
    together = {patient: sorted(group) for group in groups for patient in group}
    findings = [{"problem": e.to_json(), "patients": together.get(e.patient or "", [e.patient])} for e in errors]
    concerned = {patient for finding in findings for patient in finding["patients"]}
    seen = {patient.patient: _seen(patient) for patient in patients if patient.patient in concerned}
    write_json(path, {"findings": findings, "seen": seen})


def standing_findings(folder: str, patients: Mapping[str, Patient]) -> list[Problem]:
    """The errors recorded in ``folder`` whose patients' files are unchanged; a damaged record is no record."""
    found: list[Problem] = []
    for path in sorted(glob.glob(os.path.join(glob.escape(folder), "*.json"))):
        try:
            record = read_json(path)
            stands = {patient: _stands(patients.get(patient), seen) for patient, seen in record["seen"].items()}
            found += [Problem(**f["problem"]) for f in record["findings"] if all(stands[p] for p in f["patients"])]
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found


def invalid_patients(problems: Iterable[Problem]) -> dict[str, str]:
    """The reason, the names of the checks, by patient who has an error; patients with one reason read alike."""
    checks: dict[str, list[str]] = {}
    for problem in problems:
        if problem.is_error and problem.patient:
            checks.setdefault(problem.patient, []).append(problem.check or problem.what)
    return {patient: ", ".join(dict.fromkeys(sorted(names))) for patient, names in checks.items()}


def write_excluded(path: str, problems: Iterable[Problem]) -> None:
    """Write the patients whom checks leave out, one row a finding, as a table (TSV)."""
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
    writer.writerow(_COLUMNS)
    rows = [[getattr(problem, column) or "n/a" for column in _COLUMNS] for problem in problems if problem.is_error]
    writer.writerows(rows)
    if not os.path.isfile(path) or _content(path) != stream.getvalue():
        write_text(path, stream.getvalue())


def read_excluded(path: str) -> list[Problem]:
    """The findings that ``write_excluded`` wrote; none when there is no table."""
    if not os.path.isfile(path):
        return []
    rows = csv.DictReader(io.StringIO(_content(path)), delimiter="\t")
    return [Problem(row["what"], row["remedy"], patient=row["patient"], check=row["check"]) for row in rows]


def _seen(patient: Patient) -> dict[str, list[Any]]:
    return {
        column: [*_status(path), digest(path) if os.path.isfile(path) else None]
        for column, path in patient.files.items()
    }


def _status(path: str) -> list[Any]:
    try:
        status = os.stat(path)
    except OSError:
        return [path, None, None]
    return [path, status.st_size, status.st_mtime_ns]


def _stands(patient: Patient | None, seen: Mapping[str, Sequence[Any]]) -> bool:
    if patient is None or patient.excluded or set(seen) != set(patient.files):
        return False
    return all(_unchanged(patient.files[column], *was) for column, was in seen.items())


def _unchanged(path: str, was: str, size: int | None, time_ns: int | None, content: str | None) -> bool:
    _, size_now, time_now = _status(path)
    if was != path or size != size_now or size is None:
        return False
    # A copied study has other times and the same content.
    return time_ns == time_now or digest(path) == content


def _content(path: str) -> str:
    with open(path, encoding="utf-8", newline="") as stream:
        return stream.read()
