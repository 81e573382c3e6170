"""What a patient's registrations cost and how far they are off: ours at its default against plain ANTs, in one run.

    .venv/bin/python benchmarks/registration.py --out build/registration

Simulated patients with all four scans on 430x461x180 voxels, the average of the article's reference grids, each
registration in a process of its own. Plain ANTs is ``ants.registration`` as it comes, on the same images; a third row
gives it images of our working spacing, which shows what the resolution alone buys. What is done is kept in ``--out``:
a call that was interrupted goes on, and ``--workers`` share the work. Plain ANTs takes a quarter of an hour a scan.
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from _common import HOUSE, steps_of
from residua.publishing.publish import read_json, write_json, write_text
from residua.simulate.design import Design, ScanSampling, load_design
from residua.simulate.patient import simulate_patient
from residua.simulate.plan import Assignment
from residua.tables.render import Table, to_markdown

STEPS = Path(__file__).parent / "registration_steps.py"
GRID = ScanSampling(spacing_mm=(0.56, 0.54, 0.93), field_of_view_mm=(240.8, 248.94, 167.4))
SEQUENCES = ("post_t1", "post_flair", "pre_t1ce")
METHODS = {
    "before": "no registration",
    "ours": "Residua, default",
    "ours_greedy": "Residua, greedy",
    "plain": "ANTs, full size",
    "coarse": "ANTs, our working spacing",
}
NUMBERS = ("cpu_s", "peak_gb", "mean_mm", "p95_mm", "cavity_mm", "label_percent")


def full_size(hospital: str) -> Design:
    """Return the design of table1 with the hospital's first scanner, whose scans all lie on the average grid."""
    design = load_design("table1")
    own = design.hospitals[hospital]
    grids = dict.fromkeys(("post_t1ce", *SEQUENCES), GRID)
    alone = own.model_copy(update={"scanners": (own.scanners[0].model_copy(update={"share": 1.0, **grids}),)})
    return design.model_copy(update={"hospitals": {**design.hospitals, hospital: alone}})


def simulated(out: Path, hospital: str, number: int) -> str:
    """Simulate a patient of this hospital unless it exists, and return its name."""
    patient = f"{hospital}001"
    if not (out / "truth" / patient / "made.json").is_file():
        simulate_patient(out, 1, Assignment(number, patient, hospital, True, False), full_size(hospital))
        write_json(out / "truth" / patient / "made.json", {})
    return patient


def measured(out: Path, cohort: Path, patient: str, sequence: str, method: str) -> dict[str, Any]:
    """Cost and error of one registration, from before where it was measured before."""
    kept = out / f"{patient}_{sequence}_{method}.json"
    if not kept.is_file():
        settings = yaml.safe_load((HOUSE / "config.yaml").read_text())["registration"]
        arguments = (str(cohort), patient, sequence, method, json.dumps(settings))
        write_json(kept, steps_of(STEPS, "core", *arguments)[0])
        print(kept.stem, read_json(kept), flush=True)
    return {"patient": patient, "sequence": sequence, "method": method, **read_json(kept)}


def table(rows: list[dict[str, Any]]) -> Table:
    """One line per patient and method, and one over all patients."""
    frame = pd.DataFrame(rows)
    how = {"cpu_s": "sum", "peak_gb": "max", "mean_mm": "mean", "p95_mm": "mean", "cavity_mm": "mean"}
    how["label_percent"] = "mean"
    patients = frame.groupby(["patient", "method"], sort=False).agg(how).reset_index()
    every = patients.groupby("method", sort=False)[list(NUMBERS)].mean().reset_index().assign(patient="mean")
    both = pd.concat([patients, every])
    shown = pd.DataFrame(
        {
            "patient": both["patient"],
            "method": both["method"].map(METHODS),
            "CPU s, three scans": both["cpu_s"].map("{:.0f}".format),
            "peak memory (GB)": both["peak_gb"].map("{:.1f}".format),
            "mean error (mm)": both["mean_mm"].map("{:.2f}".format),
            "95th percentile (mm)": both["p95_mm"].map("{:.2f}".format),
            "within 10 mm of the cavity (mm)": both["cavity_mm"].map("{:.2f}".format),
            "tumour's volume": both["label_percent"].map("{:+.1f} %".format),
        },
        dtype=object,
    )
    return Table(shown, "Registration of three scans of a patient to the T1w-CE, all of 430×461×180 voxels.")


def main() -> None:
    """Make the patients, measure what is not measured yet, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HOUSE / "build" / "registration")
    parser.add_argument("--hospitals", nargs="+", default=["STO", "SFR", "MIL"])
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--workers", type=int, default=1)
    wanted = parser.parse_args()
    cohort = wanted.out / "cohort"
    patients = [simulated(cohort, hospital, number) for number, hospital in enumerate(wanted.hospitals)]
    # Method by method, so that an interrupted run has whole rows of the faster ones.
    work = [(p, s, m) for m, p, s in product(wanted.methods, patients, SEQUENCES)]
    with ThreadPoolExecutor(wanted.workers) as pool:
        rows = list(pool.map(lambda one: measured(wanted.out, cohort, *one), work))
    text = to_markdown(table(rows))
    write_text(wanted.out / "registration.md", text)
    print(text)


if __name__ == "__main__":
    main()
