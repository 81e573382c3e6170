"""Measure how Snakemake plans the published study, 956 patients, and one five times its size.

Nothing has been made yet, and the images are empty placeholders.

.venv/bin/python benchmarks/plan.py --out build/plan
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

from _common import HOUSE, PATIENTS_BY_HOSPITAL, write_published_cohort
from residua.tables.render import Table, to_markdown


def plan(folder: Path) -> dict[str, str]:
    """Plan once, as a user would, and return the row of the table: jobs, seconds and memory."""
    command = [str(Path(sys.executable).parent / "snakemake"), "--dry-run", "--quiet", "rules", "--cores", "8"]
    command += ["--directory", str(folder), "--config", f"cohort={folder / 'cohort.tsv'}"]
    start = time.perf_counter()
    with subprocess.Popen(command, cwd=HOUSE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        text = process.stdout.read()
        # Only this call tells the memory of one process.
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(text)
    total = re.search(r"^total\s+(\d+)", text, re.MULTILINE)
    return {
        "Jobs": total.group(1) if total else "0",
        "Processor time (s)": f"{used.ru_utime + used.ru_stime:.1f}",
        "Time (s)": f"{time.perf_counter() - start:.1f}",
        "Memory (MB)": f"{used.ru_maxrss / 1000:.0f}",
    }


def main() -> None:
    """Plan both cohorts a few times and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HOUSE / "build" / "plan")
    parser.add_argument("--runs", type=int, default=3)
    wanted = parser.parse_args()
    shutil.rmtree(wanted.out, ignore_errors=True)
    rows = []
    for times in (1, 5):
        folder = wanted.out.resolve() / f"{times}"
        write_published_cohort(folder, times)
        patients = str(times * sum(PATIENTS_BY_HOSPITAL.values()))
        rows += [{"Patients": patients, "Run": str(run), **plan(folder)} for run in range(1, wanted.runs + 1)]
    text = to_markdown(
        Table(pd.DataFrame(rows, dtype=object), "Planning the published study and one five times its size.")
    )
    (wanted.out / "plan.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
