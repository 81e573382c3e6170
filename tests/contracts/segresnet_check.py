"""What every network must do and its contract does not ask, for SegResNet in one start of its environment.

python segresnet_check.py SETTINGS FOLDER prints one JSON record: samples, lacking channels, infinite steps, an export,
the processes that load, a training that is asked to leave, a region and balanced epochs.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import augmentation_check
import divergence_check
import dropout_check
import numpy as np
import onnxruntime
import torch

from residua.errors import ResiduaError
from residua.images import volumes
from residua.networks.cases import TrainingSet
from residua.networks.exporting import Ensemble
from residua.networks.segresnet import train
from residua.networks.segresnet.augmentation import PatchVariation
from residua.networks.segresnet.batches import PatchLoader
from residua.networks.segresnet.model import trained
from residua.networks.segresnet.patches import Patches
from residua.networks.segresnet.prepare import prepare
from residua.networks.segresnet.prepared import SUFFIX, read_channel, read_crop, write_channel
from residua.networks.segresnet.sampling import epochs_of
from residua.networks.segresnet.settings import SegResNetPreparation, SegResNetSettings
from residua.networks.segresnet.to_onnx import export
from residua.networks.torch_scale import scaler_on
from residua.networks.unfinished import LeftError
from residua.preparation.cases import ChannelCase, RegionLabel

ARCH = "segresnet"


def exported(model: Path, out: Path) -> dict[str, Any]:
    """What onnxruntime makes of an exported network."""
    out.mkdir()
    export(Ensemble(ARCH, "B", dropout_check.CHANNELS, {0: model}, 0.4), out)
    network, described = trained(model)
    window = np.random.default_rng(1).normal(size=(1, 4, *described["patch_size"])).astype(np.float32)
    session = onnxruntime.InferenceSession(str(out / "fold0.onnx"))
    (found,) = session.run(None, {session.get_inputs()[0].name: window})
    return {
        "apart": float(np.abs(found - network(torch.from_numpy(window)).numpy()).max()),
        "spread": float(found.std()),
        "metadata": {key: json.loads(value) for key, value in session.get_modelmeta().custom_metadata_map.items()},
        "files": sorted(path.name for path in out.iterdir()),
    }


def asked_to_leave(settings: SegResNetSettings, folder: Path) -> dict[str, Any]:
    """A training with processes that load, asked to leave in its third validation, and then going on."""
    data = data_in(settings, folder)
    judged, begun = train._Training._validation_loss, list[list[str]]()

    def asked(training: Any, *given: Any) -> float:
        if len(begun) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return judged(training, *given)

    def told(done: int, total: int) -> None:
        begun.append(sorted(str(child.pid) for child in multiprocessing.active_children()))

    os.environ["OMP_NUM_THREADS"], train._Training._validation_loss = "3", asked  # type: ignore[method-assign,assignment]
    found: dict[str, Any] = {}
    try:
        train.train(data, settings, folder / "left", told)
    except LeftError as error:
        found["said"] = str(error)
    found |= {"loading": begun.copy(), "left_over": len(multiprocessing.active_children())}
    found["saved"] = [file.name[:17] for file in (folder / "left").glob("checkpoint*")]
    train._Training._validation_loss = judged  # type: ignore[method-assign]
    train.train(data, settings, folder / "left", told)
    found["loading_again"] = begun[3:]
    os.environ["OMP_NUM_THREADS"] = "1"
    found["curve"] = [json.loads(line)["epoch"] for line in (folder / "left" / train.CURVE).read_text().splitlines()]
    return found


def data_in(settings: SegResNetSettings, folder: Path) -> TrainingSet:
    """Made-up cases, prepared for a training."""
    augmentation_check.make_cases(folder)
    channels = (augmentation_check.IMAGE, augmentation_check.TUMOUR)
    (folder / "left").mkdir()
    made = augmentation_check.prepared(ARCH, settings, folder)
    data: TrainingSet = augmentation_check.training_set(made, channels)
    return data


def without_room(settings: SegResNetSettings) -> str:
    """What a training says whose batches shared memory cannot hold."""
    huge = settings.model_copy(update={"patch_size": (2**14,) * 3})
    nobody = TrainingSet(dropout_check.CHANNELS, {}, {}, (), ())
    os.environ["OMP_NUM_THREADS"] = "3"
    try:
        PatchLoader(Patches(nobody, {}, huge, PatchVariation(settings, [False])), 2, torch.device("cpu"))
    except ResiduaError as error:
        return str(error)
    finally:
        os.environ["OMP_NUM_THREADS"] = "1"
    return "there was room"


def in_a_region(settings: SegResNetSettings, folder: Path) -> dict[str, Any]:
    """A channel of a region beside that of the whole brain, on the voxels of the scan."""
    augmentation_check.make_cases(folder)
    patient, whole, region = augmentation_check.PATIENTS[0], folder / "whole", folder / "region"
    scan, brain, label = (folder / f"{patient}_{name}.nii.gz" for name in ("post_t1ce", "brain", "pre_tumor"))
    own = SegResNetPreparation(spacing_mm=volumes.load(scan).grid.spacing_mm)
    for out, seen in ((whole, None), (region, RegionLabel(label, 4.0))):
        out.mkdir()
        prepare([ChannelCase(patient, scan, brain, region=seen)], False, own, out)
    box, around = (read_crop(out / f"{patient}{SUFFIX}") for out in (region, whole))
    part = [slice(a.start - b.start, a.stop - b.start) for a, b in zip(box.box, around.box, strict=True)]
    channel, everywhere = (read_channel(out / f"{patient}{SUFFIX}") for out in (region, whole))
    tumour = box.restore(channel).data[volumes.load_mask(label).data]
    return {
        "alike": bool(np.array_equal(channel, everywhere[tuple(part)])),
        "share": channel.size / everywhere.size,
        "holds_the_label": bool((tumour != 0).all()),
    }


def balanced(settings: SegResNetSettings, folder: Path) -> dict[str, Any]:
    """How often an epoch draws a patient with tumour and each of three without."""
    augmentation_check.make_cases(folder)
    made = augmentation_check.prepared(ARCH, settings, folder)
    tumour = made["residual", "P1"]
    empty = folder / f"empty{SUFFIX}"
    write_channel(np.zeros_like(read_channel(tumour)), read_crop(tumour), empty)
    names = ("P1", "P2", "P3", "P4")
    data = TrainingSet(dropout_check.CHANNELS, {}, {n: tumour if n == "P1" else empty for n in names}, names, ())
    drawn: dict[str, Any] = {}
    for way in ("uniform", "balanced"):
        own = settings.model_copy(update={"sampling": way, "sampling_residual_ml": 0.1, "patches_per_patient": 6})
        epochs = [epochs_of(data, own)(epoch) for epoch in (0, 1)]
        drawn[way] = [dict(Counter(epoch)) for epoch in epochs]
        drawn[f"{way} again"] = epochs_of(data, own)(1) == epochs[1] != epochs[0]
    return drawn


def scale_after_many_steps() -> dict[str, Any]:
    """The scale of the loss on a processor, and what a weight becomes by steps of which one is not finite."""
    scaler, weight = scaler_on(torch.device("cpu")), torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=1.0)
    # PyTorch's own scaler grows after so many steps.
    steps = scaler.get_growth_interval() + 5
    for step in range(steps):
        optimizer.zero_grad()
        scaler.scale((weight * (np.inf if step == 3 else 1.0)).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
    return {"scale": scaler.get_scale(), "steps": steps, "weight": float(weight)}


def main(given: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The record."""
    settings = SegResNetSettings.model_validate(given)
    names = ("samples", "lacking", "infinite", "leaving", "region", "balanced")
    parts = {name: folder / name for name in names}
    for part in (*parts.values(), parts["lacking"] / "model"):
        part.mkdir()
    return {
        "samples": list(augmentation_check.records(ARCH, settings, parts["samples"])),
        "lacking": dropout_check.main(ARCH, settings.model_copy(update={"epochs": 1}), parts["lacking"]),
        "infinite": divergence_check.endings(ARCH, given, parts["infinite"]),
        "scale": scale_after_many_steps(),
        "leaving": asked_to_leave(settings.model_copy(update={"epochs": 3, "save_every_epochs": 3}), parts["leaving"]),
        "room": without_room(settings),
        "region": in_a_region(settings, parts["region"]),
        "balanced": balanced(settings, parts["balanced"]),
        "exported": exported(parts["lacking"] / "model", folder / "onnx"),
    }


if __name__ == "__main__":
    print("\n" + json.dumps(main(json.loads(sys.argv[1]), Path(sys.argv[2]))))
