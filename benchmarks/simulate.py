"""How long simulating takes: one patient of toy and micro, of table1 one of each scanner of some hospitals.

.venv/bin/python benchmarks/simulate.py --out build/simulate

Each patient is made alone, in a process of its own, and what counts is that process's own time on a processor, so that
other work on the machine does not. Raters count in, where a patient has them.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import count
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

from _common import HOUSE
from residua.images import volumes
from residua.publishing.publish import write_text
from residua.simulate.design import Design, load_design
from residua.simulate.patient import simulate_patient
from residua.simulate.plan import Assignment
from residua.tables.render import Table, to_markdown

COLUMNS = (
    "design",
    "hospital",
    "field",
    "T1w-CE grid",
    "voxels of four sequences",
    "CPU seconds",
    "peak memory",
    "on disk",
)


def measured(out: Path, assignment: Assignment, design: Design) -> tuple[float, float, dict[str, str]]:
    """CPU seconds, peak memory in GB, and the patient's row."""
    start = time.process_time()
    row, _ = simulate_patient(out, 1, assignment, design)
    return time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, row


def described(like: str, out: Path, assignment: Assignment, design: Design) -> dict[str, str]:
    """One line of the table."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        seconds, memory_gb, row = pool.submit(measured, out, assignment, design).result()
    grids = [volumes.load_grid(out / row[name]) for name in ("post_t1ce", "post_t1", "post_flair", "pre_t1ce")]
    mib = sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 2**20
    voxels = sum(float(np.prod(grid.shape)) for grid in grids)
    shutil.rmtree(out)
    shape, spacing = grids[0].shape, grids[0].spacing_mm
    return dict(
        zip(
            COLUMNS,
            (
                like,
                assignment.hospital + (", with raters" if assignment.rated else ""),
                f"{row['field_strength_t']} T",
                "×".join(map(str, shape)) + " of " + "×".join(f"{step:.2g}" for step in spacing) + " mm",
                f"{voxels / 1e6:.1f} M",
                f"{seconds:.1f}",
                f"{memory_gb:.1f} GB",
                f"{mib:.0f} MiB",
            ),
            strict=True,
        )
    )


def one_of_each(like: str, hospitals: list[str]) -> list[tuple[Assignment, Design]]:
    """Choose a patient of the raters' hospital of a small design; of table1 one of every scanner of these hospitals."""
    design, numbers = load_design(like), count()
    chosen = []
    for name in hospitals if like == "table1" else [design.raters_hospital]:
        hospital = design.hospitals[name]
        for scanner in hospital.scanners:
            alone = hospital.model_copy(update={"scanners": (scanner,)})
            own = design.model_copy(update={"hospitals": {**design.hospitals, name: alone}})
            rated = like != "table1" or (name == design.raters_hospital and scanner is hospital.scanners[0])
            chosen.append((Assignment(next(numbers), f"{name}001", name, True, rated), own))
    return chosen


def main() -> None:
    """Make one patient after the other, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HOUSE / "build" / "simulate")
    parser.add_argument("--like", nargs="+", default=["micro", "toy", "table1"])
    parser.add_argument("--hospitals", nargs="+", default=["STO", "SFR", "ALK", "AMS"], help="of table1")
    wanted = parser.parse_args()
    rows = []
    for like in wanted.like:
        for assignment, design in one_of_each(like, wanted.hospitals):
            rows.append(described(like, wanted.out / "cohort", assignment, design))
            print(rows[-1], flush=True)
    table = Table(pd.DataFrame(rows, dtype=object), "Time to simulate one patient in one process.")
    write_text(wanted.out / "simulate.md", to_markdown(table))


if __name__ == "__main__":
    main()
