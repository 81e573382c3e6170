"""The pictures of one new patient: slices through the largest part of the mask, in every scan that is given.

The patient's right is at the left of axial and coronal slices, and anterior at the left of sagittal ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from residua.figures.slices import FieldOfView, field_around, plane
from residua.images.display import tissue_of, window
from residua.images.places import AXIAL, CORONAL, SAGITTAL, busiest, center_of
from residua.images.volumes import Image, load, load_mask
from residua.words import title_of

_MARGIN_MM = 8.0
_CLOSE_MM = 60.0
_LEAST_PROBABILITY = 0.01


@dataclass(frozen=True)
class Panel:
    """One slice (rows, columns), what is drawn on it, and how it is shown; ``spread`` is a map of disagreement."""

    title: str
    pixels: NDArray[Any]
    pixel_mm: tuple[float, float]
    window: tuple[float, float]
    field: FieldOfView
    outline: NDArray[np.bool_]
    spread: NDArray[Any] | None = None
    sides: bool = True


@dataclass(frozen=True)
class Shown:
    """The panels of a patient, and in words where their slices lie."""

    panels: tuple[Panel, ...]
    where: str


@dataclass(frozen=True)
class Maps:
    """Files of a patient on the grid of the reference, by column, and what was predicted there.

    ``before`` is a scan before surgery with the mask that was brought back to it, if there are both.
    """

    images: Mapping[str, str]
    brain: Path
    mask: Path
    probability: Path
    spread: Path
    before: tuple[str, Path] | None = None


def panels_of(maps: Maps) -> Shown:
    """Return the panels of a patient; the first of ``maps.images`` is the reference, whose grid all share."""
    brain, mask = load_mask(maps.brain).data, load_mask(maps.mask)
    voxel, where = _place(brain, mask.data, load(maps.probability).data)
    (first, file), *others = maps.images.items()
    around = _Around(load(file), mask, brain, voxel)
    panels = [
        *(around.panel(axis, f"{title_of(first)}, {name}") for axis, name in _PLANES.items()),
        around.close(f"{title_of(first)}, closer"),
        *(replace(around, image=load(other)).panel(AXIAL, title_of(column)) for column, other in others),
        around.close("Disagreement of the folds", load(maps.spread).data),
        *_before(maps.before),
    ]
    return Shown(tuple(panels), where)


_PLANES = {AXIAL: "axial", CORONAL: "coronal", SAGITTAL: "sagittal"}


def _place(
    brain: NDArray[np.bool_], mask: NDArray[np.bool_], probability: NDArray[np.float32]
) -> tuple[tuple[int, int, int], str]:
    if mask.any():
        return busiest(mask), "Slices go through the levels with most of the mask."
    x, y, z = np.unravel_index(int(probability.argmax()), probability.shape)
    if probability[x, y, z] >= _LEAST_PROBABILITY:
        highest = f"{100 * float(probability[x, y, z]):.0f} %"
        return (int(x), int(y), int(z)), f"The mask is empty: slices go through the highest probability ({highest})."
    return center_of(brain), "The mask is empty: slices go through the centre of the brain."


@dataclass(frozen=True)
class _Around:
    """Slices of an image through one voxel, around the brain or close."""

    image: Image
    mask: Image
    brain: NDArray[np.bool_]
    voxel: tuple[int, int, int]

    @cached_property
    def window(self) -> tuple[float, float]:
        return window(self.image.data, self.brain, self.mask.data)

    def panel(self, axis: int, title: str) -> Panel:
        level, pixel_mm = self.voxel[axis], _pixel_mm(self.image, axis)
        # The whole brain, not its slice alone: a high slice would be shown larger than the others.
        field = field_around(plane(np.any(self.brain, axis=axis, keepdims=True), axis, 0), pixel_mm, _MARGIN_MM)
        return Panel(
            title,
            plane(self.image.data, axis, level),
            pixel_mm,
            self.window,
            field,
            plane(self.mask.data, axis, level),
            sides=axis != SAGITTAL,
        )

    def close(self, title: str, spread: NDArray[Any] | None = None) -> Panel:
        level, pixel_mm = self.voxel[AXIAL], _pixel_mm(self.image, AXIAL)
        x, y = (self.image.grid.shape[axis] - 1 - self.voxel[axis] + 0.5 for axis in (0, 1))
        mask = plane(self.mask.data, AXIAL, level)
        size = field_around(mask, pixel_mm, _MARGIN_MM) if mask.any() else None
        side = max(_CLOSE_MM, size.width_mm, size.height_mm) if size else _CLOSE_MM
        centre = size.centre_mm if size else (x * pixel_mm[0], y * pixel_mm[1])
        return Panel(
            title,
            plane(self.image.data, AXIAL, level),
            pixel_mm,
            self.window,
            FieldOfView(centre, side, side),
            mask,
            None if spread is None else plane(spread, AXIAL, level),
        )


def _before(before: tuple[str, Path] | None) -> Iterator[Panel]:
    """Yield the scan before surgery on its own grid, where the mask that was brought back is largest."""
    if before is None:
        return
    image, mask = load(before[0]), load_mask(before[1])
    head = tissue_of(image.data)
    voxel = busiest(mask.data) if mask.data.any() else center_of(head)
    yield _Around(image, mask, head, voxel).panel(AXIAL, "Before surgery, own grid")


def _pixel_mm(image: Image, axis: int) -> tuple[float, float]:
    across, down = (image.grid.spacing_mm[other] for other in range(3) if other != axis)
    return across, down
