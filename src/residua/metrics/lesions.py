"""Match the lesions of two masks.

A lesion is a component of a mask, neighbours by faces, edges and corners (26), of at least ``min_voxels`` voxels;
smaller components count on neither side. A reference lesion is found when predicted lesions share a voxel with it and
cover at least ``min_overlap`` of it. A predicted lesion is false when it shares no voxel with a reference lesion. One
lesion may touch several of the other mask: all that are connected so form one group, whose union is measured once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from residua.images.volumes import box_of
from residua.metrics.overlap import dice_of
from residua.metrics.surface import MaskSurface, distances_between

_NEIGHBOURS = np.ones((3, 3, 3), dtype=bool)


@dataclass(frozen=True)
class LesionRule:
    """What a lesion is, and the share of a reference lesion that must be covered (0: one voxel is enough)."""

    min_voxels: int = 20
    min_overlap: float = 0.0


@dataclass(frozen=True)
class LesionGroup:
    """Lesions of both masks that touch one another, or one lesion that touches none: missed or false.

    ``dice`` is 0 and ``hd95_mm`` NaN where one side is empty.
    """

    side: Literal["both", "reference", "prediction"]
    reference_lesions: int
    found_lesions: int
    predicted_lesions: int
    reference_ml: float
    predicted_ml: float
    dice: float
    hd95_mm: float


@dataclass(frozen=True)
class Lesions:
    """The lesions of a case in groups, the largest reference first."""

    groups: tuple[LesionGroup, ...]

    @cached_property
    def in_reference(self) -> int:
        """Number of reference lesions."""
        return sum(group.reference_lesions for group in self.groups)

    @cached_property
    def found(self) -> int:
        """Number of reference lesions that are found."""
        return sum(group.found_lesions for group in self.groups)

    @cached_property
    def in_prediction(self) -> int:
        """Number of predicted lesions."""
        return sum(group.predicted_lesions for group in self.groups)

    @cached_property
    def false(self) -> int:
        """Number of predicted lesions that touch no reference lesion."""
        return sum(group.predicted_lesions for group in self.groups if group.side == "prediction")

    @property
    def matched(self) -> tuple[LesionGroup, ...]:
        """The groups in which a reference lesion is found."""
        return tuple(group for group in self.groups if group.found_lesions)


def match_lesions(reference: Lesioned, prediction: Lesioned, voxel_ml: float, rule: LesionRule) -> Lesions:
    """Match the lesions of two masks on one grid.

    >>> from residua.metrics.surface import surface_of
    >>> masks = np.zeros((2, 9, 1, 1), dtype=bool)
    >>> masks[0, [0, 1, 4]] = masks[1, [1, 7, 8]] = True
    >>> rule = LesionRule(min_voxels=1)
    >>> drawn, predicted = (lesions_of(mask, surface_of(mask, (1.0, 1.0, 1.0)), rule) for mask in masks)
    >>> found = match_lesions(drawn, predicted, voxel_ml=1.0, rule=rule)
    >>> found.in_reference, found.found, found.in_prediction, found.false
    (2, 1, 2, 1)
    """
    shared = _shared_voxels(reference, prediction)
    covered = shared.sum(axis=1)
    found = (covered > 0) & (covered >= rule.min_overlap * reference.voxels)
    matching = _Matching(reference, prediction, voxel_ml, shared, found)
    groups = [matching.group(*members) for members in matching.members()]
    return Lesions(tuple(sorted(groups, key=lambda group: (-group.reference_ml, -group.predicted_ml))))


@dataclass(frozen=True)
class Lesioned:
    """A mask with its lesions: labels from 1 (x, y, z), the voxels of each lesion, and the surface of the mask."""

    labels: NDArray[np.int32]
    voxels: NDArray[np.int_]
    surface: MaskSurface

    def surface_of(self, lesions: NDArray[np.intp]) -> MaskSurface:
        """Return the surface of some lesions (from 0): no voxel of another lesion touches one of theirs."""
        return self.surface.part(np.isin(self._label_of_surface, lesions + 1))

    @cached_property
    def _label_of_surface(self) -> NDArray[np.int32]:
        x, y, z = self.surface.voxels.T
        return np.asarray(self.labels[x, y, z])


def lesions_of(mask: NDArray[np.bool_], surface: MaskSurface, rule: LesionRule) -> Lesioned:
    """Find the lesions of a mask (x, y, z) with its surface.

    >>> from residua.metrics.surface import surface_of
    >>> mask = np.array([True, True, False, True]).reshape(4, 1, 1)
    >>> lesions_of(mask, surface_of(mask, (1.0, 1.0, 1.0)), LesionRule(min_voxels=2)).labels.ravel().tolist()
    [1, 1, 0, 0]
    """
    box, _ = box_of(mask)
    own, _ = ndimage.label(mask[box], _NEIGHBOURS)
    voxels = np.bincount(own.ravel())
    large = voxels >= rule.min_voxels
    large[0] = False
    number = np.where(large, np.cumsum(large), 0).astype(np.int32)
    labels = np.zeros(mask.shape, dtype=np.int32)
    labels[box] = number[own]
    return Lesioned(labels, voxels[large], surface)


@dataclass(frozen=True)
class _Matching:
    """The lesions of two masks, the voxels that each pair shares, and which reference lesions are found."""

    reference: Lesioned
    prediction: Lesioned
    voxel_ml: float
    shared: coo_array
    found: NDArray[np.bool_]

    def members(self) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Return the lesions (from 0) of the reference and of the prediction in each group."""
        lesions = self.reference.voxels.size
        everyone = lesions + self.prediction.voxels.size
        if not everyone:
            return []
        rows, columns = self.shared.coords
        edges = coo_array((self.shared.data, (rows, columns + lesions)), shape=(everyone, everyone))
        _, group = connected_components(edges, directed=False)
        order = np.argsort(group, kind="stable")
        together = np.split(order, np.flatnonzero(np.diff(group[order])) + 1)
        return [(each[each < lesions], each[each >= lesions] - lesions) for each in together]

    def group(self, drawn: NDArray[np.intp], predicted: NDArray[np.intp]) -> LesionGroup:
        """Measure the union of some reference lesions against that of some predicted lesions."""
        in_reference, in_prediction = self.reference.voxels[drawn].sum(), self.prediction.voxels[predicted].sum()
        shared = self.shared.data[np.isin(self.shared.coords[0], drawn)].sum()
        both = drawn.size > 0 and predicted.size > 0
        return LesionGroup(
            side="both" if both else "reference" if drawn.size else "prediction",
            reference_lesions=drawn.size,
            found_lesions=int(self.found[drawn].sum()),
            predicted_lesions=predicted.size,
            reference_ml=float(in_reference * self.voxel_ml),
            predicted_ml=float(in_prediction * self.voxel_ml),
            dice=dice_of(int(shared), int(in_reference), int(in_prediction)),
            hd95_mm=self._hd95_mm(drawn, predicted) if both else math.nan,
        )

    def _hd95_mm(self, drawn: NDArray[np.intp], predicted: NDArray[np.intp]) -> float:
        return distances_between(self.reference.surface_of(drawn), self.prediction.surface_of(predicted)).hd95_mm


def _shared_voxels(reference: Lesioned, prediction: Lesioned) -> coo_array:
    """Count the voxels that each reference lesion shares with each predicted one (lesions, others)."""
    both = (reference.labels > 0) & (prediction.labels > 0)
    others = max(prediction.voxels.size, 1)
    pair = (reference.labels[both].astype(np.int64) - 1) * others + prediction.labels[both] - 1
    pairs, voxels = np.unique(pair, return_counts=True)
    return coo_array((voxels, (pairs // others, pairs % others)), shape=(reference.voxels.size, others))
