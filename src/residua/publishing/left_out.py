"""Patients whom the study leaves out because a registration or brain mask failed (``on_fault: exclude``).

Failures are known only after these stages have run, when the work of all patients is planned. So one small file for
each side of the split names the patients who failed there, and every stage that takes patients reads it.
"""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike

from residua.publishing.publish import read_json


def left_out_in(files: Iterable[str | PathLike[str]]) -> dict[str, dict[str, str]]:
    """Return hospital, ``exclusion_reason`` and ``excluded_by`` by patient; nobody where there is no file."""
    return {patient: record for file in files for patient, record in read_json(file).items()}


def reasons_in(files: Iterable[str | PathLike[str]]) -> dict[str, str]:
    """Return the reason of each of these patients."""
    return {patient: record["exclusion_reason"] for patient, record in left_out_in(files).items()}
