"""A training step of AGU-Net against MONAI's AttentionUnet on the same device, and what feeds it.

    .venv/bin/python benchmarks/networks_agunet.py                                     (a ninth of the size)
    .venv/bin/python benchmarks/networks_agunet.py --full --steps 2 --threads 1 --precisions float32  (on processors)
    KERAS_BACKEND=jax python3 benchmarks/networks_agunet.py --python python3 --full    (with a card, without TensorFlow)

AGU-Net runs on TensorFlow in the environment of its trainings. Where that is not at hand, KERAS_BACKEND=jax runs the
same Keras layers, loss and optimiser on JAX, which always compiles with XLA; the table says so. AttentionUnet gets
about as many parameters, the same volumes, a Dice loss of its one output and Adam; ``--monai-python`` has PyTorch and
MONAI.

Every measurement is a process of its own, one after the other. A step's data lie on the device; ``fed`` is a step whose
data come from files by the loader. Backward is the step less the forward pass, so it holds the update.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

HOUSE = Path(__file__).resolve().parent.parent
STEPS = Path(__file__).parent / "networks_agunet_steps.py"
AS_TRAINED = (16, 32, 128, 256, 256)
OTHERS = {"MONAI AttentionUnet": (32, 64, 128, 256, 384), "the same with AGU-Net's filters": AS_TRAINED}
FULL = [128, 128, 144]
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
EPOCHS, STEPS_AN_EPOCH, VALIDATION_STEPS, TRAININGS, CARDS = (100, 300), 353, 88, 25, 6
"""Epochs until early stopping, a guess; steps of 706 training and 177 validation patients, mean of the folds."""


def run(python: str, what: str, asked: dict[str, Any]) -> dict[str, Any] | None:
    """Return the record of one measurement; None where it fails."""
    places = [str(HOUSE / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(places), "OMP_NUM_THREADS": str(asked["threads"])}
    variables |= {"TF_CPP_MIN_LOG_LEVEL": "3", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    done = subprocess.run([python, str(STEPS), what, json.dumps(asked)], env=variables, capture_output=True, text=True)
    if done.returncode:
        print(done.stdout[-500:], done.stderr[-1500:], file=sys.stderr, flush=True)
        return None
    record: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return record


def ways(wanted: argparse.Namespace) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Return name, interpreter, step and what to ask for of each measurement."""
    shape = FULL if wanted.full else wanted.shape
    same: dict[str, Any] = {"settings": published()}
    same |= {
        "shape": shape,
        "batch": 2,
        "channels": 2,
        "steps": wanted.steps,
        "threads": wanted.threads,
        "quick": wanted.quick,
        "kernels": wanted.kernels,
    }
    found = []
    for precision in wanted.precisions:
        others = OTHERS if tuple(wanted.features) == AS_TRAINED else {"MONAI AttentionUnet": wanted.features}
        others = dict(list(others.items())[: 1 if wanted.quick else None])
        for name, features in others.items():
            asked = {**same, "features": features, "precision": precision, "xla": False}
            found.append((name, wanted.monai_python, "monai", asked))
        for xla in wanted.xla:
            asked = {**same, "features": wanted.features, "precision": precision, "xla": xla == "on"}
            found.append(("AGU-Net", wanted.python, "agunet", asked))
    return found


def published() -> dict[str, Any]:
    """Return the settings of the published AGU-Net."""
    read: dict[str, Any] = yaml.safe_load((HOUSE / "config.yaml").read_text(encoding="utf-8"))["networks"]["agunet"]
    return read


def line(name: str, asked: dict[str, Any], record: dict[str, Any]) -> dict[str, str]:
    """Return one row of the table of steps."""
    fed, on, step, forward = record.get("fed_s"), record["on"], record["step_s"], record["forward_s"]
    compiled = {"JAX": "always", "TensorFlow": "on" if asked["xla"] else "off"}.get(on, "")
    return {
        "network": name,
        "on": f"{on}, {record['device']}",
        "parameters": f"{record['parameters'] / 1e6:.1f} M",
        "precision": asked["precision"],
        "XLA": compiled,
        "s a step": f"{step:.3f}",
        "CPU s": f"{record['step_cpu_s']:.2f}",
        "forward": "" if forward is None else f"{forward:.3f}",
        "backward": "" if forward is None else f"{step - forward:.3f}",
        "fed": "" if fed is None else f"{fed:.3f}",
        "memory": f"{record['memory_gib']:.1f} GiB",
    }


