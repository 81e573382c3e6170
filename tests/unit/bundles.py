"""Bundles of the micro study with made-up weights, for the tests of what reads them."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from residua.bundle.names import BRAIN_WEIGHTS, model_file
from residua.bundle.record import BundleRecord
from residua.bundle.write import write_bundle
from residua.networks.agunet.names import NETWORK_FILE, WEIGHTS_FILE
from residua.networks.cases import Channel
from residua.networks.nnunet.plans import DATASET_FILE, INFERENCE, PLANS_FILE, make_dataset, make_plans

MICRO = Path(__file__).resolve().parents[1] / "micro" / "config.yaml"
CHANNELS = (Channel("post_t1ce", False), Channel("post_t1", False))
FOLDS = (0, 1)
CARD = "# A model\n"


def safetensors(values: int = 6, **changes: Any) -> bytes:
    """A whole safetensors file of one tensor; ``changes`` are of its entry in the header."""
    entry = {"dtype": "F32", "shape": [values], "data_offsets": [0, 4 * values], **changes}
    header = json.dumps({"__metadata__": {"format": "pt"}, "layer": entry}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(4 * values)


def settings_of(arch: str) -> dict[str, Any]:
    """The settings of the micro study as they stand in a bundle of one of its networks."""
    study: dict[str, Any] = yaml.safe_load(MICRO.read_text())
    for name in ("cohort", "raters"):
        del study[name]
    chosen = {name: {arch: "B"} for name in study["statistics"]["best_inputs"]}
    study["statistics"]["best_inputs"] = chosen
    return {**study, "archs": [arch], "networks": {arch: study["networks"][arch]}}


def masked_by(method: str, weights: str, content: bytes) -> dict[str, Any]:
    """The settings of ``settings_of("nnunet")`` with brain masks by a file of weights."""
    mask = {"method": method, "weights": weights, "weights_sha256": sha256(content).hexdigest()}
    return {**settings_of("nnunet"), "brain_mask": mask}


def record_of(arch: str, /, **changes: Any) -> BundleRecord:
    """The record of a bundle of the micro study, without digests."""
    candidates = [{"threshold": each, "score": each} for each in (0.3, 0.5)]
    given: dict[str, Any] = {
        "format": 1,
        "residua": "0.1.0",
        "arch": arch,
        "inputs": "B",
        "channels": CHANNELS,
        "folds": FOLDS,
        "study": settings_of(arch),
        "threshold": {"threshold": 0.5, "candidates": candidates, "nested_performance": {"score": 0.4}},
        "files": {},
    }
    return BundleRecord.model_validate({**given, **changes})


def model_of(record: BundleRecord) -> dict[str, bytes]:
    """The files of one trained model, by name."""
    settings: Any = record.settings
    if record.arch == "agunet":
        built = settings.model_dump(mode="json", include={"shape", "features", "batch_normalization_momentum"})
        network = {**built, "channels": [channel.name for channel in record.channels], "epochs_trained": 4}
        return {NETWORK_FILE: json.dumps(network).encode(), WEIGHTS_FILE: safetensors()}
    plans = {**make_plans(settings, CHANNELS), INFERENCE: {"mirror_axes": None, "tile_step": settings.tile_step}}
    described = {PLANS_FILE: plans, DATASET_FILE: make_dataset(CHANNELS)}
    return {**{name: json.dumps(content).encode() for name, content in described.items()}, WEIGHTS_FILE: safetensors()}


def write_micro_bundle(out: Path, arch: str = "nnunet", **changes: Any) -> BundleRecord:
    """Write a bundle of the micro study; its models lie beside ``out`` in a folder ``trained``."""
    record = record_of(arch, **changes)
    files = {}
    if record.as_study().brain_mask.method == "agunet":
        files[BRAIN_WEIGHTS] = out.parent / "trained" / BRAIN_WEIGHTS
        files[BRAIN_WEIGHTS].parent.mkdir(parents=True, exist_ok=True)
        files[BRAIN_WEIGHTS].write_bytes(safetensors())
    for fold in record.folds:
        for name, content in model_of(record).items():
            file = out.parent / "trained" / model_file(fold, name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            files[model_file(fold, name)] = file
    return write_bundle(record, CARD, files, out)
