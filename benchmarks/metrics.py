"""What the metrics of a full-size pair of masks cost, beside raidionicsval.

    .venv/bin/python benchmarks/metrics.py --out build/metrics
    python3 -m venv V && V/bin/pip install raidionicsval     (an environment of its own: it needs older packages)
    .venv/bin/python benchmarks/metrics.py --out build/metrics --raidionicsval V/bin/python

Five pairs of 430 x 461 x 180 voxels of 0.5 x 0.5 x 1 mm: 0.2, 3 and 35 ml with a false lesion, two tumours far apart
with two false lesions, and one without a reference. Processor seconds, reading included. The peak of memory is that
of `residua evaluate` on the five pairs and on four times as many.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from _common import HOUSE
from residua.evaluation.folders import evaluate_folders
from residua.images.volumes import Grid, Image, save
from residua.publishing.publish import write_text
from residua.tables.render import Table, to_markdown

SPACING_MM = (0.5, 0.5, 1.0)
GRID = Grid((430, 461, 180), np.diag([*SPACING_MM, 1.0]))
STEPS = Path(__file__).parent / "metrics_steps.py"
Mask = NDArray[np.bool_]


def lesion(random: np.random.Generator, centre: tuple[int, int, int], ml: float) -> Mask:
    """Draw a lesion of ``ml`` with a bumpy surface around a voxel."""
    radius_mm = (750 * ml / np.pi) ** (1 / 3)
    half = [int(1.8 * radius_mm / step) + 3 for step in SPACING_MM]
    axes = [np.arange(-size, size + 1) * step for size, step in zip(half, SPACING_MM, strict=True)]
    distance = np.sqrt(sum(axis**2 for axis in np.meshgrid(*axes, indexing="ij")))
    bumps = ndimage.gaussian_filter(random.standard_normal(distance.shape), 2)
    level = distance + 0.15 * radius_mm * bumps / bumps.std()
    voxels = int(1000 * ml / np.prod(SPACING_MM))
    mask = np.zeros(GRID.shape, dtype=bool)
    box = tuple(slice(middle - size, middle + size + 1) for middle, size in zip(centre, half, strict=True))
    mask[box] = level < np.partition(level.ravel(), voxels)[voxels]
    return mask


def pairs() -> dict[str, tuple[Mask, Mask]]:
    """Draw reference and prediction of the five pairs."""
    random = np.random.default_rng(1)
    drawn = {"small": 0.2, "medium": 3.0, "large": 35.0}
    found = {
        name: (
            lesion(random, (150, 200, 90), ml),
            lesion(random, (153, 203, 92), 0.9 * ml) | lesion(random, (300, 300, 90), 0.05),
        )
        for name, ml in drawn.items()
    }
    false = lesion(random, (370, 60, 140), 0.1) | lesion(random, (60, 400, 40), 0.1)
    found["far_apart"] = lesion(random, (60, 60, 40), 3), lesion(random, (370, 400, 140), 3) | false
    found["empty"] = np.zeros(GRID.shape, dtype=bool), lesion(random, (153, 203, 92), 3)
    return found


def ours(folder: Path, case: str, repeats: int = 3) -> float:
    """Return the processor seconds of one pair: the least of some repeats."""
    with tempfile.TemporaryDirectory() as alone:
        for side in ("reference", "prediction"):
            (Path(alone) / side).mkdir()
            (Path(alone) / side / "case.nii.gz").symlink_to(folder / side / f"{case}.nii.gz")
        times = []
        for _ in range(repeats):
            start = time.process_time()
            evaluate_folders(Path(alone) / "reference", Path(alone) / "prediction")
            times.append(time.process_time() - start)
    return min(times)


def peak_mb(folder: Path, copies: int) -> float:
    """Return the peak of memory of ``residua evaluate`` on some copies of all pairs."""
    with tempfile.TemporaryDirectory() as many:
        for side in ("reference", "prediction"):
            (Path(many) / side).mkdir()
            for file in (folder / side).iterdir():
                for copy in range(copies):
                    (Path(many) / side / f"{copy}_{file.name}").symlink_to(file)
        command = [sys.executable, "-m", "residua.cli", "evaluate", "reference", "prediction", "--out", "cases.csv"]
        environment = os.environ | {"PYTHONPATH": str(HOUSE / "src")}
        started = subprocess.Popen(command, cwd=many, env=environment, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(started.pid, 0)
    if status:
        sys.exit("residua evaluate failed")
    return usage.ru_maxrss / 1024


def theirs(python: str, folder: Path) -> dict[str, dict[str, Any]]:
    """Return the processor seconds of every pair with raidionicsval, and whether of the whole masks alone."""
    command = [python, str(STEPS), str(folder / "reference"), str(folder / "prediction")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    records: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return {record["case"]: record for record in records}


def main() -> None:
    """Write the table of costs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HOUSE / "build/metrics")
    parser.add_argument("--raidionicsval", metavar="PYTHON", help="Interpreter that has the package.")
    arguments = parser.parse_args()
    folder = arguments.out.resolve()
    drawn = pairs()
    for case, masks in drawn.items():
        for side, mask in zip(("reference", "prediction"), masks, strict=True):
            save(Image(mask, GRID), folder / side / f"{case}.nii.gz")
    mine = {case: ours(folder, case) for case in drawn}
    rows: list[dict[str, Any]] = [{"Pair": case, "Residua (s)": f"{seconds:.2f}"} for case, seconds in mine.items()]
    notes = [f"Peak of memory: {peak_mb(folder, 1):.0f} MB for 5 cases, {peak_mb(folder, 4):.0f} MB for 20."]
    if arguments.raidionicsval:
        other = theirs(arguments.raidionicsval, folder)
        times = {case: other[case]["seconds"] / seconds for case, seconds in mine.items()}
        for row in rows:
            record = other[row["Pair"]]
            mark = " (whole masks alone)" if record["whole"] else ""
            row |= {"raidionicsval (s)": f"{record['seconds']:.1f}{mark}", "Ratio": f"{times[row['Pair']]:.0f}"}
        notes.append(f"Ratio: median {statistics.median(times.values()):.0f}, least {min(times.values()):.0f}.")
    table = Table(pd.DataFrame(rows), "Processor time of all metrics of a pair, reading included.", tuple(notes))
    write_text(folder / "metrics.md", to_markdown(table))
    print(to_markdown(table))


if __name__ == "__main__":
    main()
