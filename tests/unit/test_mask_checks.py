"""What a brain mask looks like, on masks drawn by hand."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest

from residua.brain.checks import check_mask
from residua.images.volumes import Grid, Image

GRID = Grid((10, 12, 8), np.diag([2.0, 2.0, 5.0, 1.0]))


def mask() -> Image:
    return Image(np.zeros(GRID.shape, dtype=bool), GRID)


def test_a_whole_mask_is_one_piece_that_touches_nothing() -> None:
    image = mask()
    image.data[2:6, 2:6, 2:6] = True
    found = check_mask(image)
    assert found.volume_ml == pytest.approx(64 * 0.02)
    assert (found.components, found.largest_share, found.holes, found.holes_ml) == (1, 1.0, 0, 0.0)
    assert found.face_shares == dict.fromkeys(("left", "right", "posterior", "anterior", "inferior", "superior"), 0.0)


def test_pieces_are_counted_and_touching_corners_are_one() -> None:
    image = mask()
    image.data[1:4, 1:4, 1:4] = True
    image.data[4, 4, 4] = True
    image.data[8, 8, 6] = True
    found = check_mask(image)
    assert found.components == 2
    assert found.largest_share == pytest.approx(28 / 29)


def test_holes_are_counted_but_not_a_bay() -> None:
    image = mask()
    image.data[1:8, 1:8, 1:7] = True
    image.data[2, 2, 2] = image.data[5, 5, 4] = image.data[5, 5, 5] = False
    image.data[4, 4, 1] = False
    found = check_mask(image)
    assert found.holes == 2
    assert found.holes_ml == pytest.approx(3 * 0.02)


def test_the_faces_that_a_mask_touches_are_named_with_the_share_of_their_voxels() -> None:
    image = mask()
    image.data[0:3, 11, 0:4] = True
    image.data[0, 0:12, 7] = True
    shares = check_mask(image).face_shares
    assert shares["left"] == pytest.approx((4 + 12) / (12 * 8))
    assert shares["anterior"] == pytest.approx((12 + 1) / (10 * 8))
    assert shares["inferior"] == pytest.approx(3 / (10 * 12))
    assert shares["superior"] == pytest.approx(12 / (10 * 12))
    assert shares["right"] == 0
    assert shares["posterior"] == pytest.approx(1 / (10 * 8))


def test_an_empty_mask_has_no_pieces_and_no_share() -> None:
    found = check_mask(mask())
    assert (found.volume_ml, found.components, found.largest_share, found.holes) == (0.0, 0, 0.0, 0)


def test_the_record_is_json_as_it_is() -> None:
    image = mask()
    image.data[2:6, 2:6, 2:6] = True
    record = asdict(check_mask(image))
    assert json.loads(json.dumps(record)) == record
