"""The MNI152 2009a maps (Fonov et al. 2011, NeuroImage 54:313) that nilearn carries: brain only, 1 mm.

Of nilearn only these files are used; the package itself is not imported.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from residua.errors import ResiduaError
from residua.images.components import Mask, solid

Map = Literal["t1", "gm", "wm"]
"""The mean T1-weighted brain, and the shares of grey and white matter; each is stored as 0-255."""

_BRAIN_SHARE, _CLOSING_MM = 0.4, 6.0
"""Grey and white matter from this share on is brain, closed over furrows and ventricles."""


def mni_map(kind: Map) -> nib.Nifti1Image:
    """One of the maps (x, y, z) with its affine. Raises ``ResiduaError`` when nilearn is not installed."""
    nilearn = find_spec("nilearn")
    if nilearn is None or nilearn.origin is None:
        raise ResiduaError("the MNI152 brain maps that nilearn carries are needed: install nilearn")
    name = f"mni_icbm152_{kind}_tal_nlin_sym_09a_converted.nii.gz"
    return nib.Nifti1Image.from_filename(Path(nilearn.origin).parent / "datasets" / "data" / name)


def brain_of(matter: NDArray[np.float32], step_mm: float) -> Mask:
    """The brain that a map of grey and white matter together (x, y, z; 0-1; voxels of ``step_mm``) outlines.

    Closed over furrows and ventricles, in one piece without holes.
    """
    grown = ndimage.distance_transform_edt(matter <= _BRAIN_SHARE, sampling=step_mm) <= _CLOSING_MM
    return solid(ndimage.distance_transform_edt(grown, sampling=step_mm) > _CLOSING_MM)
