"""The MNI152 2009a maps (Fonov et al. 2011, NeuroImage 54:313) that nilearn carries: brain only, 1 mm.

Of nilearn only these files are used; the package itself is not imported.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import nibabel as nib

from residua.errors import ResiduaError

Map = Literal["t1", "gm", "wm"]
"""The mean T1-weighted brain, and the shares of grey and white matter; each is stored as 0-255."""


def mni_map(kind: Map) -> nib.Nifti1Image:
    """One of the maps (x, y, z) with its affine. Raises ``ResiduaError`` when nilearn is not installed."""
    nilearn = find_spec("nilearn")
    if nilearn is None or nilearn.origin is None:
        raise ResiduaError("the MNI152 brain maps that nilearn carries are needed: install nilearn")
    name = f"mni_icbm152_{kind}_tal_nlin_sym_09a_converted.nii.gz"
    return nib.Nifti1Image.from_filename(Path(nilearn.origin).parent / "datasets" / "data" / name)
