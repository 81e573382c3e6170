from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from residua.cohort.checks.across import check_across
from residua.cohort.checks.results import kept_problems
from residua.cohort.split.split import Split
from residua.cohort.table.patient import Patient
from residua.errors import ResiduaError
from residua.networks.selection import require_apart

SPLIT = Split(
    folds={0: ("STO1", "STO2"), 1: ("GOT1",)},
    holdout=("AMS1",),
    excluded={},
    hospitals={"STO1": "STO", "STO2": "STO", "GOT1": "GOT", "AMS1": "AMS"},
)
SOUND = {patient: {"post_t1ce": f"image of {patient}"} for patient in SPLIT.hospitals}
STO2_IS_GOT1 = {**SOUND, "STO2": {"post_t1ce": "other", "post_t1": "image of GOT1"}}


def patients(folder: Path) -> dict[str, Patient]:
    """Every patient of the split, with one file."""
    found = {}
    for name, hospital in SPLIT.hospitals.items():
        file = folder / f"{name}.nii.gz"
        file.write_text(name)
        found[name] = Patient(name, hospital, "auto", "", None, {"post_t1ce": str(file)})
    return found


def signs(agreeing: float) -> str:
    """A fingerprint whose detail agrees with that of ``signs(1)`` at this share of places."""
    up = np.arange(16**3) < round(agreeing * 16**3)
    return base64.b85encode(np.packbits([up, ~up, up, ~up], axis=1).tobytes()).decode()


def look(
    folder: Path,
    digests: dict[str, dict[str, str]],
    excluded: tuple[str, ...] = (),
    fingerprints: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """The record of a cohort checked in two batches."""
    halves = [dict(list(digests.items())[:2]), dict(list(digests.items())[2:])]
    checks = []
    for number, half in enumerate(halves):
        checks.append(str(folder / f"batch{number}.json"))
        prints = {patient: {"post_t1ce": fingerprints[patient]} for patient in half if patient in fingerprints}
        Path(checks[-1]).write_text(json.dumps({"digests": half, "fingerprints": prints}))
    (folder / "folds.json").write_text(json.dumps(SPLIT.to_json()))
    records = [asdict(patient) for patient in patients(folder).values()]
    out, findings = folder / "duplicates.json", f"{folder}/problems/duplicates.json"
    check_across(checks, f"{folder}/folds.json", records, excluded, "exclude", findings, str(out))
    record: dict[str, Any] = json.loads(out.read_text())
    return record


def test_a_sound_cohort_is_proved_fold_by_fold(tmp_path: Path) -> None:
    record = look(tmp_path, SOUND)
    assert record["problems"] == []
    assert record["proof"]["0"] == {
        "training_hospitals": ["GOT"],
        "validation_hospitals": ["STO"],
        "holdout_hospitals": ["AMS"],
        "overlap": [],
        "duplicates": [],
    }
    assert kept_problems(f"{tmp_path}/problems", patients(tmp_path)) == []


def test_a_scan_of_two_patients_in_two_batches_is_reported_and_kept_for_both(tmp_path: Path) -> None:
    with pytest.raises(ResiduaError) as raised:
        look(tmp_path, STO2_IS_GOT1)
    title, line = str(raised.value).splitlines()
    assert title == "Two patients have the same scan; start again: the study continues without them (1 to correct):"
    assert "the same voxels under 2 patients: STO2 (post_t1), GOT1 (post_t1ce)" in line
    assert "in different hospitals (GOT, STO) and in different parts of the split (fold 0, fold 1)" in line
    assert not (tmp_path / "duplicates.json").exists()
    found = kept_problems(f"{tmp_path}/problems", patients(tmp_path))
    assert [(problem.patient, problem.check) for problem in found] == [
        ("STO2", "patients-identical"),
        ("GOT1", "patients-identical"),
    ]
    gone = {name: patient for name, patient in patients(tmp_path).items() if name != "GOT1"}
    assert kept_problems(f"{tmp_path}/problems", gone) == []


def test_a_duplicate_of_an_excluded_patient_is_no_error(tmp_path: Path) -> None:
    record = look(tmp_path, STO2_IS_GOT1, excluded=("STO2",))
    assert record["proof"]["0"]["duplicates"] == []


def test_a_scan_exported_for_two_hospitals_excludes_both_for_good(tmp_path: Path) -> None:
    prints = {"STO2": signs(1), "GOT1": signs(0.99)}
    with pytest.raises(ResiduaError, match=r"one scan, exported anew \(99% of the detail agrees\), under 2 patients"):
        look(tmp_path, SOUND, fingerprints=prints)
    both = {("STO2", "scan-of-two-hospitals"), ("GOT1", "scan-of-two-hospitals")}
    assert {(p.patient, p.check) for p in kept_problems(f"{tmp_path}/problems", patients(tmp_path))} == both
    # At the next start neither is in the split; the error stands as long as their files do.
    assert look(tmp_path, SOUND, excluded=("STO2", "GOT1"), fingerprints=prints)["problems"] == []
    assert {(p.patient, p.check) for p in kept_problems(f"{tmp_path}/problems", patients(tmp_path))} == both


def test_a_patient_of_two_groups_is_kept_with_each(tmp_path: Path) -> None:
    prints = {"GOT1": signs(1), "AMS1": signs(0.99)}
    with pytest.raises(ResiduaError, match=r"\(2 to correct\)"):
        look(tmp_path, STO2_IS_GOT1, fingerprints=prints)
    without = {name: patient for name, patient in patients(tmp_path).items() if name != "AMS1"}
    found = kept_problems(f"{tmp_path}/problems", without)
    assert [(p.patient, p.check) for p in found] == [("STO2", "patients-identical"), ("GOT1", "patients-identical")]


def test_patients_who_may_be_one_are_told_beside_the_proof(tmp_path: Path) -> None:
    [problem] = look(tmp_path, SOUND, fingerprints={"STO2": signs(1), "GOT1": signs(0.92)})["problems"]
    assert (problem["check"], problem["severity"]) == ("patients-alike", "warning")
    assert "in different parts of the split (fold 0, fold 1)" in problem["what"]
    assert kept_problems(f"{tmp_path}/problems", patients(tmp_path)) == []


def test_a_training_refuses_one_scan_on_both_sides() -> None:
    sides = {"training": ["GOT1"], "validation": ["STO1", "STO2"]}
    require_apart(sides, [SOUND])
    require_apart({**sides, "validation": ["STO1"]}, [STO2_IS_GOT1])
    with pytest.raises(
        ResiduaError,
        match=r"training and validation patients have the same image: STO2 \(validation\), GOT1 \(training\)",
    ):
        require_apart(sides, [STO2_IS_GOT1])
    # Two patients of one side are no leak; the whole cohort's comparison tells of them.
    require_apart({"training": ["STO2", "GOT1"], "validation": ["STO1"]}, [STO2_IS_GOT1])
