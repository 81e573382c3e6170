"""Registration in its own environment, against transforms that are known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from environments import python_in

DEFORMABLE, LINEAR = ("SyN", "greedy"), ("rigid", "greedy_affine")


@pytest.fixture(scope="module")
def found(micro_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("registration")
    script = str(Path(__file__).parent / "registration_check.py")
    done = python_in("core", script, str(micro_cohort), "GOT001", "STO001", str(folder / "out"))
    assert done.returncode == 0, done.stdout + done.stderr
    record: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return record


@pytest.mark.parametrize("engine", [*DEFORMABLE, *LINEAR])
def test_the_found_transform_is_near_the_true_one(found: dict[str, Any], engine: str) -> None:
    assert found["error_before_mm"] > 4
    assert found["engines"][engine]["error_mm"] < 0.35 * found["error_before_mm"]
    similarity = found["engines"][engine]["quality"]["mutual_information"]
    assert similarity["after"] > similarity["before"]


def test_normalised_scans_are_registered_as_the_scans_that_they_come_from(found: dict[str, Any]) -> None:
    normalised = found["normalised"]
    assert normalised["quality"]["problem"] is None
    assert normalised["error_mm"] == pytest.approx(found["engines"]["rigid"]["error_mm"], abs=0.1)
    assert normalised["lowest"] >= 0


def test_the_deformation_follows_the_brain_that_shifted(found: dict[str, Any]) -> None:
    assert found["engines"]["SyN"]["error_mm"] < found["engines"]["rigid"]["error_mm"]


def test_what_is_aligned_already_stays_where_it_is(found: dict[str, Any]) -> None:
    none = found["engines"]["none"]
    assert none["error_mm"] == pytest.approx(found["error_before_mm"], abs=1e-3)
    similarity = none["quality"]["mutual_information"]
    assert similarity["after"] == pytest.approx(similarity["before"], abs=1e-4)


def test_itk_reads_the_simulators_truth_as_it_is_meant(found: dict[str, Any]) -> None:
    assert found["error_of_the_truth_mm"] < 1e-3 < 0.1 < found["error_of_the_rigid_truth_mm"]


@pytest.mark.parametrize("engine", [*DEFORMABLE, *LINEAR, "none"])
def test_two_registrations_are_the_same_to_the_bit(found: dict[str, Any], engine: str) -> None:
    assert found["engines"][engine]["identical"]
    assert found["engines"][engine]["same_voxels"]


def test_nothing_is_left_behind(found: dict[str, Any]) -> None:
    assert found["left_over"] == []


@pytest.mark.parametrize("engine", [*DEFORMABLE, *LINEAR, "none"])
def test_a_successful_registration_has_no_problem(found: dict[str, Any], engine: str) -> None:
    assert found["engines"][engine]["quality"]["problem"] is None


@pytest.mark.parametrize("engine", [*DEFORMABLE, *LINEAR, "none"])
def test_a_warped_label_stays_binary_on_the_reference_grid(found: dict[str, Any], engine: str) -> None:
    assert found["engines"][engine]["same_grid"]
    assert found["engines"][engine]["label"]["values"] == [0.0, 1.0]


def test_a_labels_volume_follows_the_brain_that_sank_into_the_cavity(found: dict[str, Any]) -> None:
    wrong = {name: abs(engine["label"]["volume_ratio"] - 1) for name, engine in found["engines"].items()}
    assert min(wrong[engine] for engine in LINEAR) > 0.2 > wrong["greedy"]
    assert wrong["SyN"] < 0.15 < wrong["SyN_everywhere"]


@pytest.mark.parametrize("engine", [*DEFORMABLE, *LINEAR, "none"])
def test_its_quality_says_how_it_turned_scaled_and_bent(found: dict[str, Any], engine: str) -> None:
    quality = found["engines"][engine]["quality"]
    jacobian, affine = quality["jacobian"], quality["affine"]
    assert jacobian["min"] <= jacobian["p01"] <= 1 <= jacobian["p99"] <= jacobian["max"]
    assert (jacobian["min"] < 1 < jacobian["max"]) == (engine in DEFORMABLE)
    assert jacobian["folded_percent"] == 0
    assert all(0.95 < scale < 1.05 for scale in affine["scales"])
    assert (affine["rotation_degrees"] > 0.5) == (affine["translation_mm"] > 0.5) == (engine != "none")


def test_a_matrix_is_read_as_it_was_written(found: dict[str, Any]) -> None:
    assert found["matrix_is_kept"]


@pytest.mark.parametrize(
    ("scan", "why"),
    [
        ("noise", "another head or object|does not resemble the reference"),
        ("another head", "it shows another head"),
        ("empty", "the image is empty"),
        ("not finite", "not finite"),
    ],
)
def test_an_unrelated_scan_has_a_problem_with_patient_reason_and_remedy(
    found: dict[str, Any], scan: str, why: str
) -> None:
    said = found["refusals"][scan]
    assert said.startswith("patient P1, pre_t1ce: ")
    assert any(words in said for words in why.split("|")), said
    assert "set the patient's role to exclude" in said
    assert "/" not in said
