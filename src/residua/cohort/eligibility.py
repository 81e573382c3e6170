"""Who may take part at all: the protocol's window after surgery, and the sequences that the inputs need."""

from __future__ import annotations

from collections.abc import Collection

from residua.cohort.table.patients import Patient
from residua.problems.problem import Problem
from residua.settings.base import REFERENCE_STANDARD
from residua.settings.study import Study


def ineligible(study: Study, patient: Patient, columns: Collection[str]) -> list[Problem]:
    """Why the protocol leaves a patient out of the study; nothing for one who may take part.

    ``columns`` are those of the table: what nobody has is a fault of the table, not of its patients.

    Everybody needs the reference sequence, the reference standard and a scan within the hospital's window (one whose
    time is not given is trusted). ``eligibility: complete`` also asks for every channel that any inputs need,
    ``per_inputs`` for the channels of at least one inputs.
    """
    found = [_lacking(study, patient, column) for column in lacking(study, patient) if column in columns]
    hours, window = patient.hours_since_surgery, study.protocol.window_of(patient.hospital)
    if hours is not None and hours > window:
        found.append(
            Problem(
                f"scanned {hours:g} h after surgery, later than the protocol's {window:g} h",
                "correct the time, or change protocol in the config",
                row=patient.row,
                patient=patient.patient,
                column="hours_since_surgery",
                severity="ineligible",
                check="scan-too-late",
            )
        )
    return found


def lacking(study: Study, patient: Patient) -> list[str]:
    """The columns without whose files a patient is left out of the whole study, in the order of the table."""
    needed = {study.sequences.reference, REFERENCE_STANDARD}
    if study.brain_mask.method == "given":
        needed.add("brain_mask")
    if study.eligibility == "complete":
        needed |= set(study.channels)
    elif not any(set(channels) <= set(patient.files) for channels in study.inputs.values()):
        needed |= set(min(study.inputs.values(), key=lambda channels: len(set(channels) - set(patient.files))))
    return [column for column in study.file_columns if column in needed and column not in patient.files]


def reason(problems: list[Problem]) -> str:
    """The reason of an exclusion, as the participant flow counts it: patients with one reason read alike."""
    columns = [problem.column for problem in problems if problem.check == "sequence-missing" and problem.column]
    parts = [f"no {' and no '.join(columns)}"] if columns else []
    checks = {problem.check for problem in problems}
    parts += ["not annotated"] if "not-annotated" in checks else []
    parts += ["scanned later than the protocol's window"] if "scan-too-late" in checks else []
    return "; ".join(parts)


def _lacking(study: Study, patient: Patient, column: str) -> Problem:
    if column == REFERENCE_STANDARD:
        what, check = "not annotated", "not-annotated"
        remedy = "give the mask (an empty mask means no tumour)"
    else:
        what, check = f"no file is given, and {_who_needs(study, column)}", "sequence-missing"
        remedy = "give the file"
        if study.eligibility == "complete":
            remedy += ", or set eligibility to per_inputs in the config"
    return Problem(
        what, remedy, row=patient.row, patient=patient.patient, column=column, severity="ineligible", check=check
    )


def _who_needs(study: Study, column: str) -> str:
    using = [name for name, channels in study.inputs.items() if column in channels]
    if column == study.sequences.reference or not using:
        return "every patient needs it"
    return f"inputs {', '.join(using)} need it"
