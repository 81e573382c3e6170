"""Measure what Snakemake and ``residua status`` take by the size of the study, from 100 to 5,000 patients.

The images are empty placeholders, and nothing is computed. "Done" is a study whose results all exist, as empty files
without Snakemake's records of them: their times are compared, not their parameters. ``status`` reads the log of a run
of which half the jobs ended. Jobs started are jobs that make one empty file each, as many as the study has patients.

.venv/bin/python benchmarks/scale.py --out build/scale
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from _common import HOUSE, PATIENTS_BY_HOSPITAL, write_published_cohort
from residua.tables.render import Table, to_markdown

BIN = Path(sys.executable).parent
PUBLISHED = sum(PATIENTS_BY_HOSPITAL.values())
MEASURES = ("Planning (s)", "Done (s)", "Memory (MB)", "Status (s)", "Jobs started a second")
STARTING_S = 15.0
TRIVIAL = """
rule all:
    input: expand("made/{{i}}", i=range({jobs}))
rule make:
    output: "made/{{i}}"
    shell: "touch {{output}}"
"""


def timed(command: Sequence[str | Path]) -> tuple[str, float, float]:
    """Run a command; returns what it printed, its processor time in seconds and its memory in MB."""
    with subprocess.Popen(
        command, cwd=HOUSE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None
        text = process.stdout.read()
        # Only this call tells the memory of one process.
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(text)
    return text, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000


def write_cohort(folder: Path, patients: int) -> None:
    """Write a cohort of so many patients, spread over the published hospitals."""
    table = write_published_cohort(folder, -(-patients // PUBLISHED))
    whole = pd.read_csv(table, sep="\t", dtype=str, keep_default_na=False)
    kept = [i * len(whole) // patients for i in range(patients)]
    whole.iloc[kept].to_csv(table, sep="\t", index=False)


def plan(folder: Path) -> tuple[str, float, float]:
    """Plan the study of a folder by a dry run."""
    command: list[str | Path] = [BIN / "snakemake", "--dry-run", "--cores", "8", "--directory", folder]
    return timed([*command, "--config", f"cohort={folder / 'cohort.tsv'}"])


def named(text: str, what: str) -> list[list[str]]:
    """Return the files that each job of a dry run names: its ``output`` or its ``benchmark``."""
    return [line.split(", ") for line in re.findall(rf"^    {what}: (.+)$", text, re.MULTILINE)]


def write_half_a_run(folder: Path, text: str) -> None:
    """Turn the text of a dry run into the log of a killed run, with the benchmarks of the jobs that ended."""
    begun, _, _ = text.rpartition("Job stats:")
    jobs = re.findall(r"^(?:local)?rule (\w+):$.*?^    jobid: (\d+)$", begun, re.MULTILINE | re.DOTALL)
    half = jobs[: len(jobs) // 2]
    ends = "".join(f"Finished jobid: {number} (Rule: {rule})\n" for rule, number in half)
    log = folder / ".snakemake" / "log" / "2026-01-01T000000.000000.snakemake.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(begun + ends)
    for (file,) in named(text, "benchmark")[: len(half)]:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text("s\tmax_rss\n1.0\t100\n")


def make_results(folder: Path, text: str) -> None:
    """Make every output of a dry run as an empty file or folder, all of one time: none is newer than another."""
    now = time.time()
    # Snakemake compares the times of the benchmarks, too.
    for outputs in named(text, "output") + named(text, "benchmark"):
        for output in outputs:
            path = folder / output
            if path.suffix:
                path.parent.mkdir(parents=True, exist_ok=True)
            else:
                path.mkdir(parents=True, exist_ok=True)
                path = path / ".snakemake_timestamp"
            path.touch()
            os.utime(path, (now, now))


def started_a_second(folder: Path, jobs: int) -> float:
    """Return how many jobs that do nothing start a second, in the first seconds of a run."""
    folder.mkdir(parents=True)
    (folder / "Snakefile").write_text(TRIVIAL.format(jobs=jobs))
    command: list[str | Path] = [BIN / "snakemake", "--snakefile", folder / "Snakefile", "--directory", folder]
    # As profiles/default says, without its environments.
    command += ["--cores", "2", "--workflow-profile", "none", "--scheduler", "greedy", "--keep-going"]
    with subprocess.Popen(command, cwd=HOUSE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not any(folder.glob("made/*")):
            time.sleep(0.05)
        try:
            process.wait(STARTING_S)
        except subprocess.TimeoutExpired:
            # Asked to leave, Snakemake sometimes waits for ever.
            process.kill()
    times = sorted(file.stat().st_mtime for file in folder.glob("made/*"))
    if len(times) < 2:
        sys.exit(f"{folder}: fewer than two jobs started")
    return (len(times) - 1) / (times[-1] - times[0])


def measure(folder: Path, patients: int) -> dict[str, float]:
    """Return the row of the table for a study of so many patients."""
    write_cohort(folder, patients)
    text, planning_s, memory_mb = plan(folder)
    total = re.search(r"^total\s+(\d+)", text, re.MULTILINE)
    write_half_a_run(folder, text)
    _, status_s, _ = timed([BIN / "residua", "status", folder])
    make_results(folder, text)
    again, done_s, _ = plan(folder)
    left = re.search(r"^total\s+(\d+)", again, re.MULTILINE)
    started = started_a_second(folder / "trivial", patients)
    row: dict[str, float] = {"Patients": patients, "Jobs": int(total.group(1)) if total else 0}
    row |= dict(zip(MEASURES, (planning_s, done_s, memory_mb, status_s, started), strict=True))
    return {**row, "Jobs left when done": int(left.group(1)) if left else 0}


def draw(rows: pd.DataFrame, file: Path) -> None:
    """Draw each measure by the number of patients."""
    figure, axes = plt.subplots(1, len(MEASURES), figsize=(3 * len(MEASURES), 3), layout="constrained")
    for axis, name in zip(axes, MEASURES, strict=True):
        axis.plot(rows["Patients"], rows[name], marker="o")
        axis.set(xlabel="Patients", ylabel=name, ylim=(0, None))
    figure.savefig(file)
    plt.close(figure)


def main() -> None:
    """Measure every size, and write the table and the plot anew after each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HOUSE / "build" / "scale")
    parser.add_argument("--patients", type=int, nargs="+", default=[100, 500, PUBLISHED, 2500, 5000])
    wanted = parser.parse_args()
    shutil.rmtree(wanted.out, ignore_errors=True)
    rows = pd.DataFrame()
    for patients in wanted.patients:
        folder = wanted.out.resolve() / f"{patients}"
        rows = pd.concat([rows, pd.DataFrame([measure(folder, patients)])], ignore_index=True)
        shown = rows.astype(object).map(lambda value: f"{value:.1f}" if isinstance(value, float) else str(value))
        text = to_markdown(Table(shown, "Planning and watching a study by its size; times are processor times."))
        (wanted.out / "scale.md").write_text(text)
        draw(rows, wanted.out / "scale.svg")
        print(text, flush=True)


if __name__ == "__main__":
    main()
