"""How long Snakemake takes to plan the published study: 956 patients, nothing made yet, images empty placeholders.

.venv/bin/python benchmarks/plan.py --out build/plan
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

from _common import HOUSE, write_published_cohort
from residua.tables.render import Table, to_markdown


def plan(folder: Path) -> tuple[float, int]:
    """Seconds and jobs of one dry run, started as a user would start it."""
    command = [str(Path(sys.executable).parent / "snakemake"), "--dry-run", "--quiet", "rules", "--cores", "8"]
    command += ["--directory", str(folder), "--config", f"cohort={folder / 'cohort.tsv'}"]
    start = time.perf_counter()
    done = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, check=True)
    found = re.search(r"^total\s+(\d+)", done.stdout + done.stderr, re.MULTILINE)
    return time.perf_counter() - start, int(found.group(1)) if found else 0


def main() -> None:
    """Plan a few times and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HOUSE / "build" / "plan")
    parser.add_argument("--runs", type=int, default=3)
    wanted = parser.parse_args()
    shutil.rmtree(wanted.out, ignore_errors=True)
    write_published_cohort(wanted.out.resolve())
    rows = []
    for run in range(1, wanted.runs + 1):
        seconds, jobs = plan(wanted.out.resolve())
        rows.append({"run": run, "jobs": jobs, "seconds": f"{seconds:.1f}"})
    text = to_markdown(Table(pd.DataFrame(rows, dtype=object), "Planning the published study (956 patients)."))
    (wanted.out / "plan.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
