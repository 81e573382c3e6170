"""How long the checks of a cohort of 956 patients take: all headers, every voxel once, and the same again.

.venv/bin/python benchmarks/checks.py --out build/checks

Images are small (24x28x20 voxels), so that headers cost what they cost at any size, and voxels next to nothing: their
time grows with the images. The second look must not.
"""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import yaml

from _common import COLUMNS, HOUSE, write_published_cohort
from residua.cohort.checks.headers import check_headers
from residua.cohort.cohort import judged_cohort
from residua.cohort.commands.verdict import check_cohort
from residua.publishing.publish import write_text
from residua.settings.study import load_study
from residua.tables.render import Table, to_markdown

SHAPE, SPACING_MM = (24, 28, 20), 7.0


def fill(folder: Path) -> int:
    """Write an image or mask into every placeholder; no two images are alike. Returns how many files there are."""
    rng, affine = np.random.default_rng(1), np.diag([SPACING_MM] * 3 + [1.0])
    distance = np.sqrt((((np.indices(SHAPE).T - (np.array(SHAPE) - 1) / 2) * SPACING_MM) ** 2).sum(-1)).T
    masks = {"residual": distance < 10, "pre_tumor": distance < 20}
    files = sorted((folder / "images").rglob("*.nii.gz"))
    for file in files:
        column = file.name.partition(".")[0]
        head = (rng.integers(0, 60, SHAPE) + 600 * (distance < 70)).astype(np.int16)
        voxels = masks[column].astype(np.uint8) if column in masks else head
        nib.save(nib.Nifti1Image(voxels, affine), file)
    return len(files)


def seconds(work: Callable[[], object]) -> float:
    """How long a piece of work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Write the cohort, check it, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HOUSE / "build" / "checks")
    parser.add_argument("--workers", type=int, default=2)
    wanted = parser.parse_args()
    shutil.rmtree(wanted.out, ignore_errors=True)
    table = str(write_published_cohort(wanted.out))
    files = fill(wanted.out)
    study = load_study(yaml.safe_load((HOUSE / "config.yaml").read_text(encoding="utf-8")))
    patients = list(judged_cohort(study, table)[0].patients.values())
    assert len(patients) * len(COLUMNS) == files
    cache = wanted.out / "voxels"

    def look() -> object:
        verdict = check_cohort(study, table, cache=cache, workers=wanted.workers)
        assert verdict.runs, verdict.problems[:3]
        return verdict

    rows = [
        {"what": "all headers", "seconds": f"{seconds(lambda: check_headers(study, patients)):.1f}"},
        {"what": "everything, first look", "seconds": f"{seconds(look):.1f}"},
        {"what": "everything, second look", "seconds": f"{seconds(look):.1f}"},
    ]
    caption = f"Checking {len(patients)} patients, {files} files, with {wanted.workers} processes."
    text = to_markdown(Table(pd.DataFrame(rows, dtype=object), caption))
    write_text(wanted.out / "checks.md", text)
    print(text)


if __name__ == "__main__":
    main()
