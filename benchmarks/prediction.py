"""A five-fold ensemble on full-size scans: what a patient costs here and with nnU-Net's own commands.

    .venv/bin/python benchmarks/prediction.py --out build/prediction
    .venv/bin/python benchmarks/prediction.py --features 32 64 128 256 320 --patients 1     (the published network)
    python benchmarks/prediction.py --python python --device cuda --published --one-fold --rounds 1    (with a card)

All begin with the same stripped images and the same weights, which are random, and end with probability maps on disk:

- ``residua``: the rules prepare and ensemble (which keeps the map of each fold, too);
- ``nnU-Net``: ``nnUNetv2_predict`` once with all folds of the exported model. It averages logits;
- ``nnU-Net, fold by fold``: ``nnUNetv2_predict`` with each fold, then ``nnUNetv2_ensemble``, as the export says. It
  averages probabilities, so that its maps must equal Residua's to 1e-4.

``--one-fold`` runs ``nnUNetv2_predict`` of the third way with one fold, and counts its time for each. ``--published``
is the published network at its spacing, on scans of 430×461×180 voxels.

Ways take turns, round by round. A way is all of its processes with their children: wall time, processor time, and the
peak of the memory that they hold together, shared pages counted once.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import yaml

from _common import HOUSE
from environments import environment
from residua.publishing.publish import write_json, write_text
from residua.tables.render import Table, to_markdown

STEPS = Path(__file__).parent / "prediction_steps.py"
OURS, ONCE, EACH = "residua", "nnU-Net", "nnU-Net, fold by fold"
Figures = dict[str, Any]


def commands(way: str, folder: Path, patients: int, asked: dict[str, Any]) -> list[tuple[int, list[str]]]:
    """Return the commands of a way, which run one after the other, and how often each counts."""
    if way == OURS:
        return [
            (1, [asked["python"], str(STEPS), step, str(folder), str(patients)]) for step in ("prepare", "ensemble")
        ]

    def nnunet(command: str, *arguments: str) -> list[str]:
        return [asked["python"], str(STEPS.with_name("nnunet_command.py")), command, *arguments]

    given = ["-d", "501", "-c", "3d_fullres", "-i", str(folder / f"first{patients}"), "-device", asked["device"]]
    given += ["-step_size", str(asked["settings"]["tile_step"]), "--save_probabilities", "--disable_progress_bar"]
    folds = [str(fold) for fold in range(asked["folds"])]
    if way == ONCE:
        return [(1, nnunet("predict", *given, "-o", str(folder / "once"), "-f", *folds))]
    outs = [str(folder / f"each{fold}") for fold in folds]
    each = [(1, nnunet("predict", *given, "-o", out, "-f", fold)) for fold, out in zip(folds, outs, strict=True)]
    if asked["one_fold"]:
        each, outs = [(len(folds), each[0][1])], [outs[0]] * len(folds)
    return [*each, (1, nnunet("ensemble", "-i", *outs, "-o", str(folder / "each"), "--save_npz"))]


def variables(folder: Path, threads: int) -> dict[str, str]:
    """Return the environment of every process."""
    kept = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONHOME")}
    places = {f"nnUNet_{name}": str(folder / f"nnUNet_{name}") for name in ("raw", "preprocessed", "results")}
    return {**kept, **places, "PYTHONPATH": str(HOUSE / "src"), "OMP_NUM_THREADS": str(threads)}


def measured(chain: list[tuple[int, list[str]]], given: dict[str, str]) -> Figures:
    """Run commands one after the other: seconds, processor seconds, peak memory in MiB, and what the last one says."""
    figures: Figures = {"s": 0.0, "cpu_s": 0.0, "mib": 0.0}
    for times, command in chain:
        with tempfile.TemporaryFile("w+") as said:
            begun = time.monotonic()
            process = subprocess.Popen(command, env=given, stdout=said, stderr=subprocess.STDOUT, text=True)
            peak, ended = [0.0], threading.Event()
            watch = threading.Thread(target=watched, args=(process.pid, peak, ended))
            watch.start()
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            figures["s"] += times * (time.monotonic() - begun)
            ended.set()
            watch.join()
            said.seek(0)
            *_, last = said.read().splitlines() or [""]
            if process.returncode:
                said.seek(0)
                sys.exit(said.read())
        figures["cpu_s"] += times * (used.ru_utime + used.ru_stime)
        figures["mib"] = max(figures["mib"], peak[0])
        if last.startswith("{"):
            figures |= json.loads(last)
    return figures


def watched(pid: int, peak: list[float], ended: threading.Event) -> None:
    """Keep the largest memory of a process and its children."""
    while not ended.wait(0.2):
        total = 0
        try:
            for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
                total += process.memory_full_info().pss
        except (psutil.Error, OSError):
            continue
        peak[0] = max(peak[0], total / 2**20)


def make(folder: Path, asked: dict[str, Any], given: dict[str, str]) -> None:
    """Make images and models anew."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "stripped").mkdir(parents=True)
    write_json(folder / "asked.json", asked)
    measured([(1, [asked["python"], str(STEPS), "make", str(folder)])], given)
    for patients in {1, asked["patients"]}:
        (folder / f"first{patients}").mkdir()
        for file in sorted((folder / "stripped").iterdir())[: patients * asked["channels"]]:
            (folder / f"first{patients}" / file.name).symlink_to(file)


