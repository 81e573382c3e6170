"""Take one training step of nnU-Net at the full patch of its plan, and tell its time and memory.

Run it with the Python of the environment of nnU-Net, on a card or on processors:

PYTHONPATH=src .snakemake/conda/{the environment of envs/torch.yaml}/bin/python benchmarks/nnunet_full_step.py

It takes the published configuration with two images; ``--plans`` takes the 3d_fullres of a plans file instead, such as
one of results/plans/nnunet. ``--batch`` and ``--patch`` change the batch and the patch (x, y, z).
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

import torch
import yaml

from residua.networks.cases import Channel, TrainingSet
from residua.networks.nnunet.planned import numbers_of
from residua.networks.nnunet.plans import make_dataset, make_plans
from residua.networks.nnunet.settings import NnUNetSettings
from residua.networks.nnunet.train import new_trainer
from residua.networks.nnunet.trainer import StudyTrainer
from residua.networks.unfinished import Unfinished

HOUSE = Path(__file__).resolve().parents[1]
CHANNELS = (Channel("post_t1ce", is_label=False), Channel("post_t1", is_label=False))


def settings_of(plans: Path | None, batch: int | None, patch: list[int] | None) -> NnUNetSettings:
    """Return the published settings with the numbers of ``plans``, and another batch and patch if they are given."""
    published = yaml.safe_load((HOUSE / "config.yaml").read_text(encoding="utf-8"))["networks"]["nnunet"]
    planned = numbers_of(plans, "3d_fullres", {}) if plans else {}
    own = {"batch_size": batch, "patch_size": patch}
    return NnUNetSettings.model_validate(
        {**published, **planned, **{key: value for key, value in own.items() if value}}
    )


def trainer_of(settings: NnUNetSettings, folder: Path) -> StudyTrainer:
    """Return a trainer without data."""
    trainer = new_trainer(make_plans(settings, CHANNELS), make_dataset(CHANNELS))
    nobody = TrainingSet(CHANNELS, {}, {}, (), ())
    trainer.configure(nobody, settings, folder, lambda done, total: None, Unfinished(folder, ".pth", 1))
    trainer.initialize()
    return trainer


def step(trainer: StudyTrainer, settings: NnUNetSettings) -> float:
    """Return the loss of a step on a batch of noise with a cube of tumour."""
    shape = tuple(reversed(settings.patch_size))
    target = torch.zeros((settings.batch_size, 1, *shape), dtype=torch.int16)
    target[:, :, : shape[0] // 4, : shape[1] // 4, : shape[2] // 4] = 1
    scales = trainer._get_deep_supervision_scales() or [[1.0] * 3]
    sizes = [[round(n * part) for n, part in zip(shape, scale, strict=True)] for scale in scales]
    targets = [torch.nn.functional.interpolate(target.float(), size).to(torch.int16) for size in sizes]
    images = torch.randn((settings.batch_size, len(CHANNELS), *shape))
    keys = ["noise"] * settings.batch_size
    return float(trainer.train_step({"data": images, "target": targets, "keys": keys})["loss"])


def main() -> None:
    """Print one JSON record."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--plans", type=Path)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--patch", type=int, nargs=3)
    asked = parser.parse_args()
    settings = settings_of(asked.plans, asked.batch, asked.patch)
    with tempfile.TemporaryDirectory() as folder:
        trainer = trainer_of(settings, Path(folder))
        on_card = trainer.device.type == "cuda"
        trainer.network.train()
        if on_card:
            # The first step of a card also chooses its kernels.
            step(trainer, settings)
        start, used = time.perf_counter(), time.process_time()
        loss = step(trainer, settings)
        seconds, used = time.perf_counter() - start, time.process_time() - used
    peak = torch.cuda.max_memory_allocated() if on_card else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    record = {
        "on": torch.cuda.get_device_name() if on_card else f"{torch.get_num_threads()} thread(s)",
        "patch_size": settings.patch_size,
        "batch_size": settings.batch_size,
        "million_weights": round(sum(each.numel() for each in trainer.network.parameters()) / 1e6, 2),
        "loss": round(loss, 4),
        "seconds": round(seconds, 1),
        "cpu_seconds": round(used, 1),
        "peak_gb": round(peak / 1e9, 2),
    }
    print(json.dumps(record))


if __name__ == "__main__":
    main()
