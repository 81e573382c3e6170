"""nnU-Net's planner, ResEnc and starts from a checkpoint, in the torch environment: python plans_check.py FOLDER.

Prints one JSON record.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from batchgeneratorsv2.transforms.utils.random import RandomTransform
from network_contract import CHANNELS, PATIENTS, make_cases, prepare_all

from residua.errors import ResiduaError
from residua.images.volumes import Grid
from residua.networks.cases import Channel, TrainingSet
from residua.networks.nnunet.model import load_model
from residua.networks.nnunet.planned import numbers_of
from residua.networks.nnunet.planner import make_plan
from residua.networks.nnunet.plans import make_dataset, make_plans
from residua.networks.nnunet.pretrained import start_from
from residua.networks.nnunet.settings import NnUNetSettings, PretrainedWeights
from residua.networks.nnunet.train import new_trainer, train
from residua.networks.nnunet.trainer import StudyTrainer
from residua.networks.registry import load_of
from residua.networks.unfinished import Unfinished
from residua.preparation.brain_crop import Crop
from residua.publishing.publish import digest

BRAINS_MM = ((130, 165, 140), (140, 175, 145), (150, 185, 150))


def planned(folder: Path, plan: str, spacing: tuple[float, ...]) -> dict[str, Any]:
    """What the planner decides for brains of three sizes, in a head of twice the size."""
    crops = []
    for brain in BRAINS_MM:
        shape = [round(length / size) for length, size in zip(brain, spacing, strict=True)]
        grid = Grid((2 * shape[0], 2 * shape[1], 2 * shape[2]), np.diag([*spacing, 1.0]))
        x, y, z = (slice(5, 5 + n) for n in shape)
        crops.append(Crop(grid, (x, y, z)))
    made = make_plan(crops, CHANNELS, plan)
    file = folder / f"{plan}.json"
    file.write_text(json.dumps(made), encoding="utf-8")
    whole = made["configurations"]["3d_fullres"]
    return {
        "masked": whole["use_mask_for_norm"],
        **numbers_of(file, "3d_fullres", {"B": [channel.is_label for channel in CHANNELS]}),
    }


def trained(data: TrainingSet, settings: NnUNetSettings, folder: Path) -> dict[str, Any]:
    """A residual network after a step, and what it predicts with the weights that were stored."""
    train(data, settings, folder, lambda done, total: None)
    model = load_model(folder, torch.device("cpu"))
    case = data.cases[PATIENTS[2]]
    found = load_of("nnunet")([folder])(case).data
    return {
        "network": type(model.network).__name__,
        "finite": bool(np.isfinite(found).all()),
        "spread": float(found.std()),
    }


def _set_up(data: TrainingSet, settings: NnUNetSettings, folder: Path, channels: tuple[Channel, ...]) -> StudyTrainer:
    """A trainer of these settings before its first step."""
    trainer = new_trainer(make_plans(settings, channels), make_dataset(channels))
    trainer.configure(data, settings, folder, lambda done, total: None, Unfinished(folder, ".pth", 1))
    trainer.initialize()
    return trainer


def _checkpoint(data: TrainingSet, settings: NnUNetSettings, folder: Path) -> PretrainedWeights:
    """What nnU-Net's own trainer saves, with numpy's numbers in its log."""
    trainer = _set_up(data, settings, folder, data.channels)
    trainer.logger.log("mean_fg_dice", np.float64(0.5), 0)
    file = folder / "checkpoint_final.pth"
    trainer.save_checkpoint(str(file))
    return PretrainedWeights(file=str(file), sha256=digest(file))


def started(data: TrainingSet, settings: NnUNetSettings, folder: Path) -> dict[str, Any]:
    """Which weights a network has of a checkpoint, with the same channels, with others, and of another network."""
    weights = _checkpoint(data, settings, folder)
    stored = torch.load(weights.file, weights_only=False)["network_weights"]
    other = settings.model_copy(update={"seed": settings.seed + 1})
    found: dict[str, Any] = {}
    more = Channel("post_flair", is_label=False)
    for name, channels in (("same", data.channels), ("more", (*data.channels, more))):
        trainer = _set_up(data, other, folder, channels)
        said = start_from(trainer.network, weights)
        now = trainer.network.state_dict()
        differ = [key for key in now if now[key].shape != stored[key].shape or not torch.equal(now[key], stored[key])]
        found[name] = {"said": said, "at_random": sorted(differ)}
    return found | {name: _refused(trainer.network, bad) for name, bad in _bad_checkpoints(weights, folder).items()}


def _refused(network: torch.nn.Module, weights: PretrainedWeights) -> str:
    try:
        start_from(network, weights)
    except ResiduaError as error:
        return str(error)
    return ""


def _bad_checkpoints(weights: PretrainedWeights, folder: Path) -> dict[str, PretrainedWeights]:
    whole, bad = Path(weights.file).read_bytes(), {}
    cut, code, other = (folder / f"{name}.pth" for name in ("cut", "code", "other"))
    cut.write_bytes(whole[: len(whole) // 2])
    torch.save({"network_weights": {"run": print}}, code)
    torch.save({"network_weights": {"encoder.stem.weight": torch.zeros(2)}}, other)
    for file in (cut, code, other):
        bad[file.stem] = PretrainedWeights(file=str(file), sha256=digest(file))
    bad["digest"] = PretrainedWeights(file=weights.file, sha256="0" * 64)
    bad["missing"] = PretrainedWeights(file=str(folder / "none.pth"), sha256="0" * 64)
    return bad


def augmented(data: TrainingSet, settings: NnUNetSettings, folder: Path) -> dict[str, list[str]]:
    """The steps of each augmentation, by name."""
    found = {}
    for augmentation in ("nnunet", "nnunet_without_mirroring", "article"):
        own = settings.model_copy(update={"augmentation": augmentation})
        trainer = _set_up(data, own, folder, data.channels)
        rotation, flat, _, axes = trainer.configure_rotation_dummyDA_mirroring_and_inital_patch_size()
        made = trainer.get_training_transforms(
            trainer.configuration_manager.patch_size, rotation, None, axes, flat, use_mask_for_norm=[True, False]
        )
        steps = [step.transform if isinstance(step, RandomTransform) else step for step in made.transforms]
        found[augmentation] = [type(step).__name__ for step in steps]
    return found


def main(folder: Path, given: str) -> None:
    """Print the record of all steps."""
    settings = NnUNetSettings.model_validate_json(given)
    make_cases(folder)
    data = prepare_all("nnunet", settings, folder)
    for name in ("step", "start"):
        (folder / name).mkdir()
    record = {
        "auto": planned(folder, "auto", (3.0, 3.0, 3.0)),
        "resenc-m": planned(folder, "resenc-m", (2.5, 2.5, 5.0)),
        "trained": trained(data, settings, folder / "step"),
        "started": started(data, settings, folder / "start"),
        "augmented": augmented(data, settings, folder),
    }
    print("\n" + json.dumps(record))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
