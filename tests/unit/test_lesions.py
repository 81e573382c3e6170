"""Lesions and their matching: by hand on tiny masks, and against an independent implementation."""

from __future__ import annotations

import math
from collections import deque
from itertools import product
from typing import Any

import numpy as np
import pytest
from medpy.metric import binary
from numpy.typing import NDArray

from residua.images.volumes import Grid
from residua.metrics.compared_masks import compare
from residua.metrics.lesions import LesionRule, Lesions
from residua.metrics.voxelwise import measure_case

Mask = NDArray[np.bool_]
ONE = LesionRule(min_voxels=1)
NAN = math.nan


def line(*positions: int, length: int = 30) -> Mask:
    """Voxels in a row along x."""
    mask = np.zeros((length, 1, 1), dtype=bool)
    mask[list(positions)] = True
    return mask


def grid_of(mask: Mask, spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Grid:
    shape: Any = mask.shape
    return Grid(shape, np.diag([*spacing_mm, 1.0]))


def lesions(reference: Mask, prediction: Mask, rule: LesionRule = ONE) -> Lesions:
    return compare(reference, prediction, grid_of(reference), rule).lesions


def counts(found: Lesions) -> tuple[int, int, int, int]:
    return found.in_reference, found.found, found.in_prediction, found.false


# --- by hand ----------------------------------------------------------------------------------------------------------


def test_a_reference_lesion_is_found_by_one_shared_voxel_and_a_predicted_one_is_false_without() -> None:
    found = lesions(line(0, 1, 2, 10, 20), line(2, 3, 4, 5, 12, 13))
    assert counts(found) == (3, 1, 2, 1)
    first, *others = found.groups
    assert (first.side, first.reference_lesions, first.found_lesions, first.predicted_lesions) == ("both", 1, 1, 1)
    assert (first.reference_ml, first.predicted_ml) == pytest.approx((0.003, 0.004))
    assert first.dice == pytest.approx(2 / 7)
    # Distances: the prediction to the reference 0, 1, 2, 3; the reference to the prediction 2, 1, 0.
    assert first.hd95_mm == pytest.approx(np.percentile([0, 1, 2, 3, 2, 1, 0], 95))
    assert [group.side for group in others] == ["reference", "reference", "prediction"]
    assert [group.dice for group in others] == [0, 0, 0]
    assert all(math.isnan(group.hd95_mm) for group in others)


def test_two_predicted_lesions_in_one_reference_lesion_are_measured_as_one() -> None:
    found = lesions(line(*range(10)), line(0, 1, 2, 6, 7))
    assert counts(found) == (1, 1, 2, 0)
    (group,) = found.groups
    assert (group.reference_lesions, group.predicted_lesions) == (1, 2)
    assert group.dice == pytest.approx(2 * 5 / 15)


def test_one_predicted_lesion_over_two_reference_lesions_finds_both_and_is_measured_once() -> None:
    reference, prediction = line(0, 1, 5, 6), line(*range(1, 6))
    found = lesions(reference, prediction)
    assert counts(found) == (2, 2, 1, 0)
    (group,) = found.groups
    assert (group.reference_lesions, group.found_lesions, group.predicted_lesions) == (2, 2, 1)
    assert group.dice == pytest.approx(2 * 2 / 9)
    metrics = measure_case(reference, prediction, grid_of(reference), ONE)
    assert (metrics.lesion_recall, metrics.lesion_precision, metrics.lesion_f1) == (1, 1, 1)
    assert (metrics.lesion_dice, metrics.lesion_hd95_mm) == pytest.approx((4 / 9, group.hd95_mm))


def test_both_sides_are_counted() -> None:
    metrics = measure_case(line(0, 4, 8, 12), line(0, 4, 6, 10, 14, 16), grid_of(line()), ONE)
    assert (metrics.reference_lesions, metrics.found_lesions) == (4, 2)
    assert (metrics.predicted_lesions, metrics.false_lesions) == (6, 4)
    assert metrics.lesion_recall == pytest.approx(1 / 2)
    assert metrics.lesion_precision == pytest.approx(1 / 3)
    assert metrics.lesion_f1 == pytest.approx(2 * (1 / 2) * (1 / 3) / (1 / 2 + 1 / 3))


def test_voxels_that_touch_by_a_corner_are_one_lesion() -> None:
    mask = np.zeros((4, 4, 4), dtype=bool)
    mask[0, 0, 0] = mask[1, 1, 1] = mask[3, 3, 3] = True
    assert counts(lesions(mask, mask)) == (2, 2, 2, 0)


def test_a_lesion_has_the_smallest_number_of_voxels_or_more_on_both_sides() -> None:
    reference, prediction = line(*range(20), 25), line(*range(1, 20), 27)
    assert counts(lesions(reference, prediction, LesionRule())) == (1, 0, 0, 0)
    assert counts(lesions(reference, prediction, LesionRule(min_voxels=19))) == (1, 1, 1, 0)
    assert counts(lesions(reference, prediction, LesionRule(min_voxels=21))) == (0, 0, 0, 0)


@pytest.mark.parametrize(("min_overlap", "found"), [(0.0, 1), (0.3, 1), (0.31, 0)])
def test_more_overlap_may_be_asked_and_a_lesion_that_touches_is_no_false_one(min_overlap: float, found: int) -> None:
    matched = lesions(line(*range(10)), line(0, 1, 5, 20), LesionRule(1, min_overlap))
    assert counts(matched) == (1, found, 3, 1)
    assert [group.side for group in matched.groups] == ["both", "prediction"]


def test_all_of_a_lesion_may_be_asked() -> None:
    assert counts(lesions(line(3, 4), line(2, 3, 4), LesionRule(1, 1.0))) == (1, 1, 1, 0)


@pytest.mark.parametrize(
    ("reference", "prediction", "expected"),
    [
        (line(), line(), (0, 0, 0, 0, NAN, NAN, NAN, NAN, NAN)),
        (line(0, 5), line(), (2, 0, 0, 0, 0, NAN, 0, NAN, NAN)),
        (line(), line(0, 5), (0, 0, 2, 2, NAN, 0, 0, NAN, NAN)),
        (line(0), line(5), (1, 0, 1, 1, 0, 0, 0, NAN, NAN)),
        (line(0), line(0), (1, 1, 1, 0, 1, 1, 1, 1, 0)),
    ],
    ids=["neither", "nothing predicted", "nothing drawn", "apart", "the same"],
)
def test_metrics_of_lesions_of_every_combination_of_empty_masks(
    reference: Mask, prediction: Mask, expected: tuple[float, ...]
) -> None:
    found = measure_case(reference, prediction, grid_of(reference), ONE)
    names = (
        *("reference_lesions", "found_lesions", "predicted_lesions", "false_lesions"),
        *("lesion_recall", "lesion_precision", "lesion_f1", "lesion_dice", "lesion_hd95_mm"),
    )
    assert tuple(getattr(found, name) for name in names) == pytest.approx(expected, nan_ok=True)


def test_a_mask_of_small_components_alone_is_empty_for_lesions_and_not_for_voxels() -> None:
    found = measure_case(line(0, 1), line(0, 1), grid_of(line()))
    assert (found.dice, found.reference_lesions) == (1, 0)
    assert math.isnan(found.lesion_f1)


# --- an independent implementation ------------------------------------------------------------------------------------


def components(mask: Mask, min_voxels: int) -> list[frozenset[tuple[int, ...]]]:
    """Components by a search from voxel to voxel."""
    left = {tuple(int(i) for i in voxel) for voxel in np.argwhere(mask)}
    found = []
    while left:
        queue, component = deque([left.pop()]), set()
        while queue:
            voxel = queue.popleft()
            component.add(voxel)
            for step in product((-1, 0, 1), repeat=3):
                other = tuple(a + b for a, b in zip(voxel, step, strict=True))
                if other in left:
                    left.remove(other)
                    queue.append(other)
        if len(component) >= min_voxels:
            found.append(frozenset(component))
    return found


def groups_of(drawn: list[Any], predicted: list[Any]) -> list[tuple[set[Any], set[Any]]]:
    """Lesions of both sides that are connected by touching."""
    touching = [(a, b) for a, b in product(drawn, predicted) if a & b]
    left, groups = [("drawn", each) for each in drawn] + [("predicted", each) for each in predicted], []
    while left:
        group: dict[str, set[Any]] = {"drawn": set(), "predicted": set()}
        queue = deque([left[0]])
        while queue:
            side, lesion = queue.popleft()
            if (side, lesion) not in left:
                continue
            left.remove((side, lesion))
            group[side].add(lesion)
            queue.extend(("predicted", b) for a, b in touching if side == "drawn" and a == lesion)
            queue.extend(("drawn", a) for a, b in touching if side == "predicted" and b == lesion)
        groups.append((group["drawn"], group["predicted"]))
    return groups


def mask_of(parts: set[Any], shape: tuple[int, ...]) -> Mask:
    mask = np.zeros(shape, dtype=bool)
    for part in parts:
        mask[tuple(np.array(sorted(part)).T)] = True
    return mask


@pytest.mark.parametrize("min_voxels", [1, 4])
@pytest.mark.parametrize("seed", range(6))
def test_lesions_agree_with_a_search_from_voxel_to_voxel_and_with_medpy(seed: int, min_voxels: int) -> None:
    random = np.random.default_rng(seed)
    shape, spacing_mm = (14, 12, 9), (0.5, 0.7, 2.0)
    reference, prediction = random.random((2, *shape)) < 0.06 + 0.01 * seed
    drawn, predicted = components(reference, min_voxels), components(prediction, min_voxels)
    found = compare(reference, prediction, grid_of(reference, spacing_mm), LesionRule(min_voxels)).lesions
    assert counts(found) == (
        len(drawn),
        sum(any(a & b for b in predicted) for a in drawn),
        len(predicted),
        sum(not any(a & b for a in drawn) for b in predicted),
    )
    expected = []
    for of_reference, of_prediction in groups_of(drawn, predicted):
        masks = mask_of(of_reference, shape), mask_of(of_prediction, shape)
        both = of_reference and of_prediction
        expected.append(
            (
                len(of_reference),
                len(of_prediction),
                2 * (masks[0] & masks[1]).sum() / (masks[0].sum() + masks[1].sum()),
                binary.hd95(masks[1], masks[0], voxelspacing=spacing_mm) if both else NAN,
            )
        )
    ours = [(group.reference_lesions, group.predicted_lesions, group.dice, group.hd95_mm) for group in found.groups]
    assert len(ours) == len(expected)
    np.testing.assert_allclose(sorted(ours, key=str), sorted(expected, key=str), atol=1e-6)
