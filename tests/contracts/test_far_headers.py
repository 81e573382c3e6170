"""Scans whose headers place them far apart are registered, and a right transform is not called a failure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from environments import python_in

FAR_MM = {"right": (150, 0, 0), "above": (0, -60, 200), "near a metre": (900, 900, 0), "metres": (-5000, 0, 3000)}
ENGINES = ["ants", pytest.param("greedy", marks=pytest.mark.long)]


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def found(micro_cohort: Path, tmp_path_factory: pytest.TempPathFactory, engine: str) -> dict[str, dict[str, Any]]:
    """The records of one engine."""
    images = sorted((micro_cohort / "images").iterdir())
    patient = next(path for path in images if (path / "post_t1.nii.gz").is_file())
    script = str(Path(__file__).parent / "far_headers_check.py")
    done = python_in("core", script, str(patient), str(tmp_path_factory.mktemp("far_headers")), engine)
    assert done.returncode == 0, done.stdout + done.stderr
    records: dict[str, dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])[engine]
    return records


@pytest.mark.parametrize("place", FAR_MM)
def test_headers_far_apart_are_no_failure(found: dict[str, dict[str, Any]], place: str) -> None:
    right, far = found["near"], found[place]
    assert far["problem"] is None
    assert far["affine"]["translation_mm"] == pytest.approx(float(np.linalg.norm(FAR_MM[place])), abs=15.0)
    assert far["affine"]["rotation_degrees"] == pytest.approx(right["affine"]["rotation_degrees"], abs=1.0)
    assert far["mutual_information"]["after"] == pytest.approx(right["mutual_information"]["after"], abs=0.05)
    assert far["mutual_information"]["before"] < far["mutual_information"]["after"]


@pytest.mark.parametrize(("place", "away_mm"), [("neck", 0), ("beside", 0), ("neck, far", 150), ("beside, far", 150)])
def test_a_head_may_lie_anywhere_in_its_scan(found: dict[str, dict[str, Any]], place: str, away_mm: float) -> None:
    right, wide = found["near"], found[place]
    assert wide["problem"] is None
    assert wide["affine"]["translation_mm"] == pytest.approx(away_mm, abs=15.0)
    assert wide["affine"]["rotation_degrees"] == pytest.approx(right["affine"]["rotation_degrees"], abs=1.5)


def test_another_object_far_away_is_still_a_failure(found: dict[str, dict[str, Any]], engine: str) -> None:
    problem = found["noise, far"]["problem"]
    # Greedy scales the noise to the head before it finds nothing alike.
    seen = {"ants": set[str](), "greedy": {"registration-scaled"}}[engine]
    assert problem["check"] in {"registration-dissimilar", "registration-impossible"} | seen
