"""Patients whom the study leaves out because a registration or brain mask failed (``on_fault: exclude``).

Failures are known only after these stages have run, when the work of all patients is planned. So one small file for
each side of the split names the patients who failed there, and every stage that takes patients reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import PathLike
from typing import Any

from residua.publishing.publish import read_json


def left_out_by(problems: Iterable[Mapping[str, Any]], hospitals: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return hospital, reason and kind of exclusion of each patient of ``hospitals`` who has a problem, as builtins.

    The reasons count patients, and so name what failed and not how.

    >>> problems = [{"patient": "AMS1", "subject": "post_t1"}, {"patient": "AMS1", "subject": "brain mask"}]
    >>> left_out_by(problems, {"AMS1": "AMS"})["AMS1"]["exclusion_reason"]
    'registration of post_t1 failed; brain mask failed'
    """
    subjects: dict[str, list[str]] = {}
    for problem in problems:
        if problem["patient"] in hospitals:
            subjects.setdefault(problem["patient"], []).append(problem["subject"])
    return {
        patient: {"hospital": hospitals[patient], "exclusion_reason": _reason(failed), "excluded_by": "fault"}
        for patient, failed in subjects.items()
    }


def _reason(subjects: Iterable[str]) -> str:
    named = list(dict.fromkeys(subjects))
    sequences = [subject for subject in named if subject != "brain mask"]
    parts = [f"registration of {' and '.join(sequences)} failed"] if sequences else []
    return "; ".join([*parts, *(["brain mask failed"] if "brain mask" in named else [])])


def left_out_in(files: Iterable[str | PathLike[str]]) -> dict[str, dict[str, str]]:
    """Return what ``left_out_by`` found, of several sides of the split; nobody where there is no file."""
    return {patient: record for file in files for patient, record in read_json(file).items()}


def reasons_in(files: Iterable[str | PathLike[str]]) -> dict[str, str]:
    """Return the reason of each of these patients."""
    return {patient: record["exclusion_reason"] for patient, record in left_out_in(files).items()}
