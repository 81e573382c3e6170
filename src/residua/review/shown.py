"""What a review shows of a patient: images, reference and prediction that lie on one grid, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from residua.errors import ResiduaError
from residua.images.volumes import Grid, load_grid
from residua.publishing.seals import require_sealed
from residua.review.predictions import Prediction, place_of, prediction_of
from residua.settings.base import REFERENCE_STANDARD
from residua.wiring.files import is_moving, on_the_reference
from residua.wiring.loaded import LoadedStudy

_TIP = "let the study run, then give this command again"


@dataclass(frozen=True)
class Reviewed:
    """The files of a scene, absolute, all on ``grid``: images by column, the reference sequence first."""

    patient: str
    grid: Grid
    images: dict[str, Path]
    reference: Path | None
    prediction: Prediction | None
    missing: tuple[str, ...] = field(default=())


def shown_of(loaded: LoadedStudy, patient: str, arch: str | None, inputs: str | None) -> Reviewed:
    """Find what the study of the working directory has of a patient.

    Raises ``ResiduaError`` for an unknown patient, network or input configuration, for a reference sequence that cannot
    be read, and for a result that was changed since it was made.
    """
    if patient not in loaded.cohort.patients:
        raise ResiduaError(f"{loaded.study.cohort}: no patient {patient}; write identifiers as the table has them")
    files = loaded.cohort.patients[patient].files
    sequence = loaded.study.sequences.reference
    if sequence not in files:
        raise ResiduaError(f"patient {patient}: the table names no {sequence}, on whose grid the reference is drawn")
    grid = load_grid(files[sequence])
    missing: list[str] = []
    columns = [sequence, *(column for column in loaded.study.images if column != sequence and column in files)]
    images = dict(_images(loaded, patient, columns, grid, missing))
    drawn = files.get(REFERENCE_STANDARD)
    reference = None if drawn is None else _on_grid(REFERENCE_STANDARD, drawn, grid, missing)
    found, why = prediction_of(loaded, patient, arch, inputs)
    missing += [why] if why else []
    return Reviewed(patient, grid, images, reference, found, tuple(missing))


def _images(
    loaded: LoadedStudy, patient: str, columns: list[str], grid: Grid, missing: list[str]
) -> Iterator[tuple[str, Path]]:
    for column in columns:
        file = on_the_reference(loaded, patient, column)
        if is_moving(loaded, column) and not Path(file).is_file():
            missing.append(f"{column}: not registered yet; {_TIP}")
            continue
        require_sealed([file])
        found = _on_grid(column, file, grid, missing)
        if found is not None:
            yield column, found


def _on_grid(column: str, file: str, grid: Grid, missing: list[str]) -> Path | None:
    try:
        own = load_grid(file)
    except ResiduaError as error:
        missing.append(f"{column}: {error}")
        return None
    if not own.same_as(grid):
        missing.append(f"{column}: {file} lies on another grid than the reference sequence")
        return None
    return place_of(file)
