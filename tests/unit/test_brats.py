"""Lesion-wise scores of the BraTS challenges against a brute force over voxels, and by hand."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from residua.cli import app
from residua.images.volumes import Grid, Image, save
from residua.metrics.brats import LesionWiseScores, score_lesions
from residua.metrics.conventions import BRATS_LESIONWISE, LesionWise
from residua.metrics.lesions import LesionRule

Voxel = tuple[int, ...]
Mask = NDArray[np.bool_]
GRID = Grid((14, 6, 5), np.diag([1.0, 1.5, 2.0, 1.0]))
HOW = LesionWise(dilation_mm=2.0, unmatched_hd95_mm=50.0)


def touching(one: set[Voxel], other: set[Voxel]) -> bool:
    return any(all(abs(a - b) <= 1 for a, b in zip(v, w, strict=True)) for v in one for w in other)


def parts(voxels: set[Voxel]) -> list[set[Voxel]]:
    """Components by faces, edges and corners, one voxel after the other."""
    found: list[set[Voxel]] = []
    for voxel in sorted(voxels):
        near = [part for part in found if touching(part, {voxel})]
        found = [part for part in found if part not in near] + [set().union({voxel}, *near)]
    return found


def distance(one: Voxel, other: Voxel) -> float:
    return math.dist(np.multiply(one, GRID.spacing_mm), np.multiply(other, GRID.spacing_mm))


def surface(voxels: set[Voxel]) -> set[Voxel]:
    steps = [step for step in itertools.product((-1, 0, 1), repeat=3) if sum(map(abs, step)) == 1]
    return {v for v in voxels if any(tuple(np.add(v, step)) not in voxels for step in steps)}


def hd95(one: set[Voxel], other: set[Voxel]) -> float:
    pairs = ((surface(one), surface(other)), (surface(other), surface(one)))
    return float(np.percentile([min(distance(v, w) for w in there) for here, there in pairs for v in here], 95))


def brute_force(reference: Mask, prediction: Mask, least: int, how: LesionWise) -> LesionWiseScores:
    drawn, predicted = (
        [part for part in parts({tuple(v) for v in np.argwhere(mask).tolist()}) if len(part) >= least]
        for mask in (reference, prediction)
    )
    everywhere = list(itertools.product(*map(range, GRID.shape)))
    reach = [{v for v in everywhere if min(distance(v, w) for w in part) <= how.dilation_mm} for part in drawn]
    joined = parts(set().union(*reach)) if reach else []
    scores, found, touched = [], 0, set()
    for area in joined:
        lesion = set().union(*(part for part in drawn if part <= area))
        near = [number for number, part in enumerate(predicted) if part & area]
        touched |= set(near)
        other = set().union(*(predicted[number] for number in near))
        found += bool(near)
        dice = 2 * len(lesion & other) / (len(lesion) + len(other))
        scores.append((dice, hd95(lesion, other)) if near else (0.0, how.unmatched_hd95_mm))
    false = len(predicted) - len(touched)
    scores += [(0.0, how.unmatched_hd95_mm)] * false
    counts = (len(joined), found, len(predicted), false)
    if not scores:
        return LesionWiseScores(1.0, 0.0, *counts)
    return LesionWiseScores(*(float(np.mean(each)) for each in zip(*scores, strict=True)), *counts)


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("least", [1, 3])
def test_scores_are_those_of_a_brute_force(seed: int, least: int) -> None:
    rng = np.random.default_rng(seed)
    reference, prediction = rng.random((2, *GRID.shape)) < rng.choice([0.01, 0.03, 0.06], size=2)[:, None, None, None]
    found = score_lesions(reference, prediction, GRID, LesionRule(least), HOW)
    expected = brute_force(reference, prediction, least, HOW)
    assert (found.dice, found.hd95_mm) == pytest.approx((expected.dice, expected.hd95_mm), abs=1e-9)
    names = ("reference_lesions", "found_lesions", "predicted_lesions", "false_lesions")
    assert [getattr(found, name) for name in names] == [getattr(expected, name) for name in names]


def line(*places: int) -> Mask:
    mask = np.zeros(GRID.shape, dtype=bool)
    mask[list(places), 2, 2] = True
    return mask


@pytest.mark.parametrize(
    ("drawn", "predicted", "expected"),
    [
        ((), (), (1.0, 0.0)),
        ((1,), (), (0.0, 50.0)),
        ((), (1,), (0.0, 50.0)),
        ((1,), (1,), (1.0, 0.0)),
        # Two voxels away it is found, three away it is missed and another one is false.
        ((1,), (3,), (0.0, 2.0)),
        ((1,), (4,), (0.0, 50.0)),
        # A lesion that is found, and one that is missed.
        ((1, 10), (1,), (0.5, 25.0)),
        # Two that lie near are one lesion.
        ((1, 4), (1,), (2 / 3, 2.7)),
    ],
)
def test_known_scores(drawn: tuple[int, ...], predicted: tuple[int, ...], expected: tuple[float, float]) -> None:
    found = score_lesions(line(*drawn), line(*predicted), GRID, LesionRule(1), HOW)
    assert (found.dice, found.hd95_mm) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("drawn", "least", "counts"),
    [
        # The reference is a lesion: found, and nothing is false.
        ((1, 2), 2, (1, 1, 1, 0)),
        # It is too small for one: what covers it is a false lesion.
        ((1,), 2, (0, 0, 1, 1)),
        # So it is beside a lesion that lies far away.
        ((1, 8, 9), 2, (1, 0, 1, 1)),
        # Within reach of a lesion it is no false one.
        ((1, 3, 4), 2, (1, 1, 1, 0)),
    ],
)
def test_what_covers_a_reference_that_is_too_small_is_a_false_lesion(
    drawn: tuple[int, ...], least: int, counts: tuple[int, ...]
) -> None:
    found = score_lesions(line(*drawn), line(1, 2), GRID, LesionRule(least), HOW)
    assert counts == (found.reference_lesions, found.found_lesions, found.predicted_lesions, found.false_lesions)


def test_the_evaluation_of_two_folders_adds_these_columns_where_they_are_asked_for(tmp_path: Path) -> None:
    for folder, mask in (("drawn", line(1, 10)), ("found", line(1))):
        save(Image(mask, GRID), tmp_path / folder / "p1.nii.gz")
    how = BRATS_LESIONWISE.lesion_wise
    assert how is not None
    folders = [str(tmp_path / folder) for folder in ("drawn", "found")]
    tables = {}
    for name in ("article", "brats-lesionwise"):
        out = tmp_path / name / "cases.csv"
        options = ["--out", str(out), "--min-component-voxels", "1", "--convention", name]
        done = CliRunner().invoke(app, ["evaluate", *folders, *options])
        assert done.exit_code == 0, done.output
        tables[name] = pd.read_csv(out)
    plain, scored = tables.values()
    assert list(scored.columns[: len(plain.columns)]) == list(plain.columns)
    assert not any(column.startswith("brats") for column in plain.columns)
    (row,) = scored.to_dict("records")
    assert (row["brats_dice"], row["brats_hd95_mm"]) == (0.5, how.unmatched_hd95_mm / 2)
    assert (row["brats_reference_lesions"], row["brats_found_lesions"], row["brats_false_lesions"]) == (2, 1, 0)
    wrong = CliRunner().invoke(app, ["evaluate", *folders, "--out", str(tmp_path / "x.csv"), "--convention", "authors"])
    assert wrong.exit_code == 2
