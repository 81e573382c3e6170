"""What benchmarks/networks_nnunet.py runs in the environment of nnU-Net: networks_nnunet_steps.py OUT [SETTING=VALUE…].

On a machine that has PyTorch and nnunetv2 and no workflow, such as one with a card, run it by itself:

    PYTHONPATH=src OMP_NUM_THREADS=12 python3 benchmarks/networks_nnunet_steps.py build/networks_nnunet

It makes prepared patients in Residua's form and in nnU-Net's own, lets the two trainers take turns, and writes
``nnunet_steps.md`` and ``nnunet_steps.csv``. A way that does not begin within ``seconds`` is left out and named.
"""

from __future__ import annotations

import gc
import os
import platform
import resource
import shutil
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import yaml

from networks_nnunet_data import Asked, make, nnUNetTrainer
from networks_nnunet_sides import Ours, Own, Way, ways
from residua.networks.cases import TrainingSet
from residua.networks.nnunet.speed import Speed

_FIRST = 12
"""Ways that are measured before the loader is."""
STEPS_A_TRAINING, VALIDATION_STEPS, TRAININGS, DAY_S = 250 * 1000, 50 * 1000, 50, 86400


def steps_of(trainer: nnUNetTrainer, steps: int) -> dict[str, float]:
    """Return seconds of a step, of its parts, and of a validation step, and the card's memory."""
    on_card = trainer.device.type == "cuda"
    wait_for_card = torch.cuda.synchronize if on_card else lambda: None
    if on_card:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    trainer.network.train()
    begun = time.perf_counter()
    # A processor chooses no kernels and compiles nothing.
    for _ in range(3 if on_card else 1):
        trainer.train_step(next(trainer.dataloader_train))
    warm = time.perf_counter() - begun
    waiting, used, whole = 0.0, 0.0, time.perf_counter()
    for _ in range(steps):
        begun = time.perf_counter()
        batch = next(trainer.dataloader_train)
        waiting += time.perf_counter() - begun
        spent = time.process_time()
        trainer.train_step(batch)
        used += time.process_time() - spent
    whole = (time.perf_counter() - whole) / steps
    further = max(2 if on_card else 1, steps // 3)
    forward, backward = parts_of(trainer, further, wait_for_card)
    trainer.network.eval()
    with torch.no_grad():
        trainer.validation_step(next(trainer.dataloader_val))
        begun = time.perf_counter()
        for _ in range(further):
            trainer.validation_step(next(trainer.dataloader_val))
        validation = (time.perf_counter() - begun) / further
    held = torch.cuda.max_memory_reserved() / 2**30 if on_card else peak_of_process()
    days = (STEPS_A_TRAINING * whole + VALIDATION_STEPS * validation) * TRAININGS / DAY_S
    return {
        "Step (s)": whole, "Step without its data (CPU s)": used / steps, "Waiting for data (s)": waiting / steps,
        "Forward (s)": forward, "Backward (s)": backward,
        "Validation step (s)": validation, "First steps (s)": warm, "Memory (GiB)": held,
        "50 trainings, one card (days)": days, "six cards (days)": days / 6,
    }  # fmt: skip


def peak_of_process() -> float:
    """Return the peak of the process's memory so far in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def parts_of(trainer: nnUNetTrainer, steps: int, wait_for_card: Any) -> tuple[float, float]:
    """Return seconds until the loss is known, and from there to the end of the step."""
    loss, known = trainer.loss, []

    def timed(*given: Any) -> Any:
        value = loss(*given)
        wait_for_card()
        known.append(time.perf_counter())
        return value

    trainer.loss = timed
    forward = backward = 0.0
    for _ in range(steps):
        batch = next(trainer.dataloader_train)
        wait_for_card()
        begun = time.perf_counter()
        trainer.train_step(batch)
        wait_for_card()
        forward, backward = forward + known[-1] - begun, backward + time.perf_counter() - known[-1]
    trainer.loss = loss
    return forward / steps, backward / steps


def measured(
    asked: Asked, chosen: Sequence[Way], data: TrainingSet, folder: Path, started: float
) -> Iterator[dict[str, Any]]:
    """Yield a row for each of the chosen ways."""
    sides: dict[bool, Any] = {True: Ours(asked, data, folder), False: Own(asked, folder)}
    before: bool | None = None
    for way in chosen:
        speed = way.speed or Speed(channels_last=False, tries_kernels=True, compiled=way.compiled)
        row = {
            "Trainer": way.name, "Layout": "channels last" if speed.channels_last else "contiguous",
            "cuDNN benchmark": speed.tries_kernels, "Compiled": way.compiled,
            "Precision": "bfloat16" if speed.bfloat16 else "float16",
        }  # fmt: skip
        if not torch.cuda.is_available():
            row |= {"Layout": "contiguous", "cuDNN benchmark": False, "Precision": "float32"}
        if time.perf_counter() - started > asked.seconds:
            yield {**row, "Remark": "left out: no time"}
            continue
        if before is not None and before != bool(way.speed):
            # One loader at a time: two would share the processors.
            sides[before].end()
        before = bool(way.speed)
        yield row | one(sides[before], way, asked.steps)
    for side in sides.values():
        side.end()


def one(side: Any, way: Way, steps: int) -> dict[str, Any]:
    """Return the figures of one way, or why there are none."""
    try:
        torch._dynamo.reset()
        trainer = side.trainer(way)
        figures = steps_of(trainer, steps)
        del trainer
    # A compiler that is missing shall not lose what was measured before.
    except Exception as error:
        traceback.print_exc()
        return {"Remark": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:120]}
    gc.collect()
    return {name: round(figure, 4) for name, figure in figures.items()}


def loading(asked: Asked, data: TrainingSet, folder: Path) -> list[dict[str, Any]]:
    """Return seconds a batch of the loader alone, by the number of its processes."""
    rows = []
    threads = os.environ["OMP_NUM_THREADS"]
    for processes in [number for number in (2, 4, 8, 11) if number <= (os.cpu_count() or 1)]:
        os.environ["OMP_NUM_THREADS"] = str(processes + 1)
        side = Ours(asked, data, folder)
        trainer = side.trainer(Way("Residua", Speed(compiled=False), False))
        # Batches that wait already cost nothing.
        for _ in range(processes):
            next(trainer.dataloader_train)
        begun, count = time.perf_counter(), 3 * processes
        for _ in range(count):
            next(trainer.dataloader_train)
        rows.append({"Processes": processes, "Seconds a batch": round((time.perf_counter() - begun) / count, 4)})
        print(rows[-1], flush=True)
        side.end()
    os.environ["OMP_NUM_THREADS"] = threads
    return rows


def card() -> str:
    """Return the name of the card, if there is one."""
    if not torch.cuda.is_available():
        return f"no card, {platform.machine()}"
    return f"{torch.cuda.get_device_name()}, cuDNN {torch.backends.cudnn.version()}"


def table(rows: list[dict[str, Any]], out: Path, name: str, title: str) -> None:
    """Write rows as Markdown and CSV."""
    frame = pd.DataFrame(rows, dtype=object).fillna("")
    frame.to_csv(out / f"{name}.csv", index=False)
    lines = [title, "", "| " + " | ".join(frame.columns) + " |", "|" + " --- |" * len(frame.columns)]
    lines += ["| " + " | ".join(str(value) for value in row) + " |" for row in frame.itertuples(index=False)]
    (out / f"{name}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines), flush=True)


def main(out: Path, asked: Asked) -> None:
    """Measure and write the tables."""
    started = time.perf_counter()
    os.environ.setdefault("OMP_NUM_THREADS", "12")
    out.mkdir(parents=True, exist_ok=True)
    folder = out / "data"
    shutil.rmtree(folder, ignore_errors=True)
    data = make(asked, folder)
    print(f"data made after {time.perf_counter() - started:.0f} s", flush=True)
    where = (
        f"{card()}, PyTorch {torch.__version__}, {os.cpu_count()} processors, {os.environ['OMP_NUM_THREADS']} threads"
    )
    about = f"patch {'×'.join(map(str, asked.settings.patch_size))}, {asked.channels} channels, {asked.steps} steps"
    rows: list[dict[str, Any]] = []

    def measure(chosen: Sequence[Way]) -> None:
        for row in measured(asked, chosen, data, folder, started):
            rows.append(row)
            table(rows, out, "nnunet_steps", f"nnU-Net, {about}. {where}.")

    every = ways(torch.cuda.is_available(), asked.brief)
    measure(every[:_FIRST])
    if not asked.brief:
        table(loading(asked, data, folder), out, "nnunet_loading", f"The loader alone, {about}. {where}.")
    measure(every[_FIRST:])
    shutil.rmtree(folder)
    print(f"all after {time.perf_counter() - started:.0f} s", flush=True)


def given(arguments: list[str]) -> Asked:
    """Read SETTING=VALUE."""
    values: dict[str, Any] = {}
    for name, value in (argument.split("=", 1) for argument in arguments):
        read = yaml.safe_load(value)
        values[name] = tuple(read) if isinstance(read, list) else read
    if unknown := set(values) - {field.name for field in fields(Asked)}:
        sys.exit(f"unknown settings: {', '.join(sorted(unknown))}")
    return Asked(**values)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), given(sys.argv[2:]))
