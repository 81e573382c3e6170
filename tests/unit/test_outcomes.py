"""What an application says became of each patient, from what the stages made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from residua.images.volumes import Grid, Image, save
from residua.inference.outcomes import Made, outcomes
from residua.publishing.publish import stage, write_json
from residua.resection.record import describe_resections

GRID = Grid((4, 4, 4), np.diag([5.0, 5.0, 4.0, 1.0]))
"""Voxels of 0.1 ml."""
CUT_ML = 0.2


def made(folder: Path, voxels: dict[str, int]) -> Made:
    """The results of a network that found some voxels in each patient."""
    masks, members = f"{folder}/masks/manifest.json", f"{folder}/members/manifest.json"
    with stage(masks) as part, stage(members) as beside:
        for patient, number in voxels.items():
            mask = (np.arange(64) < number).reshape(4, 4, 4)
            save(Image(mask, GRID), part / f"{patient}.nii.gz")
            write_json(beside / f"{patient}.json", {"members_ml": {"fold0": 9.0}, "mean_pairwise_dice": 1.0})
    write_json(f"{folder}/holdout.json", {"validation": list(voxels)})
    write_json(f"{folder}/threshold.json", {"threshold": 0.4})
    write_json(f"{folder}/resections.json", describe_resections(masks, members, {}, CUT_ML))
    return Made(f"{folder}/holdout.json", masks, masks, f"{folder}/threshold.json", f"{folder}/resections.json")


CHOSEN = {"P1": "A", "P2": "A", "P3": "B", "P4": "B", "P5": "B"}


def planned(patient: str, excluded: str | None = None) -> dict[str, Any]:
    inputs = CHOSEN.get(patient)
    plan = {"arch": "nnunet" if inputs else None, "inputs": inputs}
    return {"patient": patient, "excluded": excluded, "problems": [], **plan}


def test_each_patient_has_the_volume_and_class_of_its_own_mask_or_the_reason_why_not(tmp_path: Path) -> None:
    by_model = {
        ("nnunet", "A"): made(tmp_path / "a", {"P1": 0, "P2": 1}),
        # A bundle that is validated also predicts patients for whom another one was chosen.
        ("nnunet", "B"): made(tmp_path / "b", {"P1": 8, "P3": 2, "P4": 30}),
    }
    plans = [*map(planned, ("P4", "P1", "P2", "P3", "P5", "P6")), planned("P7", "moved")]
    failed = {"patient": "P5", "check": "registration"}
    found = outcomes(plans, by_model, [failed])
    assert [record["patient"] for record in found] == ["P4", "P1", "P2", "P3", "P5", "P6", "P7"]
    said = [(record["state"], record.get("volume_ml"), record.get("residual_tumour")) for record in found]
    assert [each[0] for each in said] == [*["predicted"] * 4, "failed", "refused", "excluded"]
    np.testing.assert_allclose([each[1] for each in said[:4]], [3.0, 0.0, 0.1, 0.2])
    assert [each[2] for each in said] == [True, False, False, True, None, None, None]
    assert (found[0]["threshold"], Path(found[0]["mask"]).name) == (0.4, "P4.nii.gz")
    assert found[4]["problems"] == [failed]
