"""Another patient's scan is told from the patient's own by its similarity within the brain."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from environments import python_in
from residua.quality.catalogue import judged

PATIENTS = ("GOT001", "STO001")
PAIRS = [PATIENTS, pytest.param(PATIENTS[::-1], marks=pytest.mark.long)]


@pytest.fixture(scope="module", params=PAIRS, ids=PATIENTS)
def found(
    micro_cohort: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> dict[str, Any]:
    script = str(Path(__file__).parent / "swap_check.py")
    done = python_in("core", script, str(micro_cohort), str(tmp_path_factory.mktemp("swap")), *request.param)
    assert done.returncode == 0, done.stdout + done.stderr
    record: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**record, "own": request.param[0], "others": request.param[1]}


def test_anothers_scan_is_below_the_limit_and_the_patients_own_well_above(found: dict[str, Any]) -> None:
    how = judged("post_t1", "brain_similarity")
    assert how is not None
    assert how.low is not None
    for sequence, similarity in found["scans"].items():
        assert similarity[found["others"]] < how.low < 1.3 * how.low < similarity[found["own"]], sequence


def test_a_scan_is_compared_where_it_reaches(found: dict[str, Any]) -> None:
    reach = found["reach"]
    assert reach["part"] == pytest.approx(reach["whole"], rel=0.1)
    assert reach["little"] is None