def markdown(rows: list[dict[str, str]]) -> str:
    """Return rows as a table."""
    heads = list(rows[0])
    cells = [heads, ["---"] * len(heads), *([row[head] for head in heads] for row in rows)]
    return "".join("| " + " | ".join(row) + " |\n" for row in cells)


def days(step_s: float) -> str:
    """Return the projected days of all trainings, between the fewest and the most epochs, on one card and on six."""
    epoch = STEPS_AN_EPOCH * step_s + VALIDATION_STEPS * step_s / 3
    fewest, most = (epochs * epoch / 86400 for epochs in EPOCHS)
    rounds = -(-TRAININGS // CARDS)
    return (
        f"{TRAININGS} trainings of {EPOCHS[0]} to {EPOCHS[1]} epochs (a guess) at {step_s:.3f} s a step, a step of the "
        f"validation a third: {TRAININGS * fewest:.1f} to {TRAININGS * most:.1f} days on one card, "
        f"{rounds * fewest:.1f} to {rounds * most:.1f} on {CARDS}.\n"
    )


def parsed() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HOUSE / "build" / "networks_agunet")
    parser.add_argument("--python", help="interpreter with Keras; by default that of the trainings' environment")
    parser.add_argument("--monai-python", help="interpreter with PyTorch and MONAI; default: MONAI's environment")
    parser.add_argument("--full", action="store_true", help="128×128×144 voxels")
    parser.add_argument("--shape", type=int, nargs=3, default=[64, 64, 64], help="voxels otherwise; multiples of 16")
    parser.add_argument("--features", type=int, nargs="+", default=AS_TRAINED, help="AGU-Net's filters, for a trial")
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--quick", action="store_true", help="whole steps alone, against one other network")
    parser.add_argument("--kernels", action="store_true", help="with JAX: what a step's time goes to, in the record")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--precisions", nargs="+", default=list(PRECISIONS), choices=PRECISIONS)
    parser.add_argument("--xla", nargs="+", default=["off"], choices=["off", "on"])
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no measurement after so many")
    wanted = parser.parse_args()
    if not wanted.python:
        import _common  # noqa: F401  finds the environments
        from environments import environment

        wanted.python = str(environment("tensorflow") / "bin/python")
        wanted.monai_python = wanted.monai_python or str(environment("monai") / "bin/python")
    wanted.monai_python = wanted.monai_python or wanted.python
    return wanted


def main() -> None:
    """Measure, and write the table and the records anew after each measurement."""
    wanted, begun = parsed(), time.monotonic()
    wanted.out.mkdir(parents=True, exist_ok=True)
    measured = ways(wanted)
    rows, records, fastest = list[dict[str, str]](), list[dict[str, Any]](), float("inf")
    loader = () if wanted.quick else ("movement", "data")
    beside = {what: run(wanted.python, what, {**measured[0][3], "steps": 6}) for what in loader}
    print(json.dumps(beside), flush=True)
    for name, python, what, asked in measured:
        record = run(python, what, asked) if time.monotonic() - begun < wanted.seconds else None
        if record is None:
            continue
        rows.append(line(name, asked, record))
        records.append({"network": name, "asked": {**asked, "settings": None}, **record})
        fastest = min(fastest, record["step_s"]) if what == "agunet" else fastest
        size = "×".join(map(str, asked["shape"]))
        told = (
            f"Batches of 2 volumes of {size} voxels with 2 channels, {wanted.steps} steps each.\n\n{markdown(rows)}\n"
        )
        told += days(fastest) if wanted.full and fastest < float("inf") else ""
        (wanted.out / "networks_agunet.md").write_text(told, encoding="utf-8")
        (wanted.out / "networks_agunet.json").write_text(json.dumps({"loader": beside, "steps": records}, indent=1))
        print(rows[-1], f"after {time.monotonic() - begun:.0f} s", flush=True)
    print((wanted.out / "networks_agunet.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
