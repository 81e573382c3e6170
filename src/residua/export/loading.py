"""Load the study that ran in a folder, from what it left there."""

from __future__ import annotations

from pathlib import Path

from residua.cohort.checks.results import invalid_patients, read_excluded
from residua.cohort.cohort import load_cohort
from residua.cohort.places import EXCLUDED, STUDY
from residua.errors import ResiduaError
from residua.publishing.as_made import read_as_made, require_as_made
from residua.settings.study import Study, load_study
from residua.wiring.loaded import LoadedStudy


def study_here(named: Path, inputs: str) -> LoadedStudy:
    """Return the study of the working directory, which the user calls ``named``, as its last start saw it.

    Raises ``ResiduaError`` when the study has not started, or has no input configuration ``inputs``.
    """
    settings = settings_here(named)
    if inputs not in settings.inputs:
        raise ResiduaError(f"{named}: no input configuration {inputs}; it has {', '.join(settings.inputs)}")
    return LoadedStudy(settings, load_cohort(settings, settings.cohort, excluded_here()))


def settings_here(named: Path) -> Study:
    """Return the configuration with which the study of the working directory started last.

    Raises ``ResiduaError`` when it has not started.
    """
    if not Path(STUDY).is_file():
        raise ResiduaError(f"{named}: has no {STUDY}; name the folder in which a study ran, and let it start once more")
    return load_study(read_as_made(Path(), STUDY))


def excluded_here() -> dict[str, str]:
    """Return the patients whom the study of the working directory excludes, with the checks that excluded them."""
    require_as_made(Path(), [EXCLUDED])
    return invalid_patients(read_excluded(EXCLUDED))
