"""Whose survival the cohort table tells, and from which files it is judged."""

from __future__ import annotations

from residua.wiring.application import LoadedApplication
from residua.wiring.loaded import LoadedStudy
from residua.wiring.patients import resected_patients


def survivals(loaded: LoadedStudy) -> dict[str, tuple[float, bool]]:
    """Return, by patient of the study, the days to death or to the end of the follow-up, and whether it was death.

    Empty where the table has no such columns or cells, and in an application.
    """
    if isinstance(loaded, LoadedApplication):
        return {}
    known = {patient: loaded.cohort.patients[patient].clinical for patient in loaded.split.patients}
    return {
        patient: (float(own["survival_days"]), own["death"] == "1")
        for patient, own in known.items()
        if "survival_days" in own and "death" in own
    }


def volumes_before(loaded: LoadedStudy) -> list[str]:
    """Return the file of the volumes before surgery, where the study has any."""
    return ["results/resection/before.json"] if resected_patients(loaded) else []
