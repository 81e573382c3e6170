"""Registration in its own environment, against transforms that are known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from environments import python_in


@pytest.fixture(scope="module")
def found(micro_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("registration")
    script = str(Path(__file__).parent / "registration_check.py")
    done = python_in("core", script, str(micro_cohort), "GOT001", str(folder / "out"))
    assert done.returncode == 0, done.stdout + done.stderr
    record: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return record


def test_the_found_transform_is_near_the_true_one(found: dict[str, Any]) -> None:
    assert found["error_before_mm"] > 4
    assert found["error_mm"] < 0.6 * found["error_before_mm"]
    assert found["mutual_information"]["after"] > found["mutual_information"]["before"]


def test_itk_reads_the_simulators_truth_as_it_is_meant(found: dict[str, Any]) -> None:
    assert found["error_of_the_truth_mm"] < 1e-3 < 0.1 < found["error_of_the_rigid_truth_mm"]


def test_two_registrations_are_the_same_to_the_bit_and_leave_nothing_behind(found: dict[str, Any]) -> None:
    assert found["identical"] and found["same_voxels"]
    assert found["left_over"] == []


def test_a_warped_label_stays_binary_on_the_reference_grid(found: dict[str, Any]) -> None:
    assert found["same_grid"]
    assert found["label_values"] == [0.0, 1.0]
    assert 0.7 < found["label_volume_ratio"] < 1.4
