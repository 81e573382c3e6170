"""Read image files to their end: a compressed file has its checksum behind the voxels, which shows a changed bit."""

from __future__ import annotations

import bz2
import gzip
import os
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from residua.errors import ResiduaError

_CHUNK_BYTES = 1 << 20
_UNPACK: dict[str, Callable[[str | os.PathLike[str]], Any]] = {".gz": gzip.open, ".bz2": bz2.open}


def whole_voxels(path: str | os.PathLike[str], opened: Any, dtype: DTypeLike | None = None) -> NDArray[Any]:
    """Return the voxels of an ``opened`` file as they are stored, after reading a compressed one to its checksum.

    Raises errors of many kinds for a file that is truncated or damaged.

    >>> import nibabel as nib
    >>> nib.save(nib.Nifti1Image(np.array([1.0, 2.0]).reshape(2, 1, 1), np.eye(4)), "image.nii.gz")
    >>> whole_voxels("image.nii.gz", nib.load("image.nii.gz")).ravel().tolist()
    [1.0, 2.0]
    """
    unpack = _unpacker(path)
    if unpack is None or not hasattr(opened, "from_stream"):
        return np.asarray(opened.dataobj, dtype=dtype)
    with unpack(path) as stream:
        voxels = np.asarray(type(opened).from_stream(stream).dataobj, dtype=dtype)
        _read_on(stream)
    return voxels


def require_whole(path: str | os.PathLike[str]) -> None:
    """Raise ``ResiduaError`` when a compressed file does not end with the checksum of what it holds.

    ``whole_voxels`` notices by itself.

    >>> import nibabel as nib
    >>> nib.save(nib.Nifti1Image(np.zeros((2, 3, 4), np.float32), np.eye(4)), "image.nii.gz")
    >>> require_whole("image.nii.gz")
    """
    unpack = _unpacker(path)
    if unpack is not None:
        try:
            with unpack(path) as stream:
                _read_on(stream)
        except Exception as error:
            raise ResiduaError(f"{path}: the file is truncated or damaged ({error}); copy or make it again") from error


def _unpacker(path: str | os.PathLike[str]) -> Callable[[str | os.PathLike[str]], Any] | None:
    return _UNPACK.get(os.path.splitext(path)[1].lower())


def _read_on(stream: Any) -> None:
    while stream.read(_CHUNK_BYTES):
        pass
