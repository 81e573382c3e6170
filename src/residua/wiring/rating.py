"""Choose the ratings and the networks of the inter-rater study."""

from __future__ import annotations

from residua.cohort.ratings import compared_with_raters
from residua.cohort.table.rater_table import Rating
from residua.settings.statistics import OUT_OF_FOLD
from residua.wiring.loaded import LoadedStudy


def candidates(loaded: LoadedStudy) -> list[tuple[str, str]]:
    """Return the networks and input configurations that may be compared with the raters, the study's own first."""
    if loaded.raters is None:
        return []
    study = loaded.study
    return [(arch, inputs) for arch in choices(loaded) for inputs in study.candidates("raters", arch)]


def choices(loaded: LoadedStudy) -> dict[str, str]:
    """Return the input configuration of each network, or that the out-of-fold results choose it."""
    return loaded.study.choices("raters")


def rated_patients(loaded: LoadedStudy) -> list[str]:
    """Return the rated patients who are compared with the study's networks, as ``residua check`` says."""
    return compared_with_raters(loaded.study, loaded.cohort, loaded.raters) if loaded.raters else []


def ratings(loaded: LoadedStudy) -> list[Rating]:
    """Return the ratings of these patients, in the order of the table."""
    if loaded.raters is None:
        return []
    rated = set(rated_patients(loaded))
    return [rating for rating in loaded.raters.ratings if rating.patient in rated]


def persons(loaded: LoadedStudy) -> dict[str, str]:
    """Return the person of every rated patient, where some persons of the study have several scans."""
    split = loaded.split
    return {patient: split.who(patient) for patient in rated_patients(loaded)} if split.persons else {}


def choosing_metrics(loaded: LoadedStudy) -> list[str]:
    """Return the measurements of the networks whose input configuration the out-of-fold results choose."""
    chosen = choices(loaded)
    return [
        f"results/metrics/{arch}/{inputs}.parquet" for arch, inputs in candidates(loaded) if chosen[arch] == OUT_OF_FOLD
    ]
