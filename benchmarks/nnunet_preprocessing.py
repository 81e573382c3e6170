"""Prepare inputs A to E once by channel, and as five data sets by nnU-Net's own commands: processor time and disk.

    .venv/bin/python benchmarks/nnunet_preprocessing.py                                   (a minute)
    .venv/bin/python benchmarks/nnunet_preprocessing.py --spacing 0.5 0.5 1.0 --cases 3   (the published grid)

Both start from the same stripped images, whose voxels differ by a tenth from case to case, and resample them to one
spacing. nnU-Net's fingerprint and planning are timed apart, with the start of its processes; Residua needs neither.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from _common import HOUSE, steps_of
from residua.publishing.publish import write_text
from residua.tables.render import Table, to_markdown

STEPS = Path(__file__).parent / "nnunet_preprocessing_steps.py"
WANTED = 0.4
"""Of nnU-Net's processor time and disk."""


def table(rows: pd.DataFrame, caption: str) -> Table:
    """One line for each of the two, and what one is of the other."""
    ours, theirs = rows[rows["who"] == "Residua"].iloc[0], rows[rows["who"] == "nnU-Net"].iloc[0]
    lines = [
        {"": row["who"], "channels": row["channels"], "CPU s": f"{row['cpu_s']:.1f}", "MiB": f"{row['mib']:.1f}"}
        for _, row in rows.iterrows()
    ]
    ratio = {name: f"{ours[name] / theirs[name]:.2f} ×" for name in ("cpu_s", "mib")}
    lines.append({"": "Residua takes", "channels": "", "CPU s": ratio["cpu_s"], "MiB": ratio["mib"]})
    return Table(pd.DataFrame(lines, dtype=object), caption)


def main() -> None:
    """Prepare both ways, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HOUSE / "build" / "nnunet_preprocessing")
    parser.add_argument("--spacing", type=float, nargs=3, default=[2.0, 2.0, 2.0], help="x, y, z in mm")
    parser.add_argument("--cases", type=int, default=3)
    wanted = parser.parse_args()
    shutil.rmtree(wanted.out, ignore_errors=True)
    wanted.out.mkdir(parents=True)
    rows: list[dict[str, Any]] = steps_of(
        STEPS, "torch", str(wanted.out.resolve()), str(wanted.cases), *map(str, wanted.spacing)
    )
    found = pd.DataFrame(rows)
    voxels = "×".join(f"{mm:g}" for mm in np.asarray(wanted.spacing))
    text = to_markdown(table(found, f"{wanted.cases} cases, inputs A to E, {voxels} mm: processor seconds and MiB."))
    write_text(wanted.out / "nnunet_preprocessing.md", text)
    print(text, flush=True)


if __name__ == "__main__":
    main()
