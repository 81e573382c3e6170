"""Measure a folder of predicted masks against a folder of reference masks, without a study."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any
from unicodedata import normalize

import numpy as np
import pandas as pd

from residua.errors import ResiduaError
from residua.images.nifti_names import nifti_stem
from residua.images.rounding import rounded
from residua.images.volumes import Image, load, load_grid
from residua.metrics.brats import LesionWiseScores, score_lesions
from residua.metrics.compared_masks import STANDARD, ComparedMasks, compare
from residua.metrics.conventions import LesionWise
from residua.metrics.lesions import LesionRule
from residua.metrics.metric_tables import MetricTables, metric_tables

PREFIX = "brats_"
LESION_WISE = tuple(f"{PREFIX}{field.name}" for field in fields(LesionWiseScores))
"""Columns of lesion-wise scores."""


def evaluate_folders(
    reference_dir: str | os.PathLike[str],
    prediction_dir: str | os.PathLike[str],
    rule: LesionRule = STANDARD,
    lesion_wise: LesionWise | None = None,
    progress: Callable[[int, int], None] = lambda done, planned: None,
) -> MetricTables:
    """Measure every case, sorted by name: ``case`` and the metrics; ``case``, ``lesion`` and one group of lesions.

    Files are matched by name; ``.nii`` and ``.nii.gz``, in any letter case, are one name. Raises one ``ResiduaError``
    that lists every file without a counterpart, every pair on different grids and every file that is not a mask.
    ``lesion_wise`` adds the columns ``LESION_WISE`` of each case.

    >>> from residua.images.volumes import Grid, save
    >>> grid = Grid((2, 2, 2), np.eye(4))
    >>> mask = np.zeros((2, 2, 2), dtype=bool)
    >>> mask[0] = True
    >>> for folder in ("reference", "prediction"):
    ...     save(Image(mask, grid), f"{folder}/case1.nii.gz")
    >>> evaluate_folders("reference", "prediction").cases[["case", "dice", "hd95_mm"]].values.tolist()
    [['case1', 1.0, 0.0]]
    """
    references, predictions = masks_of(reference_dir), masks_of(prediction_dir)
    cases = sorted(set(references) & set(predictions))
    problems = _pairing_problems(references, predictions)
    # Headers are read quickly; whether a file is a mask shows only in its voxels.
    _raise(problems)

    scores: list[dict[str, Any]] = []

    def compared() -> Iterator[tuple[dict[str, str], ComparedMasks]]:
        for number, case in enumerate(cases):
            progress(number, len(cases))
            if pair := _loaded(references[case], predictions[case], problems):
                scores.append(_lesion_wise(*pair, rule, lesion_wise))
                yield {"case": case}, compare(pair[0].data, pair[1].data, pair[0].grid, rule)

    tables = metric_tables(compared(), ["case"])
    _raise(problems)
    return tables._replace(cases=tables.cases.join(pd.DataFrame(scores).add_prefix(PREFIX)))


def _loaded(reference: Path, prediction: Path, problems: list[str]) -> tuple[Image, Image] | None:
    """Load the masks of a case; None for one that is no mask, which is noted among the problems."""
    try:
        return _load_binary(reference), _load_binary(prediction)
    except ResiduaError as error:
        problems.append(str(error))
        return None


def _lesion_wise(
    reference: Image, prediction: Image, rule: LesionRule, lesion_wise: LesionWise | None
) -> dict[str, Any]:
    if lesion_wise is None:
        return {}
    return asdict(score_lesions(reference.data, prediction.data, reference.grid, rule, lesion_wise))


def _pairing_problems(references: Mapping[str, Path], predictions: Mapping[str, Path]) -> list[str]:
    """Return files without a counterpart, and pairs on different grids."""
    problems = [f"{path}: no prediction has this name" for case, path in references.items() if case not in predictions]
    problems += [f"{path}: no reference has this name" for case, path in predictions.items() if case not in references]
    for case in sorted(set(references) & set(predictions)):
        problems += _grid_problems(references[case], predictions[case])
    return problems


def _raise(problems: list[str]) -> None:
    if problems:
        raise ResiduaError(f"The folders cannot be compared, {len(problems)} problem(s):\n  " + "\n  ".join(problems))


def masks_of(folder: str | os.PathLike[str]) -> dict[str, Path]:
    """Return the NIfTI files of a folder by case, in NFC: macOS writes names in NFD.

    Raises ``ResiduaError`` when there is none, or two of one case.

    >>> Path("masks").mkdir()
    >>> Path("masks/p1.nii.gz").touch()
    >>> list(masks_of("masks"))
    ['p1']
    """
    if not Path(folder).is_dir():
        raise ResiduaError(f"{folder}: the folder does not exist")
    found: dict[str, Path] = {}
    for path in sorted(Path(folder).iterdir()):
        case = normalize("NFC", nifti_stem(path.name) or "")
        if not case:
            continue
        if case in found:
            raise ResiduaError(f"{path}: the same case as {found[case].name}; keep one of them")
        found[case] = path
    if not found:
        raise ResiduaError(f"{folder}: holds no NIfTI file (.nii, .nii.gz)")
    return found


def _grid_problems(reference: Path, prediction: Path) -> list[str]:
    problems, grids = [], []
    for path in (reference, prediction):
        try:
            grids.append(load_grid(path))
        except ResiduaError as error:
            problems.append(str(error))
    if len(grids) == 2 and not grids[0].same_as(grids[1]):
        alike = grids[0].shape == grids[1].shape
        apart = f" ({grids[0].distance_mm(grids[1]):.3g} mm apart)" if alike else ""
        problems.append(
            f"{prediction}: the grid (shape {grids[1].shape}, voxels {_mm(grids[1].spacing_mm)}) differs from that of "
            f"the reference (shape {grids[0].shape}, voxels {_mm(grids[0].spacing_mm)}) in shape, voxels or "
            f"position{apart}; resample it to the reference"
        )
    return problems


def _mm(spacing_mm: tuple[float, float, float]) -> str:
    return "x".join(f"{size:.3g}" for size in spacing_mm) + " mm"


def _load_binary(path: Path) -> Image:
    image = load(path)
    # Most voxels are 0: what differs from it is little to look at.
    inside = image.data[image.data != 0]
    values = np.unique(rounded(inside) if np.isfinite(inside).all() else inside)
    values = values[values != 0]
    # Otherwise several labels would be merged, and a probability map cut somewhere, without notice.
    if values.size > 1 or not all(value > 0 and float(value).is_integer() for value in values):
        raise ResiduaError(
            f"{path}: expected a mask of 0 and one positive whole number, found {_some(values)} besides 0; write one "
            "label as 1 and all else as 0, a probability map after its threshold"
        )
    largest = float(values[0]) if values.size else 1.0
    return Image(image.data > largest / 2, image.grid)


def _some(values: np.ndarray) -> str:
    return ", ".join(f"{value:g}" for value in values[:4]) + (", …" if values.size > 4 else "")
