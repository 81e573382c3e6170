"""Compare AGU-Net from scans before surgery with AGU-Net from random weights: out-of-fold Dice, and epochs to the best.

    .venv/bin/residua simulate --out build/agunet_start/cohort --patients 24 --seed 1
    .venv/bin/python benchmarks/agunet_start.py build/agunet_start

The demo's study with AGU-Net and inputs B alone, three seeds, one study after the other in one folder: what does not
depend on the start is made once. An interrupted run goes on when the command is repeated. It prints a table for
docs/explanation/agunet.md from all that has ended by then; ``--table`` prints it and runs nothing.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Any

import pandas as pd
import yaml

HOUSE = Path(__file__).resolve().parents[1]
SEEDS = (20230613, 1, 2)
STARTS = ("none", "preoperative")
METRICS = "results/metrics/agunet/B.parquet"


def config_of(start: str, seed: int) -> dict[str, Any]:
    """Return the demo's configuration with AGU-Net on inputs B alone."""
    config: dict[str, Any] = yaml.safe_load((HOUSE / "tests/toy/config.yaml").read_text(encoding="utf-8"))
    config |= {"archs": ["agunet"], "inputs": {"B": config["inputs"]["B"]}, "conventions": []}
    config["sequences"]["moving"].remove("post_flair")
    config["networks"]["agunet"] |= {"init": start, "seed": seed}
    config["statistics"]["best_inputs"] = {name: {"agunet": "B"} for name in config["statistics"]["best_inputs"]}
    return config


def run(folder: Path, start: str, seed: int, kept: Path) -> None:
    """Run one study, and keep its measurements and the course of its trainings."""
    (folder / "config.yaml").write_text(yaml.safe_dump(config_of(start, seed), sort_keys=False), encoding="utf-8")
    snakemake = [
        str(Path(sys.executable).parent / "snakemake"),
        "--snakefile",
        str(HOUSE / "Snakefile"),
        "--cores",
        "1",
    ]
    where = ["--configfile", str(folder / "config.yaml"), "--directory", str(folder)]
    profile = ["--workflow-profile", str(HOUSE / "profiles/default")]
    prefix = ["--conda-prefix", str(HOUSE / ".snakemake/conda")]
    subprocess.run([*snakemake, *where, *profile, *prefix, METRICS], check=True)
    for network in (folder / "results/models/agunet").glob("*/fold*/network.json"):
        to = kept / network.parent.parent.name / network.parent.name
        to.mkdir(parents=True, exist_ok=True)
        shutil.copy(network, to)
    shutil.copy(folder / METRICS, kept)


def rows(folder: Path) -> Iterator[str]:
    """Yield the rows of the table: of each study that has ended, and the means of each start."""
    yield "| start | seed | Dice out of fold, residual tumour | epoch of the best weights, by fold |"
    yield "| --- | --- | --- | --- |"
    for start in STARTS:
        dices = []
        for seed in SEEDS:
            kept = folder / f"{start}_{seed}"
            if not (kept / "B.parquet").is_file():
                continue
            dices.append(dice_of(kept / "B.parquet"))
            epochs = [
                json.loads(each.read_text())["epoch_of_weights"] + 1 for each in sorted(kept.glob("B/*/network.json"))
            ]
            yield f"| {start} | {seed} | {100 * dices[-1]:.1f} | {', '.join(map(str, epochs))} |"
        if dices:
            yield f"| {start} | mean of {len(dices)} | {100 * mean(dices):.1f} | |"


def dice_of(metrics: Path) -> float:
    """Return the mean Dice of the validation patients who have residual tumour."""
    cases = pd.read_parquet(metrics)
    cases = cases[(cases["split"] == "validation") & (cases["reference_ml"] >= 0.175)]
    return float(cases["dice"].mean())


def main() -> None:
    """Run what has not ended, and print the table."""
    asked = argparse.ArgumentParser()
    asked.add_argument("folder", type=Path)
    asked.add_argument("--table", action="store_true")
    given = asked.parse_args()
    for seed in SEEDS:
        for start in STARTS:
            kept = given.folder / f"{start}_{seed}"
            if not given.table and not (kept / "B.parquet").is_file():
                run(given.folder, start, seed, kept)
    print("\n".join(rows(given.folder)))


if __name__ == "__main__":
    main()
