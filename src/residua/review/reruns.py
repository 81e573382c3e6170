"""Say what the study repeats after the reference of a patient has changed."""

from __future__ import annotations

from residua.wiring.loaded import LoadedStudy

_CHECK = "See it first: give the study's snakemake command with -n."


def reruns(loaded: LoadedStudy, patient: str) -> list[str]:
    """Return lines for a terminal: trainings depend on the reference of a patient of a fold, never of the hold-out."""
    if patient not in loaded.split.patients:
        return ["The patient is excluded from the study: nothing is repeated."]
    fold = loaded.split.fold_of(patient)
    if fold is None:
        return [
            "The patient is of the hold-out: the next start repeats checks, measurements, statistics, tables, figures",
            "and report. No network is trained again, no threshold is chosen again, and nothing is registered again.",
            _CHECK,
        ]
    seen = [model for model in loaded.trained if loaded.cohort.has(patient, loaded.study.inputs[model[1]])]
    return [
        f"The patient is of fold {fold}: the next start prepares the reference, trains the {len(seen)} networks again",
        "that train or validate on the patient, and repeats predictions, thresholds and what follows. Nothing is",
        "registered again.",
        _CHECK,
    ]
