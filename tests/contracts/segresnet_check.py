"""What every network must do and its contract does not ask, for SegResNet in one start of its environment.

python segresnet_check.py SETTINGS FOLDER prints one JSON record: samples, lacking channels, infinite steps, an export.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import augmentation_check
import divergence_check
import dropout_check
import numpy as np
import onnxruntime
import torch

from residua.networks.exporting import Ensemble
from residua.networks.segresnet.model import trained
from residua.networks.segresnet.settings import SegResNetSettings
from residua.networks.segresnet.to_onnx import export
from residua.networks.torch_scale import scaler_on

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
    parts = {name: folder / name for name in ("samples", "lacking", "infinite")}
    for part in (*parts.values(), parts["lacking"] / "model"):
        part.mkdir()
    return {
        "samples": list(augmentation_check.records(ARCH, settings, parts["samples"])),
        "lacking": dropout_check.main(ARCH, settings.model_copy(update={"epochs": 1}), parts["lacking"]),
        "infinite": divergence_check.endings(ARCH, given, parts["infinite"]),
        "scale": scale_after_many_steps(),
        "exported": exported(parts["lacking"] / "model", folder / "onnx"),
    }


if __name__ == "__main__":
    print("\n" + json.dumps(main(json.loads(sys.argv[1]), Path(sys.argv[2]))))
