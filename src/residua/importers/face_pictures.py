"""Show what was cut from the scans of a patient, without showing the face: the cut is painted over.

A row for each scan: two sagittal slices and an axial one, with the cut in red and the brain's outline in green, and the
surface of what is left, seen from the front.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from PIL import ImageDraw
from scipy import ndimage

from residua.images.components import Mask
from residua.images.display import tissue_of, window
from residua.images.places import AXIAL, SAGITTAL
from residua.images.volumes import Image
from residua.quality.pictures import View, outlined, stacked, windowed

_CUT, _BRAIN = (200, 30, 30), (60, 200, 60)
_EYE_MM = 30.0
"""From the middle of the head."""
_HEIGHT_PX = 220
_SMOOTH_MM = 1.5
_AMBIENT = 0.25


@dataclass(frozen=True)
class CutScan:
    """A scan, what was cut from it (x, y, z), and the brain that was kept."""

    column: str
    scan: Image
    region: Mask
    brain: Mask


def picture(scans: Sequence[CutScan]) -> Any:
    """Return the rows of all scans as one picture (Pillow)."""
    return Picture.fromarray(stacked(*(_row(each) for each in scans)))


def _row(shown: CutScan) -> NDArray[np.uint8]:
    scan, spacing_mm = shown.scan, shown.scan.grid.spacing_mm
    middle = _middle(shown.brain)
    eye = int(min(middle[0] + _EYE_MM / spacing_mm[0], scan.grid.shape[0] - 1))
    areas = (shown.region & tissue_of(np.nan_to_num(scan.data))).sum(axis=(0, 1))
    level = int(areas.argmax()) if areas.any() else middle[2]
    slices = ((SAGITTAL, middle[0]), (SAGITTAL, eye), (AXIAL, level))
    x, y, z = (slice(0, size) for size in scan.grid.shape)
    view = View(scan.grid, (x, y, z), slices, _HEIGHT_PX)
    grey = windowed(scan.data, window(scan.data, shown.brain))
    row = outlined(view.strip(grey), {_BRAIN: view.strip(shown.brain)})
    row[view.strip(shown.region) > 127] = _CUT
    front = _front(Image(np.where(shown.region, np.nan, scan.data), scan.grid))
    named = Picture.fromarray(np.concatenate([row, np.repeat(front[:, :, np.newaxis], 3, axis=2)], axis=1))
    ImageDraw.Draw(named).text((4, 4), shown.column, fill=(255, 255, 255))
    return np.asarray(named)


def _middle(mask: Mask) -> tuple[int, int, int]:
    x, y, z = ndimage.center_of_mass(mask) if mask.any() else (size / 2 for size in mask.shape)
    return int(x), int(y), int(z)


def _front(scan: Image) -> NDArray[np.uint8]:
    """Draw the surface of the tissue of a scan as seen from the front, lit from there; voxels that are NaN are none."""
    volume = np.nan_to_num(scan.data)
    tissue = tissue_of(volume) & np.isfinite(scan.data)
    x_mm, y_mm, z_mm = scan.grid.spacing_mm
    depth_mm = np.argmax(tissue[:, ::-1, :], axis=1) * y_mm
    there = tissue.any(axis=1)
    smooth = ndimage.gaussian_filter(
        np.where(there, depth_mm, depth_mm[there].max(initial=0.0)), (_SMOOTH_MM / x_mm, _SMOOTH_MM / z_mm)
    )
    slope_x, slope_z = np.gradient(smooth, x_mm, z_mm)
    light = (_AMBIENT + (1 - _AMBIENT) / np.sqrt(1 + slope_x**2 + slope_z**2)) * there
    grey = (255 * light[::-1, ::-1].T).astype(np.uint8)
    width = round(_HEIGHT_PX * grey.shape[1] * x_mm / (grey.shape[0] * z_mm))
    return np.asarray(Picture.fromarray(grey).resize((max(1, width), _HEIGHT_PX), Picture.Resampling.BILINEAR))
