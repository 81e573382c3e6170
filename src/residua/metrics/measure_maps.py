"""Measure the published probability maps of every patient within the brain (stage ``measure``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from residua.errors import ResiduaError
from residua.images.pairs import load_pair
from residua.images.volumes import load_mask, require_same_grid
from residua.metrics.map_metrics import MapTables, map_tables
from residua.metrics.measure_patients import known_columns, split_of
from residua.metrics.scored import ScoreCounts, scored_voxels
from residua.publishing.images import by_patient


def measure_maps(
    predictions: Mapping[str, Sequence[str]],
    references: Mapping[str, str],
    brains: Sequence[str],
    cases: Sequence[Mapping[str, Any]],
    leave_failed_out: bool = False,
) -> MapTables:
    """Return the tables of ``map_tables``, each row with split, fold (missing for the test set), patient and hospital.

    ``predictions`` holds the manifests of the maps by split, ``brains`` those of the brain masks; the others are as in
    ``residua.metrics.measure_patients``.

    >>> import numpy as np
    >>> from residua.images.volumes import Grid, Image, save
    >>> from residua.publishing.publish import stage
    >>> grid = Grid((2, 2, 2), np.eye(4))
    >>> save(Image(np.ones((2, 2, 2), dtype=bool), grid), "reference.nii.gz")
    >>> for folder, value in (("maps", 0.75), ("brain", 1)):
    ...     with stage(f"{folder}/manifest.json") as part:
    ...         save(Image(np.full((2, 2, 2), value, np.float32), grid), part / "AMS1.nii.gz")
    >>> cases = [{"patient": "AMS1", "hospital": "AMS", "fold": None}]
    >>> maps = {"test": ["maps/manifest.json"]}
    >>> measure_maps(maps, {"AMS1": "reference.nii.gz"}, ["brain/manifest.json"], cases).patients["brier"].tolist()
    [0.0625]
    """
    maps = {split: by_patient(manifests) for split, manifests in predictions.items()}
    brain_masks = by_patient(brains)

    def scored() -> Iterator[tuple[dict[str, Any], ScoreCounts]]:
        for case in cases:
            split, patient = split_of(case), case["patient"]
            if leave_failed_out and patient not in maps[split]:
                continue
            found = _scored(patient, maps[split][patient], references[patient], brain_masks[patient])
            yield {"split": split, **case}, found

    tables = map_tables(scored(), known_columns(cases))
    return MapTables(*(table.astype({"fold": "Int64"}) for table in tables))


def _scored(patient: str, probability_file: Path, reference_file: str, brain_file: Path) -> ScoreCounts:
    probability, reference = load_pair(patient, probability_file, reference_file)
    brain = load_mask(brain_file)
    require_same_grid(brain, reference, f"patient {patient}: the brain mask")
    try:
        return scored_voxels(probability.data, reference.data, brain.data)
    except ResiduaError as error:
        raise ResiduaError(f"patient {patient}: {error}") from None
