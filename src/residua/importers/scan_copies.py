"""Write a copy of a scan in which a region has the background's value: geometry, type, scaling and header stay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from residua.errors import ResiduaError
from residua.images.background import background_of
from residua.images.components import Mask
from residua.images.opening import open_image
from residua.images.volumes import Image
from residua.publishing.publish import writing

_EDGE_SHARE = 0.3
"""Of the largest section: a body that ends in a section larger than this is cut by the scan's edge, as no brain is."""


def ends_at_the_edge(body: Mask) -> bool:
    """Return whether a body ends in a large section at a face of its scan, as a head does that the scan cuts."""
    for axis in range(3):
        sections = body.sum(axis=tuple(other for other in range(3) if other != axis))
        if max(sections[0], sections[-1]) > _EDGE_SHARE * sections.max():
            return True
    return False


def write_copy(file: Path, scan: Image, region: Mask, target: Path) -> None:
    """Write a copy with the background's value in a region (x, y, z), in the stored numbers and under the header."""
    source: Any = open_image(file)
    stored = np.array(source.dataobj.get_unscaled())
    if stored.dtype.fields or not np.issubdtype(stored.dtype, np.number) or np.iscomplexobj(stored):
        raise ResiduaError(f"{file.name}: colours or complex numbers, not intensities")
    slope, inter = source.dataobj.slope, source.dataobj.inter
    value = (_background(scan.data) - inter) / slope
    if np.issubdtype(stored.dtype, np.integer):
        value = np.clip(np.rint(value), np.iinfo(stored.dtype).min, np.iinfo(stored.dtype).max)
    # The region is in RAS+ order, the file's voxels are not.
    axes = nib.orientations.io_orientation(source.affine)
    there = nib.orientations.apply_orientation(
        region, nib.orientations.ornt_transform(nib.orientations.axcodes2ornt("RAS"), axes)
    )
    stored[there.astype(bool)] = value
    copy = type(source)(stored, None, source.header.copy())
    copy.header.set_slope_inter(slope, inter)
    with writing(target, suffix=".nii.gz") as part:
        nib.save(copy, part)


def _background(volume: NDArray[Any]) -> float:
    """Return the value of the constant around the head; 0 where there is none, or the air's where values go below 0."""
    shown = np.nan_to_num(volume)
    constant = background_of(shown)
    if constant.any():
        return float(np.median(shown[constant]))
    return 0.0 if shown.min() >= 0 else float(np.percentile(shown, 2))


def require_kept(scan: Image, copy: Image, region: Mask, kept: Mask) -> None:
    """Compare the copy with the scan by voxels. Raises ``ResiduaError`` when anything but the face was changed."""
    same = np.isclose(scan.data, copy.data, rtol=0, atol=0, equal_nan=True)
    if not scan.grid.same_as(copy.grid) or not same[~region].all() or (region & kept).any():
        raise ResiduaError("the copy differs from the scan beyond the face")
