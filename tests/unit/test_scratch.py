"""Files of registration software are read back whole."""

from __future__ import annotations

import gzip
import resource
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from residua.errors import ScratchError, UnusableScanError
from residua.images.volumes import Grid, Image, save
from residua.registration.scratch import require_room, require_whole


def write_warp(path: Path) -> None:
    save(Image(np.random.default_rng(1).random((8, 9, 10)).astype(np.float32), Grid((8, 9, 10), np.eye(4))), path)


def write_plain(path: Path) -> None:
    packed = path.with_suffix(".nii.gz")
    write_warp(packed)
    path.write_bytes(gzip.decompress(packed.read_bytes()))


def write_affine(path: Path) -> None:
    savemat(path, {"AffineTransform_double_3_3": np.ones((12, 1)), "fixed": np.zeros((3, 1))}, format="4")


def write_matrix(path: Path) -> None:
    np.savetxt(path, np.eye(4) + np.diag([0.01, 0.02, 0.03, 0]), fmt="%.6g")


FILES: dict[str, Callable[[Path], None]] = {
    "warp.nii.gz": write_warp,
    "fixed.nii": write_plain,
    "affine.mat": write_affine,
    "rigid.txt": write_matrix,
}


@pytest.mark.parametrize("name", FILES)
def test_a_whole_file_passes(tmp_path: Path, name: str) -> None:
    FILES[name](tmp_path / name)
    require_whole([tmp_path / name], "ANTs")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.95])
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_cut_off_is_refused_by_name(tmp_path: Path, name: str, share: float) -> None:
    path = tmp_path / name
    FILES[name](path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ScratchError, match=rf"^ANTs left {name} incomplete in .* TMPDIR"):
        require_whole([path], "ANTs")


def test_one_changed_bit_of_a_compressed_image_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "warp.nii.gz"
    write_warp(path)
    whole = path.read_bytes()
    # Behind the ten bytes of gzip's own header, of which the time is not covered.
    for place in range(10, len(whole), 97):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(ScratchError, match="incomplete"):
            require_whole([path], "ANTs")


def test_want_of_room_is_told_from_a_scan_that_cannot_be_used(tmp_path: Path) -> None:
    require_room(tmp_path, (50, 60, 70))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 21, before[1]))
    try:
        require_room(tmp_path, (20, 30, 40))
        with pytest.raises(ScratchError, match=r"needs 3 MB in .* and cannot write them") as raised:
            require_room(tmp_path, (50, 60, 70))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not isinstance(raised.value, UnusableScanError)
    assert list(tmp_path.iterdir()) == []
