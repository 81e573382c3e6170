"""The header of a NIfTI file as it is stored, without repairs: checks judge what other programs would read."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from residua.cohort.checks.container import COPY_AGAIN, Container, open_container
from residua.cohort.checks.formats import foreign_problem
from residua.cohort.checks.identity import Extension
from residua.cohort.checks.located import UnusableFileError
from residua.problems.severity import problem_of

COPY_OR_CONVERT = "copy or convert it again from its source"
CONVERT_AGAIN = "convert the series to NIfTI again, or set role to exclude"
_MEMORY_BYTES = 8 << 30
"""Limit of memory for the voxels of one file as float64: 1024 x 1024 x 1024 voxels."""
_EXTENSIONS_BYTES = 16 << 20
_KINDS = {348: (nib.Nifti1Header, slice(344, 348), b"n+1\0"), 540: (nib.Nifti2Header, slice(4, 8), b"n+2\0")}
_ERROR = 40
"""nibabel refuses a file with a problem of this level."""
_quiet = logging.Logger("residua.quiet", logging.CRITICAL + 1)


@dataclass(frozen=True)
class Header:
    """A header of possible numbers: as ``stored`` (nibabel's, not repaired), the shape (x, y, z), the extensions."""

    stored: Any
    shape: tuple[int, ...]
    extensions: tuple[Extension, ...]

    def text(self, name: str) -> str:
        """Return a text field; empty where this kind of header has no field of this name."""
        content = self.stored[name].tobytes() if name in set(self.stored.keys()) else b""
        return str(content.partition(b"\0")[0].decode("utf-8", "replace")).strip()

    @property
    def spacing_mm(self) -> NDArray[np.float64]:
        """Return the stored spacing (x, y, z); an opened image shows a repaired one (0 became 1, the sign is gone)."""
        return np.asarray(self.stored["pixdim"][1:4], dtype=np.float64)


def read_header(path: str) -> Header:
    """Read the header of the file at ``path`` without reading a voxel.

    Raises ``UnusableFileError`` unless the file holds one whole 3D NIfTI volume that, as float64, takes no more than
    8 GiB.
    """
    container = open_container(path)
    stored = _stored(container)
    wrong_name = container.name_problem()
    if wrong_name:
        raise UnusableFileError(wrong_name)
    shape = _shape(stored)
    voxel_bytes = _voxel_bytes(stored)
    _require_memory(shape)
    begin, offset = len(stored.binaryblock), _offset(stored)
    _require_whole(container, begin, offset, math.prod(shape) * voxel_bytes)
    try:
        # A copy, as nibabel repairs what it checks.
        stored.copy().check_fix(logger=_quiet, error_level=_ERROR)
    except Exception as error:
        raise UnusableFileError(
            problem_of("header-damaged", f"the header is damaged ({error})", CONVERT_AGAIN)
        ) from None
    return Header(stored, shape, _extensions(container, stored, begin, offset))


def _stored(container: Container) -> Any:
    first = container.head[:4]
    sizes = {"<": int.from_bytes(first, "little"), ">": int.from_bytes(first, "big")}
    for order, size in sizes.items():
        if size not in _KINDS:
            continue
        header, place, magic = _KINDS[size]
        raw = container.read(size)
        if len(raw) < size:
            raise UnusableFileError(
                problem_of("file-truncated", "truncated: the file ends before its header does", COPY_AGAIN)
            )
        if raw[place] == magic:
            return header(raw, endianness=order, check=False)  # type: ignore[no-untyped-call]
    if container.head[344:348] == b"n+1\0":
        what = f"the header is damaged (its first number is {sizes['<']} instead of 348)"
        raise UnusableFileError(problem_of("header-damaged", what, CONVERT_AGAIN))
    raise UnusableFileError(foreign_problem(container.head, container.path))


def _shape(stored: Any) -> tuple[int, ...]:
    number, *sizes = (int(size) for size in stored["dim"])
    shape = tuple(sizes[: max(number, 0)])
    if not 1 <= number <= 7 or min(shape) < 1:
        what = f"impossible shape {shape}" if 1 <= number <= 7 else f"{number} dimensions instead of 3"
        raise UnusableFileError(problem_of("header-dims", what, CONVERT_AGAIN))
    what = f"not one 3D volume: shape {shape}"
    if len(shape) > 3:
        if math.prod(shape[3:]) == 1:
            what += ", which is a single volume with further axes of length 1"
            remedy = "save it without them (nibabel: squeeze_image)"
            raise UnusableFileError(problem_of("image-4d-single", what, remedy))
        remedy = "give the single volume as a file of its own"
        raise UnusableFileError(problem_of("image-4d", what, remedy))
    if len(shape) < 3 or min(shape) < 2:
        raise UnusableFileError(problem_of("image-not-3d", what, "give the whole volume, not a slice of it"))
    return shape


def _voxel_bytes(stored: Any) -> int:
    try:
        dtype = stored.get_data_dtype()
    except Exception:
        dtype = None
    if dtype is None or dtype.kind not in "iuf" or not dtype.itemsize:
        name = dtype if dtype is not None and dtype.itemsize else f"number {int(stored['datatype'])}"
        what = f"voxels of type {_type_name(name)} instead of one real number each"
        raise UnusableFileError(
            problem_of("voxel-type", what, "give the image in shades of grey, one real number a voxel")
        )
    return int(dtype.itemsize)


def _type_name(dtype: Any) -> str:
    names = getattr(dtype, "names", None)
    return "".join(names) if names else str(dtype)


def _require_memory(shape: tuple[int, ...]) -> None:
    needed = math.prod(shape) * 8
    if needed > _MEMORY_BYTES:
        what = f"{needed / 2**30:.3g} GiB in memory (shape {shape}), more than the {_MEMORY_BYTES / 2**30:.3g} allowed"
        remedy = "correct the header if it is wrong; else give the image at the spacing of the scan"
        raise UnusableFileError(problem_of("file-too-large", what, remedy))


def _offset(stored: Any) -> int:
    stored_offset = float(stored["vox_offset"])
    if not math.isfinite(stored_offset) or stored_offset < 0:
        what = f"the header is damaged (the voxels begin at byte {stored_offset:g})"
        raise UnusableFileError(problem_of("header-offset", what, CONVERT_AGAIN))
    # 0 is what some programs write for "after the header".
    return int(stored_offset) or len(stored.binaryblock) + 4


def _require_whole(container: Container, begin: int, offset: int, voxels_bytes: int) -> None:
    found = container.holds(offset + voxels_bytes)
    if found >= offset + voxels_bytes:
        return
    if found < offset and offset > begin + 4:
        what = f"the voxels would begin at byte {offset}, but the file ends at byte {found}"
        raise UnusableFileError(problem_of("header-offset", what, COPY_OR_CONVERT))
    if found <= offset:
        raise UnusableFileError(problem_of("file-header-only", "a header without voxels", COPY_OR_CONVERT))
    what = f"truncated: {found - offset} of the {voxels_bytes} bytes of voxels are there"
    raise UnusableFileError(problem_of("file-truncated", what, COPY_AGAIN))


def _extensions(container: Container, stored: Any, begin: int, offset: int) -> tuple[Extension, ...]:
    place = begin + 4
    if offset < place + 16:
        return ()
    raw = container.read(min(offset, _EXTENSIONS_BYTES))
    found: list[Extension] = []
    while raw[begin] and place + 16 <= len(raw):
        size, kind = np.frombuffer(raw[place : place + 8], dtype=f"{stored.endianness}i4").tolist()
        if size < 8 or place + size > offset:
            what = "the header is damaged (its extensions do not end where the voxels begin)"
            raise UnusableFileError(problem_of("header-damaged", what, CONVERT_AGAIN))
        found.append(Extension(kind, raw[place + 8 : place + size]))
        place += size
    return tuple(found)
