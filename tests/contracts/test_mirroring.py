"""A scan flipped left to right, found after its registration where the images can tell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from environments import python_in
from residua.quality.catalogue import judged

PATIENTS = ["GOT001", pytest.param("AMS001", marks=pytest.mark.long)]


@pytest.fixture(scope="module", params=PATIENTS)
def found(
    micro_cohort: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> dict[str, Any]:
    """The record of one patient."""
    script = str(Path(__file__).parent / "mirroring_check.py")
    done = python_in("core", script, str(micro_cohort), str(tmp_path_factory.mktemp("mirroring")), request.param)
    assert done.returncode == 0, done.stdout + done.stderr
    record: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])[request.param]
    return record


def flagged(gain: float) -> bool:
    how = judged("post_t1", "mirrored_gain")
    assert how is not None
    return how.limit_broken(gain) is not None


def test_a_flipped_scan_is_found_and_a_right_one_is_not(found: dict[str, Any]) -> None:
    assert all(gain < -0.05 for gain in found["given"])
    assert all(flagged(gain) for gain in found["flipped"])


def test_a_flipped_reference_is_found_by_the_scans_on_it(found: dict[str, Any]) -> None:
    assert flagged(found["reference"])


def test_a_head_that_lies_askew_is_judged_alike(found: dict[str, Any]) -> None:
    straight = zip(found["given"], found["flipped"], strict=True)
    for expected, gains in zip(straight, found["askew"], strict=True):
        assert gains == pytest.approx(expected, rel=0.25)


def test_nothing_is_said_where_the_images_cannot_tell(found: dict[str, Any]) -> None:
    assert not any(flagged(gain) for gain in found["equal"] + found["empty"])
    assert max(found["equal"]) > -0.05
    assert found["undefined"] == [None, None]
