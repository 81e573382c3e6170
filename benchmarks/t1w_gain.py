"""Does T1w help, and for the reason the article gives? Toy studies with it, without it and with another patient's.

For every seed of the simulator one study with inputs A (T1w-CE), B (T1w-CE and T1w) and S (T1w-CE and the T1w of
another patient) is run to its metrics; the table compares out-of-fold Dice patient by patient.

    .venv/bin/python benchmarks/t1w_gain.py --out build/t1w_gain --seeds 1 2 3
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from _common import HOUSE
from residua.simulate.cohort import simulate_cohort
from residua.tables.render import Table, to_markdown

INPUTS = {"A": ["post_t1ce"], "B": ["post_t1ce", "post_t1"], "S": ["post_t1ce", "post_t1_shuffled"]}


def make_study(folder: Path, seed: int) -> None:
    """Simulate a toy cohort with a further column, in which every patient has the T1w of the next one drawn."""
    table = simulate_cohort(out=folder / "cohort", patients=24, seed=seed)
    cohort = pd.read_csv(table, sep="\t", dtype=str, keep_default_na=False)
    order = np.random.default_rng(seed).permutation(len(cohort))
    shuffled = np.empty(len(cohort), dtype=object)
    shuffled[order] = cohort["post_t1"].to_numpy()[np.roll(order, 1)]
    cohort["post_t1_shuffled"] = shuffled
    assert (cohort["post_t1_shuffled"] != cohort["post_t1"]).all()
    cohort.to_csv(table, sep="\t", index=False)
    config = yaml.safe_load((HOUSE / "tests/toy/config.yaml").read_text())
    config["sequences"]["moving"] = ["post_t1", "post_t1_shuffled"]
    config["labels"] = {"residual": "post_t1ce"}
    config["inputs"] = INPUTS
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))


def run_study(folder: Path) -> pd.DataFrame:
    """All metrics of the study; Snakemake reruns what changed since it ran."""
    command = [str(Path(sys.executable).parent / "snakemake"), "--profile", str(HOUSE / "tests/toy/profile")]
    command += ["--configfile", str(folder / "config.yaml"), "--directory", str(folder)]
    command += ["--cores", "2", "--quiet", "all"]
    metrics = [f"results/metrics/nnunet/{inputs}.parquet" for inputs in INPUTS]
    subprocess.run([*command, "--", *metrics], cwd=HOUSE, check=True)
    return pd.concat([pd.read_parquet(folder / file) for file in metrics])


def compare(metrics: pd.DataFrame, seed: int, cut_ml: float = 0.175) -> dict[str, object]:
    """One row: mean out-of-fold Dice of the patients with residual tumour, and the paired gains over inputs A."""
    cases = metrics[(metrics["split"] == "validation") & (metrics["reference_ml"] >= cut_ml)]
    dice = cases.pivot(index="patient", columns="inputs", values="dice")
    row: dict[str, object] = {"seed": seed, "patients": len(dice)}
    row |= {f"Dice {inputs}": f"{dice[inputs].mean():.3f}" for inputs in INPUTS}
    for inputs in ("B", "S"):
        gain = dice[inputs] - dice["A"]
        row[f"{inputs} − A"] = f"{gain.mean():+.3f}±{gain.std():.3f}"
        row[f"{inputs} better"] = f"{int((gain > 0).sum())} of {len(gain)}"
    held_out = metrics[(metrics["split"] == "test") & (metrics["reference_ml"] >= cut_ml)]
    means = held_out.groupby("inputs")["dice"].mean()
    return row | {f"hold-out DSC-P {inputs}": f"{means[inputs]:.3f}" for inputs in INPUTS}


def main() -> None:
    """Run every seed and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HOUSE / "build" / "t1w_gain")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    wanted = parser.parse_args()
    rows = []
    for seed in wanted.seeds:
        folder = wanted.out.resolve() / f"seed{seed}"
        make_study(folder, seed)
        rows.append(compare(run_study(folder), seed))
        print(rows[-1], flush=True)
    caption = "Out-of-fold Dice of nnU-Net in the toy study. S: the T1w of another patient. Gains: paired mean±sd."
    (wanted.out / "t1w_gain.md").write_text(to_markdown(Table(pd.DataFrame(rows, dtype=object), caption)))


if __name__ == "__main__":
    main()
