"""Put the models and the threshold of a bundle where the stages of a study expect them (stage ``unpack``)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from residua.bundle.read import unpack_models
from residua.publishing.publish import stage, write_json


def publish_models(path: str, manifests: Mapping[int, str], threshold: str) -> None:
    """Check a bundle, and publish the model of each fold under its manifest, and the threshold.

    Raises ``ResiduaError`` for a bundle that is damaged or unsafe; then nothing of it is published.
    """
    with ExitStack() as stages:
        parts = {fold: stages.enter_context(stage(manifest)) for fold, manifest in manifests.items()}
        record = unpack_models(Path(path), parts)
    write_json(threshold, record.threshold)