def differences(python: str, folder: Path, patients: int, given: dict[str, str]) -> dict[str, float | None]:
    """Return how far the maps of the last runs are from nnU-Net's."""
    command = [python, str(STEPS), "apart", str(folder), str(patients)]
    done = subprocess.run(command, env=given, capture_output=True, text=True, check=True)
    found: dict[str, float | None] = json.loads(done.stdout.splitlines()[-1])
    return found


def table(runs: pd.DataFrame, apart: dict[int, dict[str, float | None]], caption: str) -> Table:
    """One line per way and number of patients: medians over the rounds, and of the ratios within a round."""
    lines = []
    for patients, way in dict.fromkeys(zip(runs["patients"].tolist(), runs["way"].tolist(), strict=True)):
        mine = runs[(runs["patients"] == patients) & (runs["way"] == way)]
        ours = runs[(runs["patients"] == patients) & (runs["way"] == OURS)].set_index("round")
        ratios = {each: (ours[each] / mine.set_index("round")[each]).median() for each in ("s", "cpu_s")}
        difference = None if way == OURS else apart[patients].get("once" if way == ONCE else "each")
        lines.append(
            {
                "patients": patients,
                "way": way,
                "s a patient": f"{mine['s'].median() / patients:.1f}",
                "of these with all loaded": f"{mine['predict_s'].median() / patients:.1f}" if way == OURS else "",
                "CPU s a patient": f"{mine['cpu_s'].median() / patients:.1f}",
                "peak memory": f"{mine['mib'].median() / 1024:.1f} GiB",
                "Residua takes": "" if way == OURS else f"{ratios['s']:.2f} × (CPU {ratios['cpu_s']:.2f} ×)",
                "largest difference": "" if difference is None else f"{difference:.1e}",
            }
        )
    return Table(pd.DataFrame(lines, dtype=object), caption)


def parsed() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HOUSE / "build" / "prediction")
    parser.add_argument("--config", type=Path, default=HOUSE / "config.yaml", help="where the network is described")
    parser.add_argument("--grid", type=int, nargs=3, default=[240, 240, 155], help="voxels of a scan")
    parser.add_argument("--spacing", type=float, nargs=3, default=[1.0, 1.0, 1.0], help="their size in mm")
    parser.add_argument("--features", type=int, nargs="+", default=[4, 8, 16, 32, 40], help="width of each level")
    parser.add_argument("--network-spacing", type=float, nargs=3, default=[1.0, 1.0, 1.0])
    parser.add_argument("--mirror", action="store_true", help="average over the eight mirrorings")
    parser.add_argument("--channels", type=int, default=2)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--patients", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--device", default="cpu", choices=["cpu", "cuda"], help="nnU-Net's; Residua takes a card there is"
    )
    parser.add_argument(
        "--python", help="interpreter that has PyTorch and nnU-Net; default: the workflow's environment"
    )
    parser.add_argument(
        "--one-fold", action="store_true", help="run nnU-Net with one fold, and count it for every fold"
    )
    parser.add_argument("--published", action="store_true", help="network and scans of the published study")
    parser.add_argument("--ways", nargs="+", default=[OURS, ONCE, EACH], choices=[OURS, ONCE, EACH])
    return parser.parse_args()


def main() -> None:
    """Make the images and the models, let the ways take turns, and write the table."""
    wanted = parsed()
    if wanted.published:
        wanted.features, wanted.network_spacing = [32, 64, 128, 256, 320], [0.5, 0.5, 1.0]
        wanted.grid, wanted.spacing = [430, 461, 180], [0.47, 0.47, 1.0]
    settings = yaml.safe_load(wanted.config.read_text())["networks"]["nnunet"]
    augmentation = "nnunet" if wanted.mirror else "nnunet_without_mirroring"
    settings |= {"features": wanted.features, "spacing_mm": wanted.network_spacing, "augmentation": augmentation}
    sizes = {name: getattr(wanted, name) for name in ("grid", "spacing", "channels", "folds", "patients")}
    sizes |= {"device": wanted.device, "one_fold": wanted.one_fold}
    asked = {**sizes, "python": wanted.python or str(environment("torch") / "bin/python"), "settings": settings}
    folder = wanted.out.resolve() / "work"
    given = variables(folder, wanted.threads)
    make(folder, asked, given)
    card = measured([(1, [asked["python"], str(STEPS), "device"])], given)
    print(card, flush=True)
    runs, apart = list[dict[str, Any]](), dict[int, dict[str, float | None]]()
    caption = (
        f"Scans of {'×'.join(map(str, wanted.grid))} voxels, {wanted.channels} channels, {wanted.folds} folds, "
        f"features {wanted.features} at {wanted.network_spacing} mm, {'' if wanted.mirror else 'not '}mirrored, "
        f"{wanted.threads} threads, {card['device']}; median of {wanted.rounds} rounds."
        f"{' One fold of nnU-Net was run and counted for each.' if wanted.one_fold else ''}"
    )
    for patients in sorted({1, wanted.patients}):
        for number in range(wanted.rounds):
            for way in wanted.ways:
                figures = measured(commands(way, folder, patients, asked), given)
                runs.append({"patients": patients, "round": number, "way": way, **figures})
                print(runs[-1], f"load {os.getloadavg()[0]:.1f}", flush=True)
        apart[patients] = {} if wanted.one_fold else differences(asked["python"], folder, patients, given)
        text = to_markdown(table(pd.DataFrame(runs), apart, caption))
        write_text(wanted.out / "prediction.md", text)
        print(text, flush=True)


if __name__ == "__main__":
    main()
