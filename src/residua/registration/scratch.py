"""Files that registration software leaves in its scratch folder: read back whole before anything uses them.

ITK and Greedy do not notice a full disk: they end as if all went well and leave a file that is cut off. Lack of room is
an error, which a retry may solve, and never a result.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy.io import loadmat

from residua.errors import ScratchError
from residua.images.whole import whole_voxels

_FIELD_BYTES = 3 * 4
"""Of one voxel of a displacement field: three numbers in float32."""
_CHUNK_BYTES = 1 << 20


def require_whole(files: Iterable[str | os.PathLike[str]], software: str) -> None:
    """Raise ``ScratchError`` unless every file that ``software`` wrote can be read to its end.

    Images (``.nii``, ``.nii.gz``), ITK's affines (``.mat``) and matrices as text (``.txt``) are known.
    """
    for file in files:
        path = Path(file)
        try:
            _READERS[path.suffix](path)
        except Exception as error:
            reason = " ".join(str(error).replace(f"{path}: ", "").split())
            raise ScratchError(
                f"{software} left {path.name} incomplete in {path.parent} ({reason}); {_free(path.parent)}"
            ) from error


def require_room(scratch: str | os.PathLike[str], shape: Sequence[int]) -> None:
    """Raise ``ScratchError`` unless a displacement field over ``shape`` voxels still fits into the scratch folder."""
    needed = _FIELD_BYTES * int(np.prod(shape))
    try:
        with tempfile.TemporaryFile(dir=scratch) as stream:
            for _ in range(0, needed, _CHUNK_BYTES):
                stream.write(bytes(_CHUNK_BYTES))
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        what = f"registration needs {needed / 1e6:.0f} MB in {scratch} and cannot write them ({error.strerror})"
        raise ScratchError(f"{what}; {_free(scratch)}") from None


def _free(folder: str | os.PathLike[str]) -> str:
    status = os.statvfs(folder)
    free_mb = status.f_bavail * status.f_frsize / 1e6
    return f"{free_mb:.0f} MB are free there: make room, or set TMPDIR to a larger folder"


def _read_image(path: Path) -> None:
    whole_voxels(path, nib.load(path))


def _read_affine(path: Path) -> None:
    values = loadmat(path)
    sizes = sorted(value.size for name, value in values.items() if not name.startswith("__"))
    if sizes != [3, 12]:
        raise ValueError("it holds no affine")


def _read_matrix(path: Path) -> None:
    matrix = np.loadtxt(path.read_text().splitlines() or [""])
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all() or matrix[3].tolist() != [0, 0, 0, 1]:
        raise ValueError("it holds no matrix of four rows")


_READERS: dict[str, Callable[[Path], None]] = {
    ".gz": _read_image,
    ".nii": _read_image,
    ".mat": _read_affine,
    ".txt": _read_matrix,
}
