"""Whatever a header holds, looking at it ends in problems, never in a traceback."""

from __future__ import annotations

import gzip
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nibabel as nib
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cohort_tables import study
from residua.cohort.checks.headers import check_headers
from residua.cohort.checks.voxels import check_voxels
from residua.cohort.table.files import kinds_of
from residua.cohort.table.patient import Patient

SOUND = nib.Nifti1Image(np.arange(60, dtype=np.int16).reshape(4, 5, 3), np.diag([8.0, 6.0, 8.0, 1.0])).to_bytes()
quick = settings(max_examples=150, deadline=None, derandomize=True)


def judged(content: bytes, name: str, voxels: bool = False) -> None:
    """Check ``content`` as the image and the mask of a patient; every problem must be one line that says what to do."""
    with TemporaryDirectory() as folder:
        files = {}
        for column in ("post_t1ce", "residual"):
            path = Path(folder) / f"{column}_{name}"
            path.write_bytes(content)
            files[column] = str(path)
        patients = [Patient("STO1", "STO", "auto", "", 2, files)]
        problems = check_headers(study(), patients)
        records = [problem.to_json() for problem in problems]
        if voxels:
            records += check_voxels(patients, kinds_of(study()), {"residual": "post_t1ce"})["problems"]
    for problem in problems:
        assert len(str(problem).splitlines()) == 1
    assert all(record["what"] and record["remedy"] and record["check"] for record in records)


@quick
@given(st.binary(max_size=600), st.sampled_from(["x.nii", "x.nii.gz", "x.img"]))
def test_any_file(content: bytes, name: str) -> None:
    judged(content, name)
    judged(gzip.compress(content), name)


def mutated(data: Any) -> bytes:
    raw = bytearray(SOUND)
    for _ in range(data.draw(st.integers(1, 4))):
        field = data.draw(st.integers(0, 351))
        patch = data.draw(st.binary(min_size=1, max_size=8))
        raw[field : field + len(patch)] = patch
    return bytes(raw)


@quick
@given(st.data())
def test_any_change_of_a_header(data: Any) -> None:
    content = mutated(data)
    judged(content, "x.nii", voxels=True)
    judged(gzip.compress(content), "x.nii.gz")


@quick
@given(st.data(), st.integers(0, len(SOUND)))
def test_any_truncation(data: Any, end: int) -> None:
    judged(mutated(data)[:end], "x.nii")
    packed = gzip.compress(SOUND)
    judged(packed[: end * len(packed) // len(SOUND)], "x.nii.gz", voxels=True)
