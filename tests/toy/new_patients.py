"""Simulate three new patients for the end of the demo: with all sequences, without T1w, and with T1w-CE alone."""

from __future__ import annotations

import csv
import sys
from importlib.resources import files
from pathlib import Path

import yaml

from residua.simulate.cohort import simulate_cohort

SEED = 2
"""Another than the demo's: no model has seen these patients."""
EVERYTHING = ("post_t1ce", "post_t1", "post_flair", "pre_t1ce", "pre_tumor")
GIVEN = {
    "NEW001": EVERYTHING,
    "NEW002": tuple(column for column in EVERYTHING if column != "post_t1"),
    "NEW003": ("post_t1ce",),
}


def simulate_new_patients(folder: Path) -> Path:
    """Simulate the patients into ``folder``, and return the table that ``residua predict --cohort`` takes."""
    design = yaml.safe_load((files("residua.simulate") / "designs" / "toy.yaml").read_text(encoding="utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    like = folder / "design.yaml"
    like.write_text(yaml.safe_dump({**design, "least_patients": len(GIVEN)}), encoding="utf-8")
    simulate_cohort(folder / "simulated", patients=len(GIVEN), processes=2, seed=SEED, like=str(like))
    with (folder / "simulated" / "cohort.tsv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    table = folder / "cohort.tsv"
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, ["patient", *EVERYTHING], delimiter="\t", restval="")
        writer.writeheader()
        for (patient, given), row in zip(GIVEN.items(), rows, strict=True):
            writer.writerow({"patient": patient} | {column: f"simulated/{row[column]}" for column in given})
    return table


if __name__ == "__main__":
    simulate_new_patients(Path(sys.argv[1]))
