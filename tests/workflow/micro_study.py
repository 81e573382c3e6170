"""The micro study with both networks and inputs A and B, before and after its run."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np

from studies import HOUSE, Study

CHECKSUM_DEFAULT_BYTES = 1_000_000
"""Snakemake's own limit, above which a file's time alone decides; ours is higher."""


def begin(micro_cohort: Path, folder: Path) -> Study:
    """The study in ``folder``, before its run."""
    shutil.copytree(micro_cohort, folder / "cohort")
    _enlarge(folder / "cohort", "post_t1")
    shutil.copy(HOUSE / "tests/micro/config.yaml", folder / "config.yaml")
    study = without_flair(Study(folder))
    study.configure(lambda config: config["inputs"].update(A=["post_t1ce"]))
    study.configure(lambda config: config.update(archs=["nnunet", "agunet"]))
    return study


def without_flair(study: Study) -> Study:
    """Register no FLAIR: no inputs use it."""
    study.configure(lambda config: config["sequences"]["moving"].remove("post_flair"))
    return study


def forget(study: Study, inputs: str) -> None:
    """Take an input configuration and all that was made of it alone out of a study."""
    study.configure(lambda config: config["inputs"].pop(inputs))
    for path in [*study.folder.glob(f"results/**/{inputs}"), *study.folder.glob(f"results/**/{inputs}.*")]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _enlarge(folder: Path, column: str) -> None:
    """Store one sequence of every patient uncompressed and padded with air: each file exceeds Snakemake's limit."""
    table = folder / "cohort.tsv"
    rows = list(csv.DictReader(table.open(encoding="utf-8"), delimiter="\t"))
    for row in rows:
        compressed = folder / row[column]
        image = nib.load(compressed)
        row[column] = row[column].removesuffix(".gz")
        voxels = np.pad(np.asarray(image.dataobj, dtype=np.float64), ((0, 0), (0, 0), (0, 30)))
        nib.save(nib.Nifti1Image(voxels, image.affine), folder / row[column])
        compressed.unlink()
        assert (folder / row[column]).stat().st_size > CHECKSUM_DEFAULT_BYTES
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0], delimiter="\t")
        writer.writeheader()
        writer.writerows(rows)
