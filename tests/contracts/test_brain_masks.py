"""The pre-trained brain mask in its own environment, on a simulated head whose brain is known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from environments import python_in
from residua import images
from residua.simulate.design import load_design
from residua.simulate.patient import simulate_patient
from residua.simulate.plan import planned

EXTRACT = """
import json, sys
from pathlib import Path
from residua.brain import mask_brains
print(json.dumps(mask_brains("deepbet", {"P1": Path(sys.argv[1])}, {}, Path(sys.argv[2]))))
"""


def test_deepbet_finds_the_brain_of_a_simulated_head(tmp_path: Path) -> None:
    design = load_design("toy")
    assignment = planned(24, design)[0]
    simulate_patient(tmp_path, 1, assignment, design)
    head = tmp_path / "images" / assignment.patient / "post_t1ce.nii.gz"
    done = python_in("torch", "-c", EXTRACT, str(head), str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    found = images.load_mask(tmp_path / "P1.nii.gz")
    true = images.load_mask(tmp_path / "truth" / assignment.patient / "brain_mask.nii.gz")
    assert found.grid.same_as(true.grid)
    dice = 2 * np.count_nonzero(found.data & true.data) / (found.data.sum() + true.data.sum())
    assert dice > 0.85
    volume_ml = json.loads(done.stdout.splitlines()[-1])["P1"]
    assert volume_ml == float(found.data.sum() * found.grid.voxel_ml)


def test_an_implausible_brain_is_refused_with_what_to_do(tmp_path: Path) -> None:
    grid = images.Grid((40, 40, 40), np.diag([1.0, 1.0, 1.0, 1.0]))
    images.save(images.Image(np.ones(grid.shape, np.float32), grid), tmp_path / "head.nii.gz")
    images.save(images.Image(np.ones(grid.shape, bool), grid), tmp_path / "mask.nii.gz")
    given = (
        "import sys; from pathlib import Path; from residua.brain import mask_brains; "
        "mask_brains('given', {'P1': Path(sys.argv[1])}, {'P1': Path(sys.argv[2])}, Path(sys.argv[3]))"
    )
    done = python_in("core", "-c", given, *(str(tmp_path / name) for name in ("head.nii.gz", "mask.nii.gz", "")))
    assert done.returncode != 0
    assert "patient P1: the brain mask by given has 64 ml, which no brain has" in done.stderr
