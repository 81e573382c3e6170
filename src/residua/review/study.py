"""Load what is reviewed: the study of a folder, or an application of bundles to new patients."""

from __future__ import annotations

from pathlib import Path

from residua.cohort.cohort import judged_cohort
from residua.errors import ResiduaError
from residua.export.loading import excluded_here, settings_here
from residua.inference.folder import CONFIG
from residua.problems.lists import raise_problems
from residua.settings.application import BUNDLES
from residua.settings.base import REFERENCE_STANDARD
from residua.settings.yaml_file import read_yaml
from residua.wiring.application import LoadedApplication, applied
from residua.wiring.loaded import LoadedStudy


def reviewed_here(named: Path, patient: str) -> LoadedStudy:
    """Return the study or the application of the working directory, which the user calls ``named``.

    What is wrong with other patients, or with the reference that may be corrected, stops nothing. Raises
    ``ResiduaError`` when no study has started here, or its table cannot be used.
    """
    config = read_yaml(Path(CONFIG)) if Path(CONFIG).is_file() else None
    if isinstance(config, dict) and BUNDLES in config:
        return applied(config).loaded([])
    settings = settings_here(named)
    cohort, problems = judged_cohort(settings, settings.cohort, excluded_here())
    own = [problem for problem in problems if problem.patient in (None, patient)]
    own = [problem for problem in own if problem.subject != REFERENCE_STANDARD or problem.patient is None]
    raise_problems(own, f"{settings.cohort}: patient {patient} cannot be reviewed")
    return LoadedStudy(settings, cohort)


def corrected_here(named: Path, patient: str) -> LoadedStudy:
    """Return the study of the working directory, whose references can be corrected.

    Raises ``ResiduaError`` for an application of bundles: its table is a copy.
    """
    loaded = reviewed_here(named, patient)
    if isinstance(loaded, LoadedApplication):
        raise ResiduaError(
            f"{named}: an application of bundles, which has no reference of its own; give the edited mask in the table "
            "of a study, or of residua validate"
        )
    return loaded
