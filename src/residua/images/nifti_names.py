"""What the name of a NIfTI file is: in any letter case, as old archives and Windows write it."""

from __future__ import annotations

import re

_NIFTI = re.compile(r"(.+)\.nii(?:\.gz)?", re.IGNORECASE | re.DOTALL)


def nifti_stem(name: str) -> str | None:
    """Return the name of a NIfTI file (``.nii``, ``.nii.gz``) without its extension; None for any other file.

    >>> nifti_stem("P1.nii.gz"), nifti_stem("P1.NII"), nifti_stem("P1.json")
    ('P1', 'P1', None)
    """
    match = _NIFTI.fullmatch(name)
    return match[1] if match else None
