"""Find labels that no network sees, because the sequence on which they were drawn is missing."""

from __future__ import annotations

from collections.abc import Iterable

from residua.cohort.table.patient import Patient
from residua.problems.problem import Problem
from residua.problems.severity import problem_of
from residua.settings.regions import labels_of_regions
from residua.settings.study import Study


def without_sequence(study: Study, patients: Iterable[Patient]) -> list[Problem]:
    """Return a warning for each label that networks use and a patient has without its sequence, excluded ones aside."""
    used = {*study.channels, *labels_of_regions(study)}
    drawn_on = {label: sequence for label, sequence in study.labels.items() if label in used}
    return [
        problem_of(
            "label-without-sequence",
            f"the label is given without {sequence}, on which it was drawn, so that no network sees it"
            + ("; the volume before surgery is measured all the same" if label == study.resected else ""),
            f"give {sequence} if there is one",
            patient.patient,
            label,
            patient.row,
        )
        for patient in patients
        for label, sequence in drawn_on.items()
        if not patient.excluded and label in patient.files and sequence not in patient.files
    ]
