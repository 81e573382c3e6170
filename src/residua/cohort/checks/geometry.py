"""Checks whether a header places a volume in space as that of a head, and in one way only."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from residua.cohort.checks.nifti import CONVERT_AGAIN, Header
from residua.images.units import PLAUSIBLE_SPACING_MM, is_plausible, unit_in_header, unit_instead_of_mm
from residua.problems.problem import Problem
from residua.problems.severity import problem_of

PLAUSIBLE_EXTENT_MM = (80.0, 600.0)
"""A head is wider than the first along two axes at least, and no scanner's field of view exceeds the second."""
FEWEST_SLICES = 10
"""The article's scans have 17 slices and more (table 1)."""
LARGEST_TILT_DEG = 30.0
LARGEST_SHEAR_DEG = 0.5
_SMALLEST_SPACING_MM = 1e-3
_AFFINE_TOLERANCE_MM = 1e-2
_SPACING_TOLERANCE = 1e-2
_Affine = NDArray[np.float64]


def geometry_errors(header: Header) -> list[Problem]:
    """Return the errors of spacing, affine and scale of values, which keep a volume from being placed in space."""
    errors = []
    spacing = header.spacing_mm
    if not np.all(np.isfinite(spacing)) or np.any(spacing <= 0):
        what = f"spacing {tuple(float(s) for s in spacing)} mm is not positive"
        errors.append(problem_of("spacing-not-positive", what, CONVERT_AGAIN))
    slope, inter = (float(header.stored[name]) for name in ("scl_slope", "scl_inter"))
    if math.isfinite(slope) and slope and not math.isfinite(inter):
        what = f"the offset of the values, scl_inter, is {inter:g}"
        errors.append(problem_of("scale-not-finite", what, CONVERT_AGAIN))
    try:
        affine = header.stored.get_best_affine()
    except Exception as error:
        return [
            *errors,
            problem_of("orientation-damaged", f"the orientation is damaged (qform: {error})", CONVERT_AGAIN),
        ]
    return errors + _affine_errors(header, affine)


def _affine_errors(header: Header, affine: _Affine) -> list[Problem]:
    if not np.all(np.isfinite(affine)):
        return [problem_of("affine-not-finite", "the affine has values that are not finite", CONVERT_AGAIN)]
    unit = unit_instead_of_mm(header.stored["xyzt_units"], _spacing(affine))
    if unit:
        what = f"spacing {_by(_spacing(affine))} in {unit} instead of mm"
        return [
            problem_of("spacing-not-in-mm", what, "write the spacing and the affine in mm, or convert the series again")
        ]
    if _degenerate(affine):
        what = "the affine is degenerate: it maps the volume onto a plane, a line or a point"
        return [problem_of("affine-degenerate", what, CONVERT_AGAIN)]
    return []


def _degenerate(affine: _Affine) -> bool:
    spacing = _spacing(affine)
    if np.any(spacing < _SMALLEST_SPACING_MM):
        return True
    return bool(abs(np.linalg.det(affine[:3, :3] / spacing)) < _SMALLEST_SPACING_MM)


def geometry_warnings(header: Header) -> list[Problem]:
    """Return the warnings about a volume's place in space, for a header without ``geometry_errors``."""
    affine = header.stored.get_best_affine()
    found = [*_orientation_warnings(header.stored), *_axes_warnings(affine), *_spacing_warnings(header, affine)]
    if not math.isfinite(float(header.stored["scl_slope"])):
        what = "the factor of the values, scl_slope, is not finite, and programs treat that differently"
        found.append(("slope-not-finite", what, "convert the series again"))
    return [problem_of(*warning) for warning in found]


