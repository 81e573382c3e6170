"""Inverse transforms in their own environment: the way back of a simulated patient whose transforms are known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from environments import python_in

TRANSFORMS = ("truth", "SyN", "rigid")


@pytest.fixture(scope="module")
def found(micro_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("inverse")
    script = str(Path(__file__).parent / "inverse_check.py")
    done = python_in("core", script, str(micro_cohort), "GOT001", str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    record: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return record


@pytest.mark.parametrize("name", TRANSFORMS)
def test_there_and_back_ends_where_it_began(found: dict[str, Any], name: str) -> None:
    assert found[name]["mean_astray_mm"] < 0.05
    # At the rim of the cavity the true deformation nearly folds.
    assert found[name]["worst_astray_mm"] < 0.6


def test_without_a_deformation_the_way_back_is_exact(found: dict[str, Any]) -> None:
    assert found["rigid"]["worst_astray_mm"] < 1e-3


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_mask_comes_back_to_the_structure_that_it_showed(found: dict[str, Any], name: str) -> None:
    assert found[name]["values"] == [0.0, 1.0]
    assert found[name]["same_grid"]
    assert found[name]["dice"] > 0.93
    assert found[name]["volume_ratio"] == pytest.approx(1, abs=0.06)
    assert found[name]["correlation_there_and_back"] > 0.9


def test_the_deformation_brings_it_nearer_than_the_rigid_part_alone(found: dict[str, Any]) -> None:
    assert found["truth"]["dice"] > found["rigid"]["dice"]


@pytest.mark.parametrize("name", TRANSFORMS)
def test_the_inverse_is_written_as_itk_reads_transforms(found: dict[str, Any], name: str) -> None:
    assert found[name]["files"] == ["back.nii.gz", "inverse_affine.mat", "inverse_warp.nii.gz", "mask.nii.gz"]
    # NIfTI's code of a displacement field.
    assert found[name]["intent"] == 1007


def test_a_patient_whose_registration_or_mask_failed_has_the_problem_and_no_mask(found: dict[str, Any]) -> None:
    assert found["stage"]["files"] == [
        "P1.json", "P1.nii.gz", "P2.json", "P4.json", "inverse/P1_affine.mat", "inverse/P1_warp.nii.gz",
    ]  # fmt: skip
    assert found["stage"]["patients"] == found["stage"]["sound"] == ["P1"]
