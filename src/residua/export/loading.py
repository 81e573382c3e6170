"""Load the study that ran in a folder, from what it left there."""

from __future__ import annotations

from pathlib import Path

from residua.cohort.checks.results import invalid_patients, read_excluded
from residua.cohort.cohort import load_cohort
from residua.cohort.places import RESULTS, STUDY
from residua.errors import ResiduaError
from residua.publishing.publish import read_json
from residua.settings.study import load_study
from residua.wiring.loaded import LoadedStudy


def study_here(named: Path, inputs: str | None = None) -> LoadedStudy:
    """Return the study of the working directory, which the user calls ``named``, as its last start saw it.

    Raises ``ResiduaError`` when the study has not started, or has no input configuration ``inputs``, if one is named.
    """
    if not Path(STUDY).is_file():
        raise ResiduaError(f"{named}: has no {STUDY}; name the folder in which a study ran, and let it start once more")
    settings = load_study(read_json(STUDY))
    if inputs is not None and inputs not in settings.inputs:
        raise ResiduaError(f"{named}: no input configuration {inputs}; it has {', '.join(settings.inputs)}")
    excluded = invalid_patients(read_excluded(f"{RESULTS}/excluded.tsv"))
    return LoadedStudy(settings, load_cohort(settings, settings.cohort, excluded))