def _orientation_warnings(stored: Any) -> list[tuple[str, str, str]]:
    sform = stored.get_sform(coded=True)[0]
    try:
        qform = stored.get_qform(coded=True)[0]
    except Exception:
        return [
            ("qform-damaged", "the qform is no rotation; the sform is used instead", "copy the sform into the qform")
        ]
    if sform is None and qform is None:
        what = "the header gives no orientation, so left and right are a guess"
        return [("orientation-missing", what, CONVERT_AGAIN)]
    if sform is None or qform is None or np.allclose(sform, qform, atol=_AFFINE_TOLERANCE_MM):
        return []
    if np.linalg.det(sform[:3, :3]) * np.linalg.det(qform[:3, :3]) < 0:
        what = "sform and qform disagree on left and right, and programs differ in which one they use"
        return [("handedness-disagrees", what, "see in a viewer which is right, and make them equal")]
    return [("sform-qform-disagree", "sform and qform disagree, and programs differ in which one they use", _EQUAL)]


_EQUAL = "make them equal"


def _axes_warnings(affine: _Affine) -> list[tuple[str, str, str]]:
    axes = affine[:3, :3] / _spacing(affine)
    pairs = [axes[:, i] @ axes[:, j] for i, j in combinations(range(3), 2)]
    angles = [math.degrees(math.acos(min(1.0, abs(float(cosine))))) for cosine in pairs]
    warned = []
    if min(angles) < 90 - LARGEST_SHEAR_DEG:
        what = f"sheared: two axes are {min(angles):.1f}° apart instead of 90°, which many programs do not support"
        warned.append(("affine-sheared", what, "resample it to a grid with right angles"))
    tilt = max(math.degrees(math.acos(min(1.0, float(np.abs(axes[:, i]).max())))) for i in range(3))
    if tilt > LARGEST_TILT_DEG:
        what = f"oblique: an axis is {tilt:.0f}° away from every axis of the body"
        warned.append(("affine-oblique", what, "check in a viewer whether the head is upright"))
    return warned


def _spacing_warnings(header: Header, affine: _Affine) -> list[tuple[str, str, str]]:
    spacing = _spacing(affine)
    warned = []
    if np.any(np.abs(header.spacing_mm - spacing) > _SPACING_TOLERANCE * spacing):
        what = f"spacing {_by(header.spacing_mm)} mm in pixdim, but {_by(spacing)} mm in the affine, which is used"
        warned.append(("spacing-disagrees", what, _EQUAL))
    if not is_plausible(spacing):
        low, high = PLAUSIBLE_SPACING_MM
        what = f"spacing {_by(spacing)} mm, outside {low:g} to {high:g} mm"
        remedy = "compare it with the scan's; convert the series again if it is wrong"
        warned.append(("spacing-implausible", what, remedy))
    unit = unit_in_header(header.stored["xyzt_units"])
    if unit:
        what = f"the header says {unit}; the spacing {_by(spacing)} is read as mm"
        warned.append(("units-not-mm", what, "write mm into xyzt_units"))
    return warned


def field_of_view_warnings(shape: tuple[int, ...], spacing_mm: tuple[float, ...]) -> list[Problem]:
    """Return a warning where no head fits into a volume, or its slices are too few."""
    extent_mm = [number * mm for number, mm in zip(shape, spacing_mm, strict=True)]
    low, high = PLAUSIBLE_EXTENT_MM
    warned = []
    if sorted(extent_mm)[1] < low:
        what = f"a field of view of {_by(extent_mm)} mm, too small for a head"
        warned.append(("field-of-view-small", what, "give the whole scan, and compare the spacing with the scan's"))
    if max(extent_mm) > high:
        what = f"a field of view of {_by(extent_mm)} mm, larger than a scanner's"
        warned.append(("field-of-view-large", what, "compare the spacing with the scan's"))
    if min(shape) < FEWEST_SLICES:
        what = f"only {min(shape)} slices"
        warned.append(("slices-few", what, "check whether the whole scan was converted"))
    return [problem_of(*warning) for warning in warned]


def _spacing(affine: _Affine) -> _Affine:
    return np.asarray(np.linalg.norm(affine[:3, :3], axis=0))


def _by(numbers: Any) -> str:
    return "x".join(f"{number:.3g}" for number in numbers)
