"""Decide which patients the protocol admits: by its window after surgery and the sequences that the networks need."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from residua.cohort.table.patient import Patient
from residua.problems.problem import Problem
from residua.problems.severity import problem_of
from residua.settings.base import REFERENCE_STANDARD, Grade, from_grade
from residua.settings.channels import columns_needed
from residua.settings.study import Study
from residua.words import name_of


def ineligible(study: Study, patient: Patient, columns: Collection[str]) -> list[Problem]:
    """Return why the protocol excludes a patient; nothing for an eligible patient.

    ``columns`` are the columns of the table: a missing column is a problem of the table, not of a patient.

    Every patient needs the reference sequence, the reference standard, a scan within the hospital's window (a scan
    without a time is accepted), and the grades of quality for which the protocol asks. ``eligibility: complete`` also
    requires every channel of all input configurations, ``per_inputs`` the channels of at least one.
    """
    problems = [_missing(study, patient, column) for column in lacking(study, patient) if column in columns]
    hours, window = patient.hours_since_surgery, study.protocol.window_of(patient.hospital)
    if hours is not None and hours > window:
        what = f"scanned {hours:g} h after surgery, later than the protocol's {window:g} h"
        own_window = patient.hospital in study.protocol.window_hours_by_hospital
        key = f"window_hours_by_hospital.{patient.hospital}" if own_window else "window_hours"
        remedy = f"correct the time, or raise protocol.{key} in the config"
        problems.append(problem_of("scan-too-late", what, remedy, patient.patient, "hours_since_surgery", patient.row))
    return problems + [_graded(patient, *asked) for asked in _too_low(study, patient) if asked[0] in columns]


def _too_low(study: Study, patient: Patient) -> list[tuple[str, Grade]]:
    """Return the columns of grades in which a patient has less than the protocol asks, with what it asks."""
    lowest = study.protocol.least_grades.items()
    return [(column, grade) for column, grade in lowest if patient.clinical.get(column) not in from_grade(grade)]


def _graded(patient: Patient, column: str, least: Grade) -> Problem:
    found, asked = patient.clinical.get(column), f"and the protocol asks for {least}"
    key = f"protocol.least_{column} in the config"
    if found is None:
        what, remedy = f"{name_of(column)} is not graded, {asked}", f"give the grade, or delete {key}"
        return problem_of("quality-unknown", what, remedy, patient.patient, column, patient.row)
    what, remedy = f"{name_of(column)} is {found}, {asked}", f"correct the grade, or lower {key}"
    return problem_of("quality-too-low", what, remedy, patient.patient, column, patient.row)


def lacking(study: Study, patient: Patient) -> list[str]:
    """Return the columns without a file that exclude a patient from the whole study, in the order of the table."""
    needed = {study.sequences.reference, REFERENCE_STANDARD}
    if study.brain_mask.method == "given":
        needed.add("brain_mask")
    if study.eligibility == "complete":
        needed |= _needed(study, study.channels)
    else:
        missing = [_needed(study, channels) - set(patient.files) for channels in study.inputs.values()]
        needed |= min(missing, key=len)
    return [column for column in study.file_columns if column in needed and column not in patient.files]


def _needed(study: Study, channels: Iterable[str]) -> set[str]:
    return set(columns_needed(channels, study.derived_channels, study.labels))


def reason(problems: list[Problem]) -> str:
    """Return the reason of an exclusion as the participant flow counts it: equal reasons read alike."""
    columns = [problem.subject for problem in problems if problem.check == "sequence-missing" and problem.subject]
    parts = [f"no {' and no '.join(columns)}"] if columns else []
    checks = {problem.check for problem in problems}
    parts += ["not annotated"] if "not-annotated" in checks else []
    parts += ["scanned later than the protocol's window"] if "scan-too-late" in checks else []
    for check, how in (("quality-too-low", "lower than the protocol's"), ("quality-unknown", "not graded")):
        parts += [f"{name_of(p.subject)} {how}" for p in problems if p.check == check and p.subject]
    return "; ".join(parts)


def _missing(study: Study, patient: Patient, column: str) -> Problem:
    if column == REFERENCE_STANDARD:
        what, check = "not annotated", "not-annotated"
        remedy = "give the mask (an empty mask means no tumour)"
    else:
        what, check = f"no file is given, and {_who_needs(study, column)}", "sequence-missing"
        remedy = "give the file"
        looser = study.model_copy(update={"eligibility": "per_inputs"})
        if study.eligibility == "complete" and column not in lacking(looser, patient):
            remedy += ", or set eligibility to per_inputs in the config"
    return problem_of(check, what, remedy, patient.patient, column, patient.row)


def _who_needs(study: Study, column: str) -> str:
    using = [name for name, channels in study.inputs.items() if column in _needed(study, channels)]
    if column == study.sequences.reference or not using:
        return "every patient needs it"
    if len(using) == 1:
        return f"input configuration {using[0]} needs it"
    return f"input configurations {', '.join(using)} need it"
