"""Put the models and the threshold of a bundle where the stages of a study expect them (stage ``unpack``)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from residua.bundle.read import read_bundle, unpack_model
from residua.publishing.publish import stage, write_json


def unpack_models(path: str, manifests: Mapping[int, str], threshold: str) -> None:
    """Check a bundle, and publish the model of each fold under its manifest, and the threshold.

    Raises ``ResiduaError`` for a bundle that is damaged or unsafe; then nothing of it is published.
    """
    record = read_bundle(Path(path))
    for fold, manifest in manifests.items():
        with stage(manifest) as part:
            unpack_model(Path(path), fold, part)
    write_json(threshold, record.threshold)
