"""Open an image by the file that was named, whatever the letter case of its extension."""

from __future__ import annotations

import os
from typing import Any

import nibabel as nib
from nibabel.fileholders import FileHolder
from nibabel.openers import ImageOpener

_NAMES = (".nii", ".nii.gz", ".nii.bz2")
_HEADER_BYTES = 540
_KINDS = (nib.Nifti1Image, nib.Nifti2Image)


def open_image(path: str | os.PathLike[str]) -> Any:
    """Open an image as ``nibabel.load`` does: only its header is read. Raises errors of many kinds.

    nibabel looks for ``P1.nii.gz`` when asked for ``P1.Nii.Gz``: it misses the file, or reads that other one.

    >>> import numpy as np
    >>> nib.save(nib.Nifti1Image(np.zeros((2, 3, 4), np.float32), np.eye(4)), "image.nii.gz")
    >>> os.rename("image.nii.gz", "image.Nii.Gz")
    >>> open_image("image.Nii.Gz").shape
    (2, 3, 4)
    """
    name = os.fspath(path)
    if name.endswith(_NAMES) or not name.lower().endswith(_NAMES) or not os.path.isfile(name):
        return nib.load(path)
    with ImageOpener(name) as stream:
        begin = stream.read(_HEADER_BYTES)
    for kind in _KINDS:
        if kind.header_class.may_contain_header(begin):
            return kind.from_file_map({"image": FileHolder(name)})
    return nib.load(path)
