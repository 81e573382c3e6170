"""Where the voxels of a mask lie in the patient, for a NIfTI file and for a DICOM SEG."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import highdicom as hd
import nibabel as nib
import numpy as np
from scipy.spatial import cKDTree

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def places(voxels: Any, affine: Any) -> Any:
    """The places in mm of the voxels that are set."""
    return nib.affines.apply_affine(affine, np.argwhere(np.asarray(voxels) > 0))


def apart_mm(one: Any, other: Any) -> float:
    """How far any place is from the nearest of as many others; infinite where their numbers differ."""
    if len(one) != len(other):
        return math.inf
    ways = (cKDTree(a).query(b)[0] for a, b in ((one, other), (other, one)))
    return max((float(way.max()) for way in ways), default=0.0) if len(one) else 0.0


def places_of_nifti(file: Path) -> Any:
    """The places (LPS+) of a mask."""
    image: Any = nib.load(file)
    return places(image.dataobj, RAS_TO_LPS @ image.affine)


def places_of_seg(file: Path) -> Any:
    """The places (LPS+) of a DICOM SEG of one segment, as highdicom reads it."""
    volume = hd.seg.segread(file).get_volume()
    return places(volume.array.squeeze(), volume.affine)
