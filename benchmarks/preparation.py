"""Two interpolations or one: what either costs, and how far the network's view of a moving T1w is from the truth.

    .venv/bin/python benchmarks/preparation.py --out build/preparation
    .venv/bin/python benchmarks/preparation.py --like table1 --config config.yaml --hospitals STO    (full size)

A simulated patient is scanned twice: as the design says but with an even coil, and once more without noise and
movement on a fine grid. The mean of that second scan over each voxel of a network's target grid is what the network
should see. The error is the part of a prepared channel, in sd within the brain, that a straight line through it cannot
explain: sqrt(1 - r²). Both modes use one transform: that found by the registration, or the true one.
"""

from __future__ import annotations

import argparse
import json
import shutil
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from scipy import ndimage

from _common import HOUSE, steps_of
from residua.images import volumes
from residua.images.volumes import Grid, Image
from residua.networks.registry import target_grid_of
from residua.preparation.brain_crop import brain_crop, mask_on
from residua.publishing.publish import write_text
from residua.settings.study import Study, load_study
from residua.simulate.design import Design, Movement, ScanSampling, load_design
from residua.simulate.patient import simulate_patient
from residua.simulate.plan import Assignment
from residua.tables.render import Table, to_markdown

SEQUENCE, STEPS = "post_t1", Path(__file__).parent / "preparation_steps.py"
MODES, TRANSFORMS = ("paper", "composed"), ("found", "true")


def changed(design: Design, hospital: str, ideal: bool) -> Design:
    """Return the design with an even coil; ``ideal``: also without noise and movement, the T1w on a finer grid."""
    step = design.world_mm / 2
    fine = ScanSampling(spacing_mm=(step,) * 3, field_of_view_mm=(190.0, 226.0, 190.0))
    scanner = design.hospitals[hospital].scanners[0].model_copy(update={"share": 1.0, "bias": 0.0})
    still = {}
    if ideal:
        scanner = scanner.model_copy(update={"noise": 1e-6, SEQUENCE: fine})
        still = {"same_session": Movement(degrees=0, mm=0)}
    alone = design.hospitals[hospital].model_copy(update={"scanners": (scanner,)})
    return design.model_copy(update={"hospitals": {**design.hospitals, hospital: alone}, **still})


def seen(truth: Image, grid: Grid) -> Any:
    """Average a fine scan over the extent of each voxel of a grid in the same space (x, y, z)."""
    counts = [max(round(wide / fine), 1) for wide, fine in zip(grid.spacing_mm, truth.grid.spacing_mm, strict=True)]
    total = np.zeros(grid.shape, np.float32)
    for offset in product(*[(np.arange(n) + 0.5) / n - 0.5 for n in counts]):
        within = np.eye(4)
        within[:3, 3] = offset
        index = np.linalg.inv(truth.grid.affine) @ grid.affine @ within
        total += ndimage.affine_transform(truth.data, index[:3, :3], index[:3, 3], grid.shape, order=1, mode="nearest")
    return total / np.prod(counts)


def measured(folder: Path, assignment: Assignment, design: Design, study: Study) -> list[dict[str, Any]]:
    """Measure one patient: costs of each step, and errors."""
    name = assignment.patient
    simulate_patient(folder, 1, assignment, changed(design, assignment.hospital, ideal=False))
    simulate_patient(folder / "ideal", 1, assignment, changed(design, assignment.hospital, ideal=True))
    preparations = {arch: study.settings_of(arch).preparation() for arch in study.archs}
    networks = {arch: preparation.model_dump(mode="json") for arch, preparation in preparations.items()}
    given = json.dumps({"registration": study.registration.model_dump(mode="json"), "networks": networks})
    rows = steps_of(STEPS, "core", "bring", str(folder), given)
    truth = volumes.load(folder / "ideal/images" / name / f"{SEQUENCE}.nii.gz")
    brain = volumes.load_mask(folder / "truth" / name / "brain_mask.nii.gz")
    for arch in study.archs:
        rows += steps_of(STEPS, study.settings_of(arch).environment, "prepare", str(folder), given, arch)
        grid = target_grid_of(arch, preparations[arch])(brain_crop(brain, name))
        expected, inside = seen(truth, grid), mask_on(grid, brain)
        # Where no edge of the brain is near, which stripping before interpolation mixes with zeros.
        deep = ndimage.distance_transform_edt(inside, grid.spacing_mm) > 8.0
        for mode, transform in product(MODES, TRANSFORMS):
            voxels = np.load(folder / f"{arch}-{mode}-{transform}.npy")
            row: dict[str, Any] = {"mode": mode, "step": "error", "arch": arch, "transform": transform}
            row["all"] = unexplained(voxels[inside], expected[inside])
            rows.append({**row, "deep": unexplained(voxels[deep], expected[deep])})
    return rows


def unexplained(found: Any, expected: Any) -> float:
    """Return the part of ``found`` that no straight line through ``expected`` explains, in sd."""
    return float(np.sqrt(1 - np.corrcoef(found, expected)[0, 1] ** 2))


def table(rows: pd.DataFrame, study: Study, caption: str) -> Table:
    """One line per network and mode: means over the patients."""
    lines = []
    for arch, mode in product(study.archs, MODES):
        mine = rows[(rows["mode"] == mode) & (rows["arch"].isna() | (rows["arch"] == arch))]
        costs = mine.groupby("step")[["cpu_s", "mib"]].mean()

        def spent(step: str, costs: pd.DataFrame = costs) -> str:
            return "{:.2f} s, {:.1f} MiB".format(*costs.loc[step])

        before = "strip" if mode == "paper" else "sample"
        errors = mine[mine["step"] == "error"].groupby("transform")[["all", "deep"]].mean()
        of_brain, deep = (errors[where].map("{:.3f}".format) for where in ("all", "deep"))
        lines.append(
            {
                "network": study.settings_of(arch).label,
                "mode": mode,
                "before": f"{before} {spent(before)}",
                "prepare": spent("prepare"),
                **{f"error, {transform} transform": of_brain[transform] for transform in TRANSFORMS},
                **{f"8 mm inside, {transform}": deep[transform] for transform in TRANSFORMS},
            }
        )
    return Table(pd.DataFrame(lines, dtype=object), caption)


def main() -> None:
    """Simulate, prepare both ways, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HOUSE / "build" / "preparation")
    parser.add_argument("--like", default="toy")
    parser.add_argument("--config", type=Path, default=HOUSE / "tests/toy/config.yaml")
    parser.add_argument("--hospitals", nargs="+", default=["AMS", "STO", "MIL", "PAR"])
    wanted = parser.parse_args()
    design, study = load_design(wanted.like), load_study(yaml.safe_load(wanted.config.read_text()))
    rows: list[dict[str, Any]] = []
    for number, hospital in enumerate(wanted.hospitals):
        folder = wanted.out.resolve() / hospital
        shutil.rmtree(folder, ignore_errors=True)
        rows += measured(folder, Assignment(number, f"{hospital}001", hospital, True, False), design, study)
        # After every patient: at full size one takes many minutes.
        caption = f"One moving T1w of each of {number + 1} patients like {wanted.like}: CPU seconds, MiB, error."
        text = to_markdown(table(pd.DataFrame(rows), study, caption))
        write_text(wanted.out / "preparation.md", text)
        print(text, flush=True)


if __name__ == "__main__":
    main()
