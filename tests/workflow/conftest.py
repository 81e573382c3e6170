"""One real run of the micro study, which the tests of this folder copy and change."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from sharing import made_once
from studies import HOUSE, Study

CHECKSUM_DEFAULT_BYTES = 1_000_000
"""Snakemake's own limit, above which a file's time alone decides; ours is higher."""


def _enlarged(folder: Path, column: str) -> None:
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


@pytest.fixture(scope="session")
def finished(micro_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The micro study with both networks and inputs A and B, run to its end; do not change it, copy it."""

    def run(folder: Path) -> None:
        shutil.copytree(micro_cohort, folder / "cohort")
        _enlarged(folder / "cohort", "post_t1")
        shutil.copy(HOUSE / "tests" / "micro" / "config.yaml", folder / "config.yaml")
        study = Study(folder)
        study.configure(lambda config: config["inputs"].update(A=["post_t1ce"]))
        study.configure(lambda config: config.update(archs=["nnunet", "agunet"]))
        study.run()

    return Study(made_once(tmp_path_factory, "finished", run))


@pytest.fixture
def study(finished: Study, tmp_path: Path) -> Study:
    """A copy of the finished micro study that a test may change."""
    return finished.copied(tmp_path / "study")


@pytest.fixture
def fresh(micro_cohort: Path, tmp_path: Path) -> Study:
    """A micro study that has not run."""
    folder = tmp_path / "study"
    shutil.copytree(micro_cohort, folder / "cohort")
    shutil.copy(HOUSE / "tests/micro/config.yaml", folder / "config.yaml")
    return Study(folder)
