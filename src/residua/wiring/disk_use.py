"""What every job will leave on disk, by the grids of the reference scans, and whether there is room."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

from residua.cluster.memory_needs import extent_of
from residua.operations.disk import (
    OF_A_STUDY,
    OF_AN_APPLICATION,
    PAGES,
    PROBABILITY,
    GridSize,
    OnDisk,
    grid_of,
    missing,
    model_bytes,
    registered_bytes,
    require_space,
    stripped_bytes,
)
from residua.settings.base import REFERENCE_STANDARD
from residua.settings.machine import Machine
from residua.wiring.application import LoadedApplication
from residua.wiring.files import reference_of, registration_of
from residua.wiring.loaded import LoadedStudy
from residua.wiring.patients import patients_in, patients_of_subset, patients_with, validation_by_fold
from residua.wiring.preoperative import archs, model_before, of_batch, scan_and_tumor
from residua.wiring.preparation import is_composed, is_label

_UNKNOWN = GridSize(35_681_400, 9_800.0)
"""The article's average grid, for a header that cannot be read."""
REGISTERED = "registered"
"""The stage of registered scans."""
_LABEL = 0.02
"""Share of an image's room that a label takes."""


def require_room(loaded: LoadedStudy, planned: Iterable[str], machine: Machine) -> str | None:
    """Return a warning, or raise ``ResiduaError``, when the disk of the results has no room for what is ``planned``."""
    needed = missing(stored_by(loaded), planned)
    remedies = OF_AN_APPLICATION if isinstance(loaded, LoadedApplication) else OF_A_STUDY
    return require_space(needed, Path("results"), refuses=machine.check_free_space, remedies=remedies)


def stored_by(loaded: LoadedStudy, extent: Callable[[str], GridSize | None] | None = None) -> list[OnDisk]:
    """Return what the jobs of a study or an application leave on disk; ``extent`` finds the grid of a file."""
    grid = grids_of(loaded, extent)
    return [
        *_registered(loaded, grid),
        *_channels(loaded, grid),
        *_before_surgery(loaded),
        *_trained(loaded),
        *_maps(loaded, grid),
        *_pages(loaded),
    ]


Grids = Callable[[str], GridSize]
"""The grid of a patient's reference."""


def grids_of(loaded: LoadedStudy, extent: Callable[[str], GridSize | None] | None = None) -> Grids:
    """Return the function that reads the grid of a patient's reference from its header, or finds it by ``extent``."""
    found = extent or _read

    @cache
    def grid(patient: str) -> GridSize:
        return found(reference_of(loaded, patient)) or _UNKNOWN

    return grid


def _read(file: str) -> GridSize | None:
    known = extent_of(file)
    return GridSize(*known) if known else None


def _registered(loaded: LoadedStudy, grid: Grids) -> Iterator[OnDisk]:
    for batch in loaded.cohort.batches:
        for patient in patients_in(loaded, batch):
            # Of these a run makes what it needs: more than networks see, for pictures and for what was resected.
            for column in loaded.study.sequences.moving:
                if column in loaded.cohort.patients[patient].files:
                    spacing = loaded.study.registration_of(column).deformation.working_spacing_mm
                    path = registration_of(patient, column, "quality.json")
                    yield OnDisk(REGISTERED, path, registered_bytes(grid(patient), spacing))


def _before_surgery(loaded: LoadedStudy) -> Iterator[OnDisk]:
    """Yield what is prepared of scans before surgery, and their tumours."""
    for arch in archs(loaded):
        scan, label = scan_and_tumor(loaded)
        for batch in loaded.cohort.batches:
            patients = of_batch(loaded, batch)
            for column in (scan, label):
                size = _prepared(loaded, arch, column == label) * len(patients)
                yield OnDisk("prepared", f"results/preoperative/prepared/{arch}/{column}/{batch}/manifest.json", size)


def _channels(loaded: LoadedStudy, grid: Grids) -> Iterator[OnDisk]:
    study = loaded.study
    channels = dict.fromkeys([*study.columns_of(study.channels), *study.channels, REFERENCE_STANDARD])
    for batch in loaded.cohort.batches:
        for channel in channels:
            patients = patients_with(loaded, channel, batch)
            share = _LABEL if is_label(loaded, channel) else 1.0
            if channel not in study.derived_channels and channel != REFERENCE_STANDARD and not is_composed(loaded):
                size = share * sum(stripped_bytes(grid(patient)) for patient in patients)
                yield OnDisk("stripped", f"results/stripped/{channel}/{batch}/manifest.json", size)
            for arch in study.archs:
                path = f"{arch}/{channel}/{batch}/manifest.json"
                size = _prepared(loaded, arch, is_label(loaded, channel)) * len(patients)
                yield OnDisk("prepared", f"results/prepared/{path}", size)
                if is_composed(loaded):
                    yield OnDisk(
                        "sampled", f"results/sampled/{path}", share * 1.6 * _voxels(loaded, arch) * len(patients)
                    )


def _voxels(loaded: LoadedStudy, arch: str) -> int:
    preparation = loaded.study.settings_of(arch).preparation()
    return grid_of(getattr(preparation, "spacing_mm", None), getattr(preparation, "shape", None))


def _prepared(loaded: LoadedStudy, arch: str, label: bool) -> float:
    settings = loaded.study.settings_of(arch)
    return _voxels(loaded, arch) * (settings.prepared_label_bytes if label else settings.prepared_bytes)


def _model(loaded: LoadedStudy, arch: str) -> float:
    return model_bytes(getattr(loaded.study.settings_of(arch), "features", ()))


def _trained(loaded: LoadedStudy) -> Iterator[OnDisk]:
    for arch, inputs in loaded.models:
        for fold in loaded.folds_of(arch, inputs):
            yield OnDisk("models", f"results/models/{arch}/{inputs}/fold{fold}/manifest.json", _model(loaded, arch))
    for arch in archs(loaded):
        for fold in loaded.folds:
            yield OnDisk("models", model_before(arch, fold), _model(loaded, arch))


def _maps(loaded: LoadedStudy, grid: Grids) -> Iterator[OnDisk]:
    for arch, inputs in loaded.models:
        # An application has models of folds, and no patient who validates one.
        validating = validation_by_fold(loaded, arch, inputs) if loaded.split.folds else {}
        for fold, patients in validating.items():
            size = PROBABILITY * sum(grid(patient).voxels for patient in patients)
            yield OnDisk("probability maps", f"results/predictions/{arch}/{inputs}/fold{fold}/manifest.json", size)
        held_out = [p for group in patients_of_subset(loaded, arch, inputs, "holdout").values() for p in group]
        # The map of each fold's model, and their mean.
        size = (
            PROBABILITY * sum(grid(patient).voxels for patient in held_out) * (len(loaded.folds_of(arch, inputs)) + 1)
        )
        yield OnDisk("probability maps", f"results/ensemble/{arch}/{inputs}/manifest.json", size)


def _pages(loaded: LoadedStudy) -> Iterator[OnDisk]:
    for batch in loaded.cohort.batches:
        yield OnDisk("pages", f"results/quality/{batch}/manifest.json", PAGES * len(patients_in(loaded, batch)))
