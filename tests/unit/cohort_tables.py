"""Small studies, tables and images for the tests of the cohort."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import yaml

from residua.cohort.checks.headers import check_headers
from residua.cohort.table.patient import Patient
from residua.problems.problem import Problem
from residua.settings.study import Study, load_study

ROOT = Path(__file__).parents[2]
PUBLISHED: dict[str, Any] = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
FILES = ("post_t1ce", "post_t1", "post_flair", "pre_t1ce", "residual", "pre_tumor")
COLUMNS = ("patient", "hospital", "role", "exclusion_reason", *FILES)
AFFINE = np.diag([1.0, 1.0, 2.0, 1.0])


def config(choice: str | None = None, **changes: Any) -> dict[str, Any]:
    """The published configuration with two folds and one hold-out hospital, and ``changes`` at its top level.

    Every experiment names the first input configuration, so that ``changes`` may hold any, or has the ``choice``.
    """
    protocol = {**PUBLISHED["protocol"], "window_hours_by_hospital": {}}
    # Of few patients none would be left to train on scans before surgery.
    networks = {**PUBLISHED["networks"], "agunet": {**PUBLISHED["networks"]["agunet"], "init": "none"}}
    small = {
        "folds": {0: ["STO"], 1: ["GOT", "PAR"]},
        "holdout": ["AMS"],
        "protocol": protocol,
        "networks": networks,
    }
    changed = copy.deepcopy({**PUBLISHED, **small, **changes})
    for choices in changed["statistics"]["best_inputs"].values():
        choices.update(dict.fromkeys(choices, choice or next(iter(changed["inputs"]))))
    return changed


def study(choice: str | None = None, **changes: Any) -> Study:
    """The study of ``config``."""
    return load_study(config(choice, **changes))


def row(patient: str, hospital: str, **cells: str) -> dict[str, str]:
    """One row whose files are called ``images/PATIENT_COLUMN.nii.gz``."""
    files = {column: f"images/{patient}_{column}.nii.gz" for column in FILES}
    return {"patient": patient, "hospital": hospital, "role": "auto", "exclusion_reason": "", **files, **cells}


def rows() -> list[dict[str, str]]:
    """One patient of each hospital of ``study``, in rows 2 to 5."""
    return [row(f"{hospital}1", hospital) for hospital in ("STO", "GOT", "PAR", "AMS")]


def write_table(
    folder: Path, records: Sequence[Mapping[str, str]], columns: Sequence[str] = COLUMNS, delimiter: str = "\t"
) -> str:
    """Write ``cohort.tsv`` into ``folder`` and return its path."""
    lines = [delimiter.join(columns)]
    lines += [delimiter.join(record.get(column, "") for column in columns) for record in records]
    path = folder / "cohort.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def write_image(path: Path, voxels: Any = None, affine: Any = AFFINE) -> Path:
    """Write ``voxels`` (a 4x5x3 ramp when not given) as NIfTI."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = np.arange(60, dtype=np.int16).reshape(4, 5, 3) if voxels is None else voxels
    nib.save(nib.Nifti1Image(data, affine), path)
    return path


def write_images(folder: Path, records: Sequence[Mapping[str, str]], enlarged: bool = False) -> None:
    """Write a sound image or mask for every file cell; no two images are alike, nor one scan that is merely brighter.

    Each residual has one voxel of 0.002 ml, each pre_tumor two; ``enlarged`` to the size of heads, 36 and 72 voxels of
    0.384 ml.
    """
    affine = np.diag([8.0, 6.0, 8.0, 1.0]) if enlarged else AFFINE
    block = np.ones((3, 3, 4) if enlarged else (1, 1, 1), np.int16)
    masks = {"residual": np.zeros((4, 5, 3), np.uint8), "pre_tumor": np.zeros((4, 5, 3), np.uint8)}
    masks["residual"][2, 2, 1] = 1
    masks["pre_tumor"][2, 2, :2] = 1
    ramp = np.arange(60, dtype=np.int16).reshape(4, 5, 3)
    for number, record in enumerate(records):
        for index, column in enumerate(FILES):
            own = np.random.default_rng((number, index)).permutation(ramp.ravel()).reshape(ramp.shape) + 10
            voxels = np.kron(masks.get(column, own), block).astype(np.int16)
            write_image(folder / record[column], voxels, affine)


def headers(study: Study, patients: Iterable[Patient]) -> list[Problem]:
    """What ``check_headers`` finds, but for the field of view: images of a few voxels show no head."""
    return but_tiny(check_headers(study, patients))


def but_tiny(problems: Iterable[Problem]) -> list[Problem]:
    """The problems of images that are larger than those of these tests."""
    return [problem for problem in problems if problem.check not in ("field-of-view-small", "slices-few")]


def snapshot(folder: Path) -> dict[str, bytes]:
    """The content of every file below ``folder``."""
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
