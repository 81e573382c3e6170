"""Want of disk is said in plain words, also where a library hides it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from residua.errors import ResiduaError
from residua.publishing.unwritable import want_of_disk, writing_in
from small_disk import mounted

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "results/a.nii.gz")


def test_what_an_error_came_from_is_said() -> None:
    try:
        try:
            raise FULL
        finally:
            # As matplotlib does while it closes the file.
            raise AttributeError("'Stream' object has no attribute 'pos'")
    except AttributeError as error:
        said = want_of_disk(error)
    assert said == f"{FULL}; make room on that disk, or ask for a larger quota"


def test_words_of_libraries_without_a_number_are_understood() -> None:
    assert want_of_disk(RuntimeError("write failed: No space left on device")) is not None


def test_a_full_disk_tells_where_a_library_does_not(tmp_path: Path) -> None:
    hidden = RuntimeError("Error while creating the NDArray")
    assert want_of_disk(hidden, [tmp_path, "/nowhere"]) is None
    with mounted(tmp_path, "size=64k"):
        (tmp_path / "filler").write_bytes(bytes(1 << 16))
        assert want_of_disk(hidden, ["/nowhere", tmp_path]) == (
            f"{tmp_path}: No space left on device; make room on that disk, or ask for a larger quota"
        )


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOENT])
def test_what_may_be_an_error_of_reading_is_left_alone(number: int) -> None:
    error = OSError(number, os.strerror(number), "cohort/images/a.nii.gz")
    assert want_of_disk(error) is None


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_a_folder_that_cannot_be_written_in_is_named(tmp_path: Path, number: int) -> None:
    with pytest.raises(ResiduaError, match=rf"^{tmp_path}: nothing can be written there: "), writing_in(tmp_path):
        raise OSError(number, os.strerror(number))
