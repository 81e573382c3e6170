"""Load the MNI152 2009a maps (Fonov et al. 2011, NeuroImage 54:313) that come with nilearn: brain only, 1 mm.

Only these files of nilearn are used; the package itself is not imported.
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
    """Load one of the maps (x, y, z) with its affine. Raises ``ResiduaError`` when nilearn is not installed.

    >>> mni_map("t1").shape
    (197, 233, 189)
    """
    nilearn = find_spec("nilearn")
    if nilearn is None or nilearn.origin is None:
        raise ResiduaError("the MNI152 brain maps come with nilearn, which is not installed; install it")
    name = f"mni_icbm152_{kind}_tal_nlin_sym_09a_converted.nii.gz"
    return nib.Nifti1Image.from_filename(Path(nilearn.origin).parent / "datasets" / "data" / name)


def brain_of(matter: NDArray[np.float32], step_mm: float) -> Mask:
    """Return the brain that a map of grey and white matter together (x, y, z; 0-1; voxels of ``step_mm``) outlines.

    The brain is closed over furrows and ventricles, and in one piece without holes.

    >>> matter = np.zeros((9, 9, 9), np.float32)
    >>> matter[2:7, 2:7, 2:7] = 1.0
    >>> matter[4, 4, 4] = 0.0
    >>> bool(brain_of(matter, step_mm=6.0)[4, 4, 4])
    True
    """
    grown = ndimage.distance_transform_edt(matter <= _BRAIN_SHARE, sampling=step_mm) <= _CLOSING_MM
    return solid(ndimage.distance_transform_edt(grown, sampling=step_mm) > _CLOSING_MM)
