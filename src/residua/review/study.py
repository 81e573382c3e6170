"""Load what is reviewed: the study of a folder, or an application of bundles to new patients."""

from __future__ import annotations

from pathlib import Path

from residua.errors import ResiduaError
from residua.export.loading import study_here
from residua.inference.folder import CONFIG
from residua.settings.application import BUNDLES
from residua.settings.yaml_file import read_yaml
from residua.wiring.application import LoadedApplication, applied
from residua.wiring.loaded import LoadedStudy


def reviewed_here(named: Path) -> LoadedStudy:
    """Return the study or the application of the working directory, which the user calls ``named``.

    Raises ``ResiduaError`` when none has started here.
    """
    config = read_yaml(Path(CONFIG)) if Path(CONFIG).is_file() else None
    if isinstance(config, dict) and BUNDLES in config:
        return applied(config).loaded([])
    return study_here(named)


def corrected_here(named: Path) -> LoadedStudy:
    """Return the study of the working directory, whose references can be corrected.

    Raises ``ResiduaError`` for an application of bundles: its table is a copy.
    """
    loaded = reviewed_here(named)
    if isinstance(loaded, LoadedApplication):
        raise ResiduaError(
            f"{named}: an application of bundles, which has no reference of its own; give the edited mask in the table "
            "of a study, or of residua validate"
        )
    return loaded
