"""The memory of a job from the headers of its images."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from residua.cluster.memory_needs import memory_again_mb, memory_mb, voxels_of


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".NII.GZ"])
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("order", ["<", ">"])
def test_voxels_are_read_from_every_kind_of_header(tmp_path: Path, suffix: str, kind: type, order: str) -> None:
    header = kind.header_class(endianness=order)
    file = tmp_path / f"scan{suffix}"
    nib.save(kind(np.zeros((5, 7, 11), np.int16), np.eye(4), header), file)
    assert voxels_of(str(file)) == 5 * 7 * 11


@pytest.mark.parametrize(
    "content",
    [b"", b"no image at all", b"\x1f\x8b broken", gzip.compress(b"", mtime=0)[:10] + b"\xff" * 20],
    ids=["empty", "no image", "cut off", "damaged"],
)
def test_unreadable_file_counts_as_large(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "scan.nii.gz"
    file.write_bytes(content)
    assert voxels_of(str(file)) is None
    assert memory_mb([str(file)], 1000, 40) == memory_mb([str(tmp_path / "missing.nii")], 1000, 40) == 5000


def test_memory_grows_with_voxels(tmp_path: Path) -> None:
    files = [str(tmp_path / f"{n}.nii") for n in range(2)]
    for file in files:
        nib.save(nib.Nifti1Image(np.zeros((100, 100, 50), np.uint8), np.eye(4)), file)
    assert memory_mb(files, 1000, 40) == 1040


@pytest.mark.parametrize(
    ("attempt", "most_mb", "asked_mb"),
    [
        (1, None, 32000),
        (2, None, 64000),
        (3, None, 64000),
        (2, 64000, 64000),
        (1, 63999, 32000),
        (2, 63999, 32000),
        (3, 63999, 32000),
    ],
)
def test_a_job_that_is_tried_again_asks_for_no_more_than_a_node_has(
    attempt: int, most_mb: int | None, asked_mb: int
) -> None:
    assert memory_again_mb(32000, attempt, most_mb) == asked_mb
